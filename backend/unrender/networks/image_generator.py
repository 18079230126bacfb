# SPDX-License-Identifier: Apache-2.0
"""The image generator of the 2D baseline, in DCGAN's layout (Radford et al. 2016; IG-GAN, section 4.3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ImageGenerator(nn.Module):
    """z -> (grey, alpha) image in [0, 1], premultiplied: grey is at most alpha. It knows no shape and no view.

    size: image side in pixels, `4 * 2 ** len(channels)`.
    channels: feature channels at 4^2, 8^2, ...; the last up-convolution goes to grey and alpha. DCGAN has
        (1024, 512, 256, 128, 64) at 128^2.
    """

    def __init__(self, size: int = 64, latent: int = 64, channels: tuple[int, ...] = (192, 128, 64, 32)) -> None:
        super().__init__()
        if size != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} channel widths build {4 * 2 ** len(channels)}^2 images, not {size}^2")
        self.latent = latent
        self.size = size
        layers: list[nn.Module] = []
        inputs = latent
        for index, width in enumerate(channels):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            layers += [
                nn.ConvTranspose2d(inputs, width, 4, stride, padding, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.to_image = nn.ConvTranspose2d(inputs, 2, 4, 2, 1)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)  # DCGAN's law

    def forward(self, z: Float[Tensor, "B latent"]) -> Float[Tensor, "B 2 H W"]:
        """Images in float32, whatever the autocast."""
        shade, alpha = torch.sigmoid(self.to_image(self.features(z.view(*z.shape, 1, 1))).float()).split(1, dim=1)
        return torch.cat([shade * alpha, alpha], dim=1)
