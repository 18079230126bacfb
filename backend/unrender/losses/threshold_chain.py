# SPDX-License-Identifier: Apache-2.0
"""The chain of solids that a global threshold cuts out of a grid, and exact gradients of a black box along it.

Let f be any function of a set of voxels: a renderer without gradients, and a score of its picture. With one threshold
t ~ U[0, 1] for the whole grid,

    L(x) = E_t f({i : x_i > t})

is the Lovasz (Choquet) extension of f: continuous, and linear wherever the order of the voxels' values does not change.
So f needs no derivative for L to have one: `dL/dx_i = f({x >= x_i}) - f({x > x_i})`, the gain of voxel i at its own
level. Along a band a <= x_i < b these gains telescope to `f({x >= a}) - f({x >= b})`: two renders give the exact sum of
the gradient over all voxels of the band, however many they are.

All functions take a batch. `score` maps M sets of every sample, Bool [B, M, X, Y, Z], to Float [B, M]; it knows the
camera of each sample, and may render everything in one call.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

SetScore = Callable[[Bool[Tensor, "B M X Y Z"]], Float[Tensor, "B M"]]
BandShare = Literal["magnitude", "uniform"]


def lovasz_value(occupancy: Float[Tensor, "B 1 X Y Z"], score: SetScore) -> Float[Tensor, "B"]:
    """L(x) = sum_k (x_(k+1) - x_(k)) f({x > x_(k)}) over sorted values, x_(0) = 0 and x_(N+1) = 1. N + 1 scores."""
    levels = occupancy.flatten(1).sort(dim=1).values
    zero, one = torch.zeros_like(levels[:, :1]), torch.ones_like(levels[:, :1])
    below = torch.cat([zero, levels], dim=1)
    widths = torch.cat([levels, one], dim=1) - below
    return (widths * score(occupancy > _as_levels(below))).sum(dim=1)


def lovasz_gradient(occupancy: Float[Tensor, "B 1 X Y Z"], score: SetScore) -> Float[Tensor, "B 1 X Y Z"]:
    """dL/dx, exact where all values differ. N + 1 scores, so for small grids.

    Voxels of equal value have only their joint gain, which they share equally here: no derivative exists, but sums over
    bands and `L(x) = f(empty) + sum_i x_i dL/dx_i` still hold.
    """
    levels, order = occupancy.flatten(1).sort(dim=1)
    chain = score(torch.cat([occupancy >= _as_levels(levels), torch.zeros_like(occupancy, dtype=torch.bool)], dim=1))
    gains = chain[:, :-1] - chain[:, 1:]
    group = torch.zeros_like(order)
    group[:, 1:] = (levels[:, 1:] != levels[:, :-1]).cumsum(dim=1)
    shared = torch.zeros_like(gains).scatter_add(1, group, gains)
    members = torch.zeros_like(gains).scatter_add(1, group, torch.ones_like(gains))
    gradient = torch.zeros_like(gains).scatter(1, order, (shared / members).gather(1, group))
    return gradient.view_as(occupancy)


def level_edges(bands: int, outer: float = 0.05) -> Float[Tensor, "E"]:
    """Edges of `bands` bands at fixed levels: (0, outer), equal steps of the logit in between, [1 - outer, 1).

    Voxels that are saturated at exactly 0 or 1 lie in no band: they have no level of their own, and a generator that
    ends in a sigmoid has no slope there. The lowest edge is the smallest normal number of float32.
    """
    if bands < 3:
        raise ValueError(f"{bands} bands cannot hold two outermost ones and something in between: at least 3")
    inner = torch.sigmoid(torch.linspace(-1.0, 1.0, bands - 1) * torch.logit(torch.tensor(1.0 - outer)))
    return torch.cat([torch.tensor([torch.finfo(torch.float32).tiny]), inner, torch.tensor([1.0])])


def slope_edges(occupancy: Float[Tensor, "B 1 X Y Z"], bands: int) -> Float[Tensor, "B E"]:
    """Edges of `bands` bands per sample that share `sum_i x_i (1 - x_i)` equally.

    x (1 - x) is the slope of the sigmoid that made x: how far the generator can move the voxel. Edges stand at values
    of voxels, the outermost ones as in `level_edges`; equal values fall into one band, so bands may stay empty.
    """
    levels = occupancy.detach().flatten(1).double().sort(dim=1).values
    mass = (levels * (1.0 - levels)).cumsum(dim=1)
    wanted = mass[:, -1:] * torch.arange(1, bands, device=mass.device) / bands
    at = torch.searchsorted(mass, wanted).clamp(max=mass.shape[1] - 1)
    lowest = torch.full_like(mass[:, :1], torch.finfo(torch.float32).tiny)
    inner = levels.gather(1, at).clamp(torch.finfo(torch.float32).tiny, 1.0)
    return torch.cat([lowest, inner, torch.ones_like(lowest)], dim=1).to(occupancy.dtype)


def nested_sets(occupancy: Float[Tensor, "B 1 X Y Z"], edges: Float[Tensor, "B E"]) -> Bool[Tensor, "B E X Y Z"]:
    """{x >= edge} of every edge: the K + 1 solids whose scores give the K exact band sums."""
    return occupancy.detach() >= _as_levels(edges)


def exact_band_sums(chain: Float[Tensor, "B E"]) -> Float[Tensor, "B K"]:
    """f({x >= a}) - f({x >= b}) of every band: the exact sums of dL/dx, from the scores of the nested sets."""
    return chain[:, :-1] - chain[:, 1:]


def band_of_voxels(occupancy: Float[Tensor, "B 1 X Y Z"], edges: Float[Tensor, "B E"]) -> Int[Tensor, "B N"]:
    """Index of the band a <= x < b of every voxel, 0 to K - 1; K for voxels in none."""
    flat = occupancy.detach().flatten(1)
    band = torch.searchsorted(edges.to(flat.dtype).contiguous(), flat, right=True) - 1
    bands = edges.shape[1] - 1
    return torch.where((band < 0) | (band >= bands), bands, band)


def band_sums(values: Float[Tensor, "B 1 X Y Z"], band: Int[Tensor, "B N"], bands: int) -> Float[Tensor, "B K"]:
    """Sum over the voxels of every band, added up and returned in float64."""
    flat = values.flatten(1).double()
    return torch.zeros(len(flat), bands + 1, dtype=flat.dtype, device=flat.device).scatter_add(1, band, flat)[:, :bands]


def correct_band_sums(
    gradient: Float[Tensor, "B 1 X Y Z"],
    band: Int[Tensor, "B N"],
    exact: Float[Tensor, "B K"],
    share: BandShare = "magnitude",
) -> Float[Tensor, "B 1 X Y Z"]:
    """A gradient whose band sums are `exact`: `g_i + r_k w_i` with the residual r_k of the band of voxel i.

    share: w_i is |g_i| or 1, over its sum in the band. With "magnitude" the correction goes where the gradient lives
        already, so voxels that nothing sees stay without; a band without any gradient shares equally.
    Voxels outside of all bands keep their gradient; a band without voxels takes nothing.
    """
    bands = exact.shape[1]
    flat = gradient.flatten(1).double()
    residual = exact.double() - band_sums(gradient, band, bands)
    count = band_sums(torch.ones_like(gradient), band, bands)
    spread, total = torch.ones_like(flat), count
    if share == "magnitude":
        magnitude = band_sums(gradient.abs(), band, bands)
        blank = _with_rest((magnitude <= 0.0).double()).gather(1, band) > 0.0
        spread = torch.where(blank, 1.0, flat.abs())
        total = torch.where(magnitude <= 0.0, count, magnitude)
    factor = torch.where(total > 0.0, residual / total.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    corrected = flat + _with_rest(factor).gather(1, band) * spread
    return corrected.to(gradient.dtype).view_as(gradient)


def _with_rest(values: Float[Tensor, "B K"]) -> Float[Tensor, "B E"]:
    """A column of noughts for the voxels in no band."""
    return torch.cat([values, torch.zeros_like(values[:, :1])], dim=1)


def _as_levels(levels: Float[Tensor, "B M"]) -> Float[Tensor, "B M 1 1 1"]:
    return levels[:, :, None, None, None]
