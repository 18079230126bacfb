# SPDX-License-Identifier: Apache-2.0
"""Front-to-back compositing of voxel fields along the rays of a camera, with gradients to the fields."""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import resample_to_camera
from unrender.geometry.surface import blur_separable
from unrender.networks.uncompiled import uncompiled

Compositing = Literal["product", "max"]


def compositing_weights(occupancy: Float[Tensor, "B 1 D H W"], mode: Compositing) -> Float[Tensor, "B 1 D H W"]:
    """How much each sample of a ray is seen, front to back along D.

    product: `w_k = x_k prod_{j<k} (1 - x_j)`: voxels solid independently of each other. A faint haze looks solid.
    max: `w_k = relu(x_k - max_{j<k} x_j)`: the exact probability that sample k is hit first when one global threshold
        t ~ U[0, 1] binarises the grid, for k is hit first if and only if `max_{j<k} x_j <= t < x_k`.
    """
    front = torch.zeros_like(occupancy[:, :, :1])
    if mode == "max":
        before = torch.cat([front, torch.cummax(occupancy, dim=2).values[:, :, :-1]], dim=2)
        # Ties: an empty sample is no record, so nothing that lies behind it takes from it.
        return torch.relu(occupancy - torch.where(before > 0.0, before, 0.0))
    transmitted = torch.cumprod(1.0 - occupancy, dim=2)
    return occupancy * torch.cat([front + 1.0, transmitted[:, :, :-1]], dim=2)


def composite_surface(
    occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras, size: int, depth: int, mode: Compositing
) -> Float[Tensor, "B 5 H W"]:
    """Composite what a surface looks like: which way it faces, where it stands, and whether it is there.

    Returns (x, y, z of the outward difference in the world, position, alpha): `sum_k w_k f_k` over `depth` samples a
    ray of the `surface_fields`, `sum_k w_k z_k` with z from 0.5 in front to -0.5 behind, `sum_k w_k`. Differentiable
    with respect to the occupancies in [0, 1], in float32.

    On the CPU, orthographic cameras take fused kernels (cells that hold nothing are passed over, and each ray stops
    once nothing behind it can be seen); everything else takes `composite_reference`.
    """
    if occupancy.device.type == "cpu" and cameras.field_of_view is None:
        return _fused(occupancy, cameras.axes(), cameras.width, size, depth, mode)
    return composite_reference(surface_fields(occupancy), cameras, size, depth, mode)


def surface_fields(occupancy: Float[Tensor, "B 1 X Y Z"]) -> Float[Tensor, "B 4 X Y Z"]:
    """The occupancy, and the central differences x(i - 1) - x(i + 1) of the blurred occupancy along each axis, with
    empty space around the grid: a vector that points out of the solid."""
    blurred = blur_separable(occupancy)
    return torch.cat([occupancy, *(_outward_difference(blurred, axis) for axis in (2, 3, 4))], dim=1)


def composite_reference(
    fields: Float[Tensor, "B 4 X Y Z"], cameras: Cameras, size: int, depth: int, mode: Compositing
) -> Float[Tensor, "B 5 H W"]:
    """`composite_surface` of `surface_fields` in plain PyTorch: the definition that the kernels are tested against."""
    volume = resample_to_camera(fields, cameras, size, depth)
    weights = compositing_weights(volume[:, :1], mode)
    along = 0.5 - (torch.arange(depth, device=fields.device) + 0.5) / depth
    position = (weights * along.view(1, 1, -1, 1, 1)).sum(dim=2)
    return torch.cat([(weights * volume[:, 1:]).sum(dim=2), position, weights.sum(dim=2)], dim=1)


def _outward_difference(grid: Tensor, axis: int) -> Tensor:
    pad = [0] * 6
    pad[2 * (4 - axis)] = pad[2 * (4 - axis) + 1] = 1
    padded = functional.pad(grid, pad)
    length = grid.shape[axis]
    return padded.narrow(axis, 0, length) - padded.narrow(axis, 2, length)


@uncompiled
def _fused(occupancy: Tensor, axes: Tensor, width: float, size: int, depth: int, mode: Compositing) -> Tensor:
    image: Tensor = _FusedComposite.apply(occupancy, axes, width, size, depth, mode)
    return image


class _FusedComposite(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, occupancy: Tensor, axes: Tensor, width: float, size: int, depth: int, mode: Compositing
    ) -> Tensor:
        from unrender.networks.compositing_kernels import composite_forward
        from unrender.networks.surface_kernels import surface_fields

        threads = torch.get_num_threads()
        fields, cells, scratch = surface_fields(occupancy.detach().float().squeeze(1).contiguous().numpy(), threads)
        result = torch.empty(len(fields), size, size, 5)
        composite_forward(fields, cells, axes.numpy(), width, depth, mode == "max", result.numpy(), threads)
        if context.needs_input_grad[0]:
            context.kept = (fields, cells, scratch, axes.numpy(), width, depth, mode)
        return result.permute(0, 3, 1, 2)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from unrender.networks.compositing_kernels import composite_backward
        from unrender.networks.surface_kernels import surface_gradient

        fields, cells, scratch, axes, width, depth, mode = context.kept
        threads = torch.get_num_threads()
        upstream = gradient.float().permute(0, 2, 3, 1).contiguous().numpy()
        direct, differences = composite_backward(fields, cells, axes, width, depth, mode == "max", upstream, threads)
        result = torch.from_numpy(surface_gradient(direct, differences, scratch, threads))
        return result.unsqueeze(1), None, None, None, None, None
