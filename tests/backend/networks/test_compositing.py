# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.networks.compositing import (
    Compositing,
    composite_reference,
    composite_surface,
    compositing_weights,
    surface_fields,
)


def random_occupancy(seed: int, resolution: int = 12) -> torch.Tensor:
    uniform = torch.rand(3, 1, *[resolution] * 3, generator=torch.Generator().manual_seed(seed))
    return (1.4 * uniform - 0.6).clamp(0.0, 1.0)


def reference(occupancy: torch.Tensor, camera: Cameras, size: int, depth: int, mode: Compositing) -> torch.Tensor:
    return composite_reference(surface_fields(occupancy), camera, size, depth, mode)


def cameras(count: int = 3, seed: int = 0) -> Cameras:
    return ViewLaw(elevation_degrees=(-80.0, 80.0)).sample(count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("elevation", [(-80.0, 80.0), (0.0, 0.0)])
@pytest.mark.parametrize("mode", ["product", "max"])
def test_fused_kernel_equals_reference_in_values_and_gradients(
    mode: Compositing, elevation: tuple[float, float]
) -> None:
    camera = ViewLaw(elevation_degrees=elevation).sample(3, torch.Generator().manual_seed(0))
    occupancy = random_occupancy(1)
    fused, plain = occupancy.clone().requires_grad_(True), occupancy.clone().requires_grad_(True)
    a = composite_surface(fused, camera, 20, 17, mode)
    b = reference(plain, camera, 20, 17, mode)
    torch.testing.assert_close(a, b, atol=1e-4 if mode == "product" else 1e-5, rtol=1e-5)
    upstream = torch.randn(a.shape, generator=torch.Generator().manual_seed(2))
    a.backward(upstream)
    b.backward(upstream)
    torch.testing.assert_close(fused.grad, plain.grad, atol=1e-3 if mode == "product" else 1e-4, rtol=1e-4)


def test_fused_kernel_takes_grids_of_unequal_sides_and_reads_only_what_is_inside() -> None:
    occupancy = random_occupancy(4)[:, :, 2:9, :, 3:8]
    fused, plain = occupancy.clone().requires_grad_(True), occupancy.clone().requires_grad_(True)
    a, b = composite_surface(fused, cameras(), 9, 11, "product"), reference(plain, cameras(), 9, 11, "product")
    torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(
        torch.autograd.grad(a.square().sum(), fused), torch.autograd.grad(b.square().sum(), plain), atol=1e-3, rtol=1e-4
    )


def test_solid_behind_solid_is_no_record_of_max_weights() -> None:
    """Interpolated ones are one but for the last bit, and a record by that bit must not count in the gradient."""
    occupancy = torch.zeros(1, 1, 12, 12, 12)
    occupancy[:, :, 2:10, 2:10, 2:10] = 1.0
    occupancy.requires_grad_(True)
    composite_surface(occupancy, cameras(1, 7), 20, 17, "max")[:, 4].sum().backward()
    assert occupancy.grad is not None
    assert occupancy.grad[0, 0, 4:8, 4:8, 4:8].abs().max().item() == 0.0


@pytest.mark.parametrize("mode", ["product", "max"])
def test_fused_gradient_equals_finite_differences(mode: Compositing) -> None:
    occupancy = random_occupancy(3, 6)[:1].requires_grad_(True)
    camera = cameras(1, 4)
    weight = torch.randn(1, 5, 8, 8, generator=torch.Generator().manual_seed(5))
    (weight * composite_surface(occupancy, camera, 8, 8, mode)).sum().backward()
    assert occupancy.grad is not None
    grey = [tuple(index) for index in torch.nonzero((occupancy > 0.05) & (occupancy < 0.95)).tolist()]
    chosen = [index for index in grey if min(index[2:]) > 1 and max(index[2:]) < 5][:6]
    assert len(chosen) >= 4
    for index in chosen:
        up, down = occupancy.detach().clone(), occupancy.detach().clone()
        up[index] += 2e-3
        down[index] -= 2e-3
        values = [(weight * reference(o, camera, 8, 8, mode)).double().sum() for o in (up, down)]
        expected = float(values[0] - values[1]) / 4e-3
        assert occupancy.grad[index].item() == pytest.approx(expected, rel=0.05, abs=0.02)


def test_max_weights_are_first_hit_probabilities_of_a_global_threshold() -> None:
    ray = torch.tensor([0.0, 0.3, 0.1, 0.7, 0.7, 0.9, 0.2]).view(1, 1, -1, 1, 1)
    weights = compositing_weights(ray, "max").flatten()
    thresholds = torch.linspace(0, 1, 100_001)[:-1] + 5e-6
    solid = ray.flatten()[None] > thresholds[:, None]
    first = torch.where(solid.any(1), solid.int().argmax(1), -1)
    measured = torch.stack([(first == k).float().mean() for k in range(len(weights))])
    torch.testing.assert_close(weights, measured, atol=2e-5, rtol=0)


def test_product_weights_are_first_hit_probabilities_of_independent_voxels() -> None:
    ray = torch.tensor([0.5, 0.5, 1.0, 0.5]).view(1, 1, -1, 1, 1)
    assert compositing_weights(ray, "product").flatten().tolist() == [0.5, 0.25, 0.25, 0.0]


def test_a_full_slab_is_opaque_and_its_front_is_where_it_stands() -> None:
    grid = torch.zeros(1, 1, 16, 16, 16)
    grid[:, :, :, 4:12] = 1.0  # y from -0.25 to 0.25, seen from -Y
    camera = Cameras(torch.zeros(1), torch.zeros(1), width=0.5)
    image = composite_surface(grid, camera, 8, 64, "product")
    torch.testing.assert_close(image[0, 4], torch.ones(8, 8), atol=1e-3, rtol=0)
    # The trilinear ramp is one voxel wide around the true front at +0.25.
    assert image[0, 3].mean().item() == pytest.approx(0.25, abs=0.04)
