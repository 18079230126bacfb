# SPDX-License-Identifier: Apache-2.0
"""The image generator of the 2D baseline, in DCGAN's layout (Radford et al. 2016; IG-GAN, section 4.3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrender.networks.joint_batch_norm import JointBatchNorm2d
from unrender.networks.up_convolutions import up_convolutions

_LAYERS = 3  # modules of `features` per size


class ImageGenerator(nn.Module):
    """z -> (grey, alpha) image in [0, 1], premultiplied: grey is at most alpha. It knows no shape and no view.

    size: image side in pixels, `4 * 2 ** len(channels)`.
    channels: feature channels at 4^2, 8^2, ...; the last up-convolution goes to grey and alpha. DCGAN has
        (1024, 512, 256, 128, 64) at 128^2.
    grows: whether there is a second head for images of half the size; as in `VoxelGenerator`.
    """

    def __init__(
        self, size: int = 64, latent: int = 64, channels: tuple[int, ...] = (192, 128, 64, 32), grows: bool = False
    ) -> None:
        super().__init__()
        if size != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} channel widths build {4 * 2 ** len(channels)}^2 images, not {size}^2")
        self.latent = latent
        self.size = size
        self.grows, self.halved = grows, False
        self.features = up_convolutions(latent, channels, nn.ConvTranspose2d, JointBatchNorm2d)
        self.to_image = nn.ConvTranspose2d(channels[-1], 2, 4, 2, 1)
        if grows:
            self.to_half_image = nn.ConvTranspose2d(channels[-2], 2, 4, 2, 1)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)  # DCGAN's law
        if grows:
            for parameter in self.to_image.parameters():
                nn.init.zeros_(parameter)

    def forward(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B 2 H W"]:
        """Images in float32, whatever the autocast."""
        shade, alpha = torch.sigmoid(self._logits(z).float()).split(1, dim=1)
        return torch.cat([shade * alpha, alpha], dim=1)

    def _logits(self, z: Tensor) -> Tensor:
        inner = self.features[:-_LAYERS](z.view(*z.shape, 1, 1))
        if self.halved:
            coarse: Tensor = self.to_half_image(inner)
            return coarse
        image: Tensor = self.to_image(self.features[-_LAYERS:](inner))
        if not self.grows:
            return image
        coarse = self.to_half_image(inner)
        return image + functional.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
