# SPDX-License-Identifier: Apache-2.0
"""What the gradients of hard silhouettes are measured by: the same scene at 16 times the resolution, box-filtered, and
differences of that along smooth movements of the vertices."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from tests.backend.renderers.rasterizer.shapes import ScreenMesh
from unrender.renderers.differentiable.rasterizer import Fragments, interpolate, rasterize

Silhouette = Callable[[Tensor, Tensor, Tensor, Fragments], Tensor]

_FINER = 16


def pictures(screen: Tensor, mesh: ScreenMesh, size: tuple[int, int], silhouette: Silhouette | None) -> Tensor:
    """Two smooth colours and the coverage, [B, 3, H, W], before an empty background."""
    fragments = rasterize(screen, mesh.faces, size)
    shown = torch.cat([interpolate(_colours(mesh), fragments, mesh.faces), fragments.covered.to(screen.dtype)], dim=1)
    return shown if silhouette is None else silhouette(shown, screen, mesh.faces, fragments)


def loss(image: Tensor) -> Tensor:
    """A smooth weighting of all pixels."""
    rows, columns = ((torch.arange(n, dtype=image.dtype) + 0.5) / n for n in image.shape[2:])
    waves = [torch.sin(4 * rows + k)[:, None] * torch.cos(5 * columns - 2 * k)[None] + 0.5 for k in range(3)]
    return (image * torch.stack(waves)).sum()


def derivative_of_fine_pictures(mesh: ScreenMesh, direction: Tensor, step: float = 0.25) -> float:
    """How the loss of box-filtered pictures changes when the vertices move along `direction`."""
    finer = torch.tensor([_FINER, _FINER, 1.0], dtype=mesh.screen.dtype)
    size = (mesh.size[0] * _FINER, mesh.size[1] * _FINER)
    there, back = (
        loss(functional.avg_pool2d(pictures((mesh.screen + way * step * direction) * finer, mesh, size, None), _FINER))
        for way in (1.0, -1.0)
    )
    return float((there - back) / (2.0 * step))


def derivative(mesh: ScreenMesh, direction: Tensor, silhouette: Silhouette) -> float:
    """The same by back-propagation through the pictures as they are."""
    screen = mesh.leaf()
    loss(pictures(screen, mesh, mesh.size, silhouette)).backward()
    assert screen.grad is not None
    return float((screen.grad * direction).sum())


def movements(mesh: ScreenMesh, count: int) -> list[Tensor]:
    """Smooth movements on the screen: shears, turns, zooms and shifts, of at most a pixel."""
    draw = torch.Generator().manual_seed(0)
    place = mesh.screen[..., :2] / mesh.size[0]
    place = place - place.mean(dim=1, keepdim=True)
    moves = []
    for _ in range(count):
        matrix, shift = torch.randn(2, 2, generator=draw).double(), torch.randn(2, generator=draw).double()
        move = place @ matrix + shift
        moves.append(functional.pad(move / move.abs().max(), (0, 1)))
    return moves


def _colours(mesh: ScreenMesh) -> Tensor:
    column, row, depth = (mesh.screen / mesh.size[0]).unbind(-1)
    waves = [0.5 + 0.4 * torch.sin(7 * column + 6 * depth + k) * torch.cos(5 * row - k) for k in (0, 1)]
    return torch.stack(waves, dim=-1)
