# SPDX-License-Identifier: Apache-2.0
"""The voxel generator: a 3D-GAN-like stack of up-convolutions (Wu et al. 2016; IG-GAN, section 4.1)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.surface import blur_separable, torch_ball


class VoxelGenerator(nn.Module):
    """z -> occupancy grid in [0, 1].

    resolution: voxels per side, `4 * 2 ** len(channels)`.
    channels: feature channels at 4^3, 8^3, ...; the last up-convolution goes to one channel (a wide layer before it
        costs much memory traffic and brings little).
    logit_blur: w of the fixed kernel [w, 1 - 2w, w]^3 on the logits, 0 to 0.25. Up-convolutions of stride 2 leave a
        voxel checkerboard, which 0.125 halves along each axis; 0.25 removes it and makes smooth surfaces, but thickens
        thin limbs: good for fruit, bad for chairs.
    """

    ball: Tensor

    def __init__(
        self,
        resolution: int = 32,
        latent: int = 64,
        channels: tuple[int, ...] = (128, 64, 32),
        logit_blur: float = 0.125,
    ) -> None:
        super().__init__()
        if resolution != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} channel widths build {4 * 2 ** len(channels)}^3, not {resolution}^3")
        self.latent = latent
        self.resolution = resolution
        self.logit_blur = logit_blur
        layers: list[nn.Module] = []
        inputs = latent
        for index, width in enumerate(channels):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            layers += [
                nn.ConvTranspose3d(inputs, width, 4, stride, padding, bias=False),
                nn.BatchNorm3d(width),
                nn.ReLU(inplace=True),
            ]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.to_logits = nn.ConvTranspose3d(inputs, 1, 4, 2, 1)
        self.register_buffer("ball", torch_ball(resolution), persistent=False)
        assert self.to_logits.bias is not None
        nn.init.constant_(self.to_logits.bias, -2.0)  # start mostly empty

    def logits(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B 1 X Y Z"]:
        """Occupancy logits, in float32 whatever the autocast."""
        grid = self.to_logits(self.features(z.view(*z.shape, 1, 1, 1))).float()
        return blur_separable(grid, self.logit_blur)

    def forward(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B 1 X Y Z"]:
        """Occupancies; voxels outside the unit-diameter ball are empty."""
        return torch.sigmoid(self.logits(z)) * self.ball
