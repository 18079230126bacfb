# SPDX-License-Identifier: Apache-2.0
"""Front-to-back compositing of voxel fields along the rays of a camera, with gradients to the fields."""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import resample_to_camera

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


def composite(
    fields: Float[Tensor, "B 4 X Y Z"], cameras: Cameras, size: int, depth: int, mode: Compositing
) -> Float[Tensor, "B 5 H W"]:
    """Composite three features, the position along the view and the occupancy itself.

    fields: channel 0 is the occupancy in [0, 1], which makes the weights; channels 1 to 3 are composited.
    Returns (feature 1, feature 2, feature 3, position, alpha): `sum_k w_k f_k`, `sum_k w_k z_k` with z from 0.5 in
    front to -0.5 behind, `sum_k w_k`, for `depth` samples a ray. Differentiable with respect to the fields, in float32.

    On the CPU, orthographic cameras take a fused kernel (each ray stops once nothing behind it can be seen); everything
    else takes `composite_reference`.
    """
    if fields.device.type == "cpu" and cameras.field_of_view is None:
        return _FusedComposite.apply(fields, cameras.axes(), cameras.width, size, depth, mode)
    return composite_reference(fields, cameras, size, depth, mode)


def composite_reference(
    fields: Float[Tensor, "B 4 X Y Z"], cameras: Cameras, size: int, depth: int, mode: Compositing
) -> Float[Tensor, "B 5 H W"]:
    """`composite` in plain PyTorch: the definition that the kernels are tested against."""
    volume = resample_to_camera(fields, cameras, size, depth)
    weights = compositing_weights(volume[:, :1], mode)
    along = 0.5 - (torch.arange(depth, device=fields.device) + 0.5) / depth
    position = (weights * along.view(1, 1, -1, 1, 1)).sum(dim=2)
    return torch.cat([(weights * volume[:, 1:]).sum(dim=2), position, weights.sum(dim=2)], dim=1)


class _FusedComposite(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, fields: Tensor, axes: Tensor, width: float, size: int, depth: int, mode: Compositing
    ) -> Tensor:
        from unrender.networks.compositing_kernels import composite_forward

        # One empty voxel all around spares the kernels every bounds check, channels last every cache miss but one.
        padded = torch.nn.functional.pad(fields.detach().float(), (1, 1) * 3).permute(0, 2, 3, 4, 1).contiguous()
        result = torch.zeros(len(fields), size, size, 5)
        composite_forward(
            padded.numpy(), axes.numpy(), width, depth, mode == "max", result.numpy(), torch.get_num_threads()
        )
        context.save_for_backward(padded, axes)
        context.settings = (width, depth, mode)
        return result.permute(0, 3, 1, 2)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from unrender.networks.compositing_kernels import composite_backward

        padded, axes = context.saved_tensors
        width, depth, mode = context.settings
        result = torch.zeros_like(padded)
        composite_backward(
            padded.numpy(),
            axes.numpy(),
            width,
            depth,
            mode == "max",
            gradient.float().permute(0, 2, 3, 1).contiguous().numpy(),
            result.numpy(),
            torch.get_num_threads(),
        )
        inner = result[:, 1:-1, 1:-1, 1:-1].permute(0, 4, 1, 2, 3)
        return inner, None, None, None, None, None
