# SPDX-License-Identifier: Apache-2.0
"""The generator's last layer: an up-convolution to one channel, and the fixed blur of its logits."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unrender.geometry.surface import blur_separable
from unrender.networks.uncompiled import uncompiled

_BLOCKS = 16_384  # blocks of 4^3 values that are handled at once, 4 MiB


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


@uncompiled
def _fused(features: Tensor, weight: Tensor, bias: Tensor, side: float) -> Tensor:
    logits: Tensor = _Blocks.apply(features, weight, bias, side)
    return logits


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, features: Tensor, weight: Tensor, bias: Tensor, side: float
    ) -> Tensor:
        from unrender.networks.logit_kernels import put_together

        batch, channels, *sides = features.shape
        rows = features.permute(0, 2, 3, 4, 1).reshape(batch, -1, channels)
        matrix = weight.reshape(channels, 64).to(rows.dtype)
        result = torch.empty(batch, *(2 * length for length in sides))
        threads, offset = torch.get_num_threads(), bias.item()
        for part in _parts(rows):
            blocks = (rows[part] @ matrix).float().view(-1, *sides, 4, 4, 4)
            put_together(blocks.numpy(), offset, side, result[part].numpy(), threads)
        context.save_for_backward(rows, matrix)
        context.side, context.sides = side, sides
        return result.unsqueeze(1)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        from unrender.networks.logit_kernels import take_apart

        rows, matrix = context.saved_tensors
        batch, _, channels = rows.shape
        upstream = gradient.squeeze(1).float().contiguous()
        features, weight, bias = torch.empty(rows.shape, dtype=rows.dtype), torch.zeros(channels, 64), 0.0
        for part in _parts(rows):
            blocks = torch.empty(len(rows[part]), *context.sides, 4, 4, 4)
            bias += take_apart(upstream[part].numpy(), context.side, blocks.numpy(), torch.get_num_threads())
            columns = blocks.view(-1, 64).to(rows.dtype)
            torch.mm(columns, matrix.t(), out=features[part].view(-1, channels))
            weight += (rows[part].reshape(-1, channels).t() @ columns).float()
        given = features.view(batch, *context.sides, channels).permute(0, 4, 1, 2, 3)
        return given, weight.view(channels, 1, 4, 4, 4), gradient.new_tensor([bias], dtype=torch.float32), None


def _parts(rows: Float[Tensor, "B N C"]) -> list[slice]:
    """Samples whose blocks together fit a processor's cache, but at least one for each thread."""
    step = max(_BLOCKS // rows.shape[1], torch.get_num_threads())
    return [slice(first, first + step) for first in range(0, len(rows), step)]
