# SPDX-License-Identifier: Apache-2.0
"""StyleGAN2's layers, made for a whole batch with one convolution (Karras et al. 2020, section 2.2 and appendix B).

StyleGAN2 scales the weights of each sample by its style, and then each output channel to unit length. Scaling a
convolution's weights by input channel is scaling its input, and by output channel its output: here the weights stay one
for all samples, which is the same function, and quick on every device. There is no noise: one style is one picture.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What 3 x 3 convolutions see beyond the border.

    pad: continues pictures by one pixel on each side. is_turned: what is continued lies there turned by half a turn, as
    on the octahedral square. A kernel would then see a slope that goes on across the border rise on one side and fall
    on the other, and leave a seam: it is replaced by the mean of itself and itself turned by half a turn. (What
    demodulates it is the length of the kernel before, so that smooth pictures keep their strength.)
    """

    pad: Callable[[Tensor], Tensor]
    is_turned: bool = False


_SLOPE, _GAIN = 0.2, math.sqrt(2.0)
_NOTHING = Surroundings(lambda x: x)


def leaky(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """StyleGAN2's activation, which keeps the second moment of normal numbers at about 1."""
    return functional.leaky_relu(x, _SLOPE) * _GAIN


class EqualisedLinear(nn.Module):
    """A linear layer whose weights are kept at unit variance and scaled when used (Karras et al. 2018, section 4.1).

    learning_rate: multiplies the steps that an optimiser such as Adam makes. bias: of each output at first.
    """

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, learning_rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / learning_rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / learning_rate))
        self._scale = learning_rate / math.sqrt(inputs)
        self._bias_scale = learning_rate

    def forward(self, x: Float[Tensor, "B inputs"]) -> Float[Tensor, "B outputs"]:
        return functional.linear(x, self.weight * self._scale, self.bias * self._bias_scale)


class EqualisedConvolution(nn.Module):
    """A square convolution, padded by noughts to the size that comes in, or `stride` times smaller."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1, has_bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs)) if has_bias else None
        self._scale = 1.0 / math.sqrt(inputs * side * side)
        self._stride, self._padding = stride, (side - 1) // 2

    def forward(self, x: Float[Tensor, "B inputs h w"]) -> Float[Tensor, "B outputs h2 w2"]:
        return functional.conv2d(x, self.weight * self._scale, self.bias, self._stride, self._padding)


class ModulatedConvolution(nn.Module):
    """A convolution under a style, without bias or activation.

    side: of the kernel, 1 or 3. demodulate: scale the weights that each output channel of each sample sees to unit
    length. beyond: the border, for a kernel of 3 x 3.
    """

    def __init__(
        self, inputs: int, outputs: int, style: int, side: int, beyond: Surroundings, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.to_scales = EqualisedLinear(style, inputs, bias=1.0)
        self._scale = 1.0 / math.sqrt(inputs * side * side)
        self._beyond = beyond if side > 1 else _NOTHING
        self._demodulates = demodulate

    def forward(self, x: Float[Tensor, "B inputs h w"], w: Float[Tensor, "B style"]) -> Float[Tensor, "B outputs h w"]:
        scales = self.to_scales(w)
        weight = self.weight * self._scale
        kernel = 0.5 * (weight + weight.flip(2, 3)) if self._beyond.is_turned else weight
        x = x * scales.to(x.dtype)[:, :, None, None]
        y = functional.conv2d(self._beyond.pad(x), kernel)
        if not self._demodulates:
            return y
        squares = scales.square() @ weight.square().sum(dim=(2, 3)).T  # of the length of the scaled weights
        return y * torch.rsqrt(squares + 1e-8).to(y.dtype)[:, :, None, None]


class StyledLayer(nn.Module):
    """A modulated 3 x 3 convolution with bias and activation.

    places: side of the pictures, each pixel of which is then biased on its own: where something is fine and always in
    the same place, as features of a face are, or grain. It stands where StyleGAN2 adds noise. 0: one bias for all.
    """

    def __init__(self, inputs: int, outputs: int, style: int, beyond: Surroundings, places: int = 0) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, style, 3, beyond)
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))
        self.places = nn.Parameter(torch.zeros(1, outputs, places, places)) if places else None

    def forward(self, x: Float[Tensor, "B inputs h w"], w: Float[Tensor, "B style"]) -> Float[Tensor, "B outputs h w"]:
        y = self.convolution(x, w)
        bias = self.bias if self.places is None else self.bias + self.places
        return leaky(y + bias.to(y.dtype))


class StyledOutput(nn.Module):
    """A modulated 1 x 1 convolution to a few channels, in float32 whatever the autocast (StyleGAN2's ToRGB).

    gain: scales the result, and with it the steps of learning. spread: of the first weights; the smaller it is, the
        nearer the first outputs are to nought.
    """

    def __init__(self, inputs: int, outputs: int, style: int, gain: float = 1.0, spread: float = 1.0) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, style, 1, _NOTHING, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self._gain = gain
        with torch.no_grad():
            self.convolution.weight.mul_(spread)

    def forward(self, x: Float[Tensor, "B inputs h w"], w: Float[Tensor, "B style"]) -> Float[Tensor, "B outputs h w"]:
        with torch.autocast(x.device.type, enabled=False):
            return self._gain * (self.convolution(x.float(), w.float()) + self.bias[:, None, None])


class MappingNetwork(nn.Module):
    """z -> w: z at unit length per number, then fully connected layers of its width that learn slowly."""

    def __init__(self, latent: int, layers: int = 4, learning_rate: float = 0.01) -> None:
        super().__init__()
        self.latent = latent
        self.layers = nn.ModuleList(EqualisedLinear(latent, latent, 0.0, learning_rate) for _ in range(layers))

    def forward(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B latent"]:
        w = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        for layer in self.layers:
            w = leaky(layer(w))
        return w
