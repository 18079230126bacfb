# SPDX-License-Identifier: Apache-2.0
"""RenderNet, cut as IG-GAN cuts it: two 3D and four 2D residual blocks (Nguyen-Phuoc 2018; IG-GAN, section 4.1)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import resample_to_camera


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int, dimensions: int) -> None:
        super().__init__()
        convolution = nn.Conv3d if dimensions == 3 else nn.Conv2d
        self.body = nn.Sequential(
            convolution(channels, channels, 3, padding=1),
            nn.PReLU(channels, init=0.0),
            convolution(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class RenderNet(nn.Module):
    """Occupancy grid and cameras -> (grey, alpha) image, differentiable with respect to the grid.

    The grid is resampled into a `size^3` block before the camera, encoded by strided 3D convolutions at half the size,
    folded along the depth by the projection unit (depth x channels -> channels_2d by a 1 x 1 convolution), and decoded
    in 2D. There is no normalisation layer.

    size: image side and side of the resampled block. channels_3d: width of the 3D part (RenderNet 32, slim 16).
    """

    def __init__(self, size: int = 64, channels_3d: int = 12, channels_2d: int = 64) -> None:
        super().__init__()
        self.size = size
        self.encoder = nn.Sequential(
            nn.Conv3d(1, max(channels_3d // 4, 4), 5, stride=2, padding=2),
            nn.PReLU(max(channels_3d // 4, 4), init=0.0),
            nn.Conv3d(max(channels_3d // 4, 4), channels_3d, 3, stride=(2, 1, 1), padding=1),
            nn.PReLU(channels_3d, init=0.0),
        )
        self.blocks_3d = nn.Sequential(_ResidualBlock(channels_3d, 3), _ResidualBlock(channels_3d, 3))
        self.project = nn.Sequential(
            nn.Conv2d(channels_3d * (size // 4), channels_2d, 1), nn.PReLU(channels_2d, init=0.0)
        )
        self.blocks_2d = nn.Sequential(_ResidualBlock(channels_2d, 2), _ResidualBlock(channels_2d, 2))
        self.narrow = nn.Sequential(
            nn.Conv2d(channels_2d, channels_2d // 2, 3, padding=1), nn.PReLU(channels_2d // 2, init=0.0)
        )
        self.blocks_2d_narrow = nn.Sequential(_ResidualBlock(channels_2d // 2, 2), _ResidualBlock(channels_2d // 2, 2))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(channels_2d // 2, channels_2d // 4, 4, stride=2, padding=1),
            nn.PReLU(channels_2d // 4, init=0.0),
            nn.Conv2d(channels_2d // 4, 2, 3, padding=1),
        )

    def forward(self, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """(grey, alpha) images in [0, 1], linear, premultiplied, in float32."""
        with torch.autocast(occupancy.device.type, enabled=False):
            volume = resample_to_camera(occupancy.float(), cameras, self.size, self.size)
        encoded = self.encoder(volume)
        encoded = encoded + self.blocks_3d(encoded)
        flat = self.project(encoded.flatten(1, 2))
        flat = flat + self.blocks_2d(flat)
        flat = self.narrow(flat)
        flat = flat + self.blocks_2d_narrow(flat)
        return torch.sigmoid(self.decoder(flat).float())
