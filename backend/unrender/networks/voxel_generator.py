# SPDX-License-Identifier: Apache-2.0
"""The voxel generator: a 3D-GAN-like stack of up-convolutions (Wu et al. 2016; IG-GAN, section 4.1)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrender.geometry.surface import torch_ball
from unrender.networks.joint_batch_norm import JointBatchNorm3d
from unrender.networks.logit_head import blurred_logits
from unrender.networks.up_convolutions import up_convolutions

_MOSTLY_EMPTY = -2.0  # bias of the logits at first
_LAYERS = 3  # modules of `features` per resolution


class VoxelGenerator(nn.Module):
    """z -> occupancy grid in [0, 1].

    resolution: voxels per side, `4 * 2 ** len(channels)`.
    channels: feature channels at 4^3, 8^3, ...; the last up-convolution goes to one channel (a wide layer before it
        costs much memory traffic and brings little).
    logit_blur: w of the fixed kernel [w, 1 - 2w, w]^3 on the logits, 0 to 0.25. Up-convolutions of stride 2 leave a
        voxel checkerboard, which 0.125 halves along each axis; 0.25 removes it and makes smooth surfaces, but thickens
        thin limbs: good for fruit, bad for chairs.
    grows: whether there is a second head, for grids of half the resolution. While `halved` is true only that one is
        used; afterwards the other head, nought at first, adds to its upsampled logits: growing changes no shape.
    """

    ball: Tensor
    half_ball: Tensor

    def __init__(
        self,
        resolution: int = 32,
        latent: int = 64,
        channels: tuple[int, ...] = (128, 64, 32),
        logit_blur: float = 0.125,
        grows: bool = False,
    ) -> None:
        super().__init__()
        if resolution != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} channel widths build {4 * 2 ** len(channels)}^3, not {resolution}^3")
        self.latent = latent
        self.resolution = resolution
        self.logit_blur = logit_blur
        self.grows, self.halved = grows, False
        self.features = up_convolutions(latent, channels, nn.ConvTranspose3d, JointBatchNorm3d)
        self.to_logits = nn.ConvTranspose3d(channels[-1], 1, 4, 2, 1)
        self.register_buffer("ball", torch_ball(resolution), persistent=False)
        assert self.to_logits.bias is not None
        nn.init.constant_(self.to_logits.bias, _MOSTLY_EMPTY)
        if grows:
            if len(channels) < 2:
                raise ValueError("a generator that grows has at least two channel widths")
            self.to_half_logits = nn.ConvTranspose3d(channels[-2], 1, 4, 2, 1)
            self.register_buffer("half_ball", torch_ball(resolution // 2), persistent=False)
            assert self.to_half_logits.bias is not None
            nn.init.constant_(self.to_half_logits.bias, _MOSTLY_EMPTY)
            nn.init.zeros_(self.to_logits.weight)
            nn.init.zeros_(self.to_logits.bias)

    def logits(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B 1 X Y Z"]:
        """Occupancy logits, in float32 whatever the autocast."""
        inner = self.features[:-_LAYERS](z.view(*z.shape, 1, 1, 1))
        if not self.grows:
            return self._head(self.features[-_LAYERS:](inner), self.to_logits)
        coarse = self._head(inner, self.to_half_logits)
        if self.halved:
            return coarse
        finer = self._head(self.features[-_LAYERS:](inner), self.to_logits)
        return functional.interpolate(coarse, scale_factor=2.0, mode="trilinear", align_corners=False) + finer

    def forward(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B 1 X Y Z"]:
        """Occupancies; voxels outside the unit-diameter ball are empty."""
        return torch.sigmoid(self.logits(z)) * (self.half_ball if self.halved else self.ball)

    def _head(self, features: Tensor, layer: nn.ConvTranspose3d) -> Tensor:
        return blurred_logits(features, layer, self.logit_blur)
