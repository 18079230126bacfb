# SPDX-License-Identifier: Apache-2.0
"""The generator's last layer: an up-convolution to one channel, and the fixed blur of its logits."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unrender.geometry.surface import blur_separable


def blurred_logits(
    features: Float[Tensor, "B C X Y Z"], layer: nn.ConvTranspose3d, side: float
) -> Float[Tensor, "B 1 2*X 2*Y 2*Z"]:
    """`blur_separable(layer(features), side)` in float32, for a kernel of 4, a stride of 2, a padding of 1.

    One output channel leaves a convolution's vector instructions idle: on the CPU, as the product of two matrices (in
    the type of the features) and a kernel that adds the blocks up, it takes a fourth of the time.
    """
    assert layer.bias is not None
    if features.device.type == "cpu":
        return _fused(features, layer.weight, layer.bias, side)
    return blur_separable(layer(features).float(), side)


@torch.compiler.disable
def _fused(features: Tensor, weight: Tensor, bias: Tensor, side: float) -> Tensor:
    logits: Tensor = _Blocks.apply(features, weight, bias, side)
    return logits


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, features: Tensor, weight: Tensor, bias: Tensor, side: float
    ) -> Tensor:
        from unrender.networks.logit_kernels import put_together

        batch, channels, nx, ny, nz = features.shape
        rows = features.permute(0, 2, 3, 4, 1).reshape(-1, channels)
        matrix = weight.reshape(channels, 64).to(rows.dtype)
        blocks = (rows @ matrix).float().view(batch, nx, ny, nz, 4, 4, 4)
        result = torch.empty(batch, 1, 2 * nx, 2 * ny, 2 * nz)
        put_together(blocks.numpy(), bias.item(), side, result.squeeze(1).numpy(), torch.get_num_threads())
        context.save_for_backward(rows, matrix)
        context.side, context.shape = side, (batch, nx, ny, nz)
        return result

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from unrender.networks.logit_kernels import take_apart

        rows, matrix = context.saved_tensors
        batch, nx, ny, nz = context.shape
        blocks = torch.empty(batch, nx, ny, nz, 4, 4, 4)
        upstream = gradient.squeeze(1).float().contiguous()
        bias = take_apart(upstream.numpy(), context.side, blocks.numpy(), torch.get_num_threads())
        columns = blocks.view(-1, 64).to(rows.dtype)
        features = (columns @ matrix.t()).view(batch, nx, ny, nz, -1).permute(0, 4, 1, 2, 3)
        weight = (rows.t() @ columns).float().view(-1, 1, 4, 4, 4)
        return features, weight, gradient.new_tensor([bias], dtype=torch.float32), None
