# SPDX-License-Identifier: Apache-2.0
"""The threshold chain against exhaustive enumeration of random set functions in float64."""

import pytest
import torch
from torch import Tensor

from unrender.losses.threshold_chain import (
    BandShare,
    band_of_voxels,
    band_sums,
    correct_band_sums,
    exact_band_sums,
    level_edges,
    lovasz_gradient,
    lovasz_value,
    nested_sets,
    slope_edges,
)
from unrender.networks.compositing import compositing_weights

SHAPE = (2, 2, 3)
VOXELS = 12
BATCH = 3


class RandomSetFunction:
    """A value of its own for each of the 2^12 sets, for every sample; counts what it is asked."""

    def __init__(self, seed: int) -> None:
        self.table = torch.randn(BATCH, 2**VOXELS, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        self.calls = 0

    def __call__(self, sets: Tensor) -> Tensor:
        self.calls += 1
        assert sets.dtype == torch.bool
        code = (sets.flatten(2).long() << torch.arange(VOXELS)).sum(dim=2)
        return self.table.gather(1, code)

    def by_enumeration(self, occupancy: Tensor) -> Tensor:
        """E_t f: every set times the length of the thresholds that cut it out."""
        x = occupancy.flatten(1)
        member = (torch.arange(2**VOXELS)[:, None] >> torch.arange(VOXELS)) & 1 == 1
        inside = torch.where(member, x[:, None], 1.0).amin(dim=2)
        outside = torch.where(member, 0.0, x[:, None]).amax(dim=2)
        return ((inside - outside).clamp(min=0.0) * self.table).sum(dim=1)


def grid(seed: int) -> Tensor:
    return torch.rand(BATCH, 1, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(4))
def test_value_is_the_expectation_over_thresholds(seed: int) -> None:
    score, x = RandomSetFunction(seed), grid(seed + 100)
    torch.testing.assert_close(lovasz_value(x, score), score.by_enumeration(x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("seed", range(4))
def test_gradient_equals_central_differences_of_the_enumerated_expectation(seed: int) -> None:
    score, x = RandomSetFunction(seed), grid(seed + 100)
    levels = x.flatten(1).sort(dim=1).values
    step = 0.2 * (levels[:, 1:] - levels[:, :-1]).min().item()  # linear as long as the order holds
    gradient = lovasz_gradient(x, score).flatten(1)
    assert score.calls == 1
    for voxel in range(VOXELS):
        nudge = torch.zeros(BATCH, VOXELS, dtype=torch.float64)
        nudge[:, voxel] = step
        nudge = nudge.view_as(x)
        expected = (score.by_enumeration(x + nudge) - score.by_enumeration(x - nudge)) / (2 * step)
        torch.testing.assert_close(gradient[:, voxel], expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("seed", range(4))
def test_value_follows_from_the_gradient(seed: int) -> None:
    score, x = RandomSetFunction(seed), grid(seed + 100)
    empty = score(torch.zeros(BATCH, 1, *SHAPE, dtype=torch.bool))[:, 0]
    value = empty + (x * lovasz_gradient(x, score)).sum(dim=(1, 2, 3, 4))
    torch.testing.assert_close(value, score.by_enumeration(x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", ["levels", "slope"])
def test_differences_of_nested_sets_are_the_band_sums_of_the_exact_gradient(kind: str) -> None:
    score, x = RandomSetFunction(7), grid(107)
    edges = level_edges(5, outer=0.2).double().expand(BATCH, -1) if kind == "levels" else slope_edges(x, 5)
    calls = score.calls
    exact = exact_band_sums(score(nested_sets(x, edges)))
    assert score.calls == calls + 1  # all samples and all sets in one call
    sums = band_sums(lovasz_gradient(x, score), band_of_voxels(x, edges), 5)
    torch.testing.assert_close(sums, exact, atol=1e-12, rtol=0)
    assert (exact != 0).sum() > BATCH  # not a test of noughts


@pytest.mark.parametrize("share", ["magnitude", "uniform"])
def test_corrected_band_sums_are_exact(share: BandShare) -> None:
    score, x = RandomSetFunction(8), grid(108)
    edges = slope_edges(x, 4)
    band, exact = band_of_voxels(x, edges), exact_band_sums(score(nested_sets(x, edges)))
    proxy = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    proxy[0, 0, 0] = 0.0  # voxels that the proxy does not see
    corrected = correct_band_sums(proxy, band, exact, share)
    torch.testing.assert_close(band_sums(corrected, band, 4), exact, atol=1e-9, rtol=0)
    single = correct_band_sums(proxy.float(), band, exact, share)
    assert single.dtype == torch.float32
    torch.testing.assert_close(band_sums(single, band, 4), exact, atol=1e-5, rtol=1e-5)
    outside = band.view_as(x) == 4
    assert torch.equal(corrected[outside], proxy[outside])


def test_magnitude_leaves_unseen_voxels_alone_unless_nothing_is_seen_in_the_band() -> None:
    x = torch.tensor([0.3, 0.3, 0.4, 0.8, 0.8, 0.0, 0.0, 1.0], dtype=torch.float64).view(1, 1, 2, 2, 2)
    gradient = torch.tensor([2.0, 0.0, -1.0, 0.0, 0.0, 5.0, 6.0, 7.0], dtype=torch.float64).view_as(x)
    edges = torch.tensor([[1e-6, 0.5, 0.6, 1.0]], dtype=torch.float64)
    band = band_of_voxels(x, edges)
    assert band.tolist() == [[0, 0, 0, 2, 2, 3, 3, 3]]
    exact = torch.tensor([[4.0, 9.0, 3.0]], dtype=torch.float64)  # nothing lies in the middle band: it has no sum
    corrected = correct_band_sums(gradient, band, exact, "magnitude").flatten().tolist()
    assert corrected == pytest.approx([2 + 3 * 2 / 3, 0.0, -1 + 3 * 1 / 3, 1.5, 1.5, 5.0, 6.0, 7.0])


def test_equal_and_saturated_values_keep_the_identities() -> None:
    score = RandomSetFunction(9)
    x = grid(109).mul(4).floor().div(4)  # many ties, and noughts
    x[:, 0, 0, 0, 0] = 1.0
    torch.testing.assert_close(lovasz_value(x, score), score.by_enumeration(x), atol=1e-12, rtol=0)
    gradient = lovasz_gradient(x, score)
    empty = score(torch.zeros(BATCH, 1, *SHAPE, dtype=torch.bool))[:, 0]
    value = empty + (x * gradient).sum(dim=(1, 2, 3, 4))
    torch.testing.assert_close(value, lovasz_value(x, score), atol=1e-12, rtol=0)
    edges = torch.tensor([1e-6, 0.25, 0.6, 1.0], dtype=torch.float64).expand(BATCH, -1)
    exact = exact_band_sums(score(nested_sets(x, edges)))
    torch.testing.assert_close(band_sums(gradient, band_of_voxels(x, edges), 3), exact, atol=1e-12, rtol=0)


def test_edges_cover_everything_that_is_not_saturated() -> None:
    edges = level_edges(8)
    assert edges.shape == (9,)
    assert torch.equal(edges, edges.sort().values)
    torch.testing.assert_close(edges[[1, -2]], torch.tensor([0.05, 0.95]))
    x = torch.tensor([0.0, 1e-30, 0.049, 0.5, 0.951, 1 - 6e-8, 1.0, 1.0]).view(1, 1, 2, 2, 2)
    assert band_of_voxels(x, edges[None]).tolist() == [[8, 0, 0, 4, 7, 7, 8, 8]]
    with pytest.raises(ValueError, match="at least 3"):
        level_edges(2)


def test_slope_edges_share_what_a_generator_can_move() -> None:
    x = torch.sigmoid(6 * torch.randn(2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0)))
    edges = slope_edges(x, 6)
    slope = band_sums(x * (1 - x), band_of_voxels(x, edges), 6)
    torch.testing.assert_close(slope, slope.mean(1, keepdim=True).expand_as(slope), atol=0.3, rtol=0)
    binary = (x > 0.5).float()  # nothing to share: no band holds a voxel, and nothing breaks
    assert (band_of_voxels(binary, slope_edges(binary, 6)) == 6).all()


def test_max_compositing_is_the_exact_extension_of_first_hit_functions() -> None:
    """f = the colour of the first voxel of a ray in the set: its extension is sum_k w_k c_k with max weights."""
    random = torch.Generator().manual_seed(3)
    x = torch.rand(2, 1, 9, 1, 1, dtype=torch.float64, generator=random)
    colours = torch.randn(2, 9, dtype=torch.float64, generator=random)

    def first_hit(sets: Tensor) -> Tensor:
        rays = sets.flatten(2)
        first = rays.int().argmax(dim=2)
        return torch.where(rays.any(dim=2), colours.gather(1, first), 0.0)

    tracked = x.clone().requires_grad_(True)
    composited = (compositing_weights(tracked, "max").flatten(1) * colours).sum(dim=1)
    torch.testing.assert_close(composited.detach(), lovasz_value(x, first_hit), atol=1e-12, rtol=0)
    composited.sum().backward()
    assert tracked.grad is not None
    torch.testing.assert_close(tracked.grad, lovasz_gradient(x, first_hit), atol=1e-12, rtol=0)
    thresholds = ((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000).view(1, -1, 1, 1, 1)
    average = first_hit(x > thresholds).mean(dim=1)
    torch.testing.assert_close(composited.detach(), average, atol=2e-3, rtol=0)
    product = (compositing_weights(x, "product").flatten(1) * colours).sum(dim=1)
    assert (product - average).abs().max() > 0.05  # independent voxels are another model
