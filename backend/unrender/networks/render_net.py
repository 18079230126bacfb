# SPDX-License-Identifier: Apache-2.0
"""RenderNet (Nguyen-Phuoc et al. 2018) as IG-GAN cuts it: 2 residual blocks in 3D and 4 in 2D (section 4.1)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import resample_to_camera

_DARK = -2.0  # bias before the sigmoid: most of an image is background


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

    | stage | operation | result for size n |
    |---|---|---|
    | resampling | rigid transform into a block before the camera | 1 x n x n x n (depth, height, width) |
    | encoder | conv3d 5^3 stride 2; 3^3 stride 2 along the depth; 3^3 | c/4 x (n/2)^3, c/2 and c x n/4 x n/2 x n/2 |
    | blocks_3d | residual blocks 3^3 at c, skipped as a whole | the same |
    | project | depth and channels folded together, conv 1 x 1 | w x n/2 x n/2 with w = c n / 4 |
    | blocks_2d | residual blocks 3 x 3 at w, skipped as a whole | the same |
    | narrow | conv 4 x 4 | w/2 x n/2 x n/2 |
    | blocks_2d_narrow | residual blocks 3 x 3 at w/2, skipped as a whole | the same |
    | decoder | conv 4 x 4; up-conv 4 x 4 stride 2; conv 4 x 4; sigmoid | w/4, w/8 x n x n, 2 x n x n |

    With n = 128 and c = 32: w = 1024 and 59 million parameters; with c = 16: w = 512 and 15 million. As released, it
    has 10 blocks in 3D and 15 in 2D and doubles the size twice more; the closing convolution of its groups of blocks is
    left out. PReLU everywhere, with a slope of 0 at first, and no normalisation. IG-GAN does not say how its four 2D
    blocks are split over the two widths: the first half of them (rounded up) is at w.

    size: image side and side of the resampled block, a multiple of 4. channels_3d: c. channels_last: keep weights and
    what flows through with channels side by side, as tensor cores want them. While `halved` is true, images and the
    block's height and width are half as large; its depth, which the projection folds, remains.
    """

    def __init__(
        self,
        size: int = 64,
        channels_3d: int = 32,
        blocks_3d: int = 2,
        blocks_2d: int = 4,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        if size % 4:
            raise ValueError(f"RenderNet makes images whose side is a multiple of 4, not {size}")
        self.size, self.halved = size, False
        quarter, half = max(channels_3d // 4, 1), max(channels_3d // 2, 1)
        self.encoder = nn.Sequential(
            nn.Conv3d(1, quarter, 5, stride=2, padding=2),
            nn.PReLU(quarter, init=0.0),
            nn.Conv3d(quarter, half, 3, stride=(2, 1, 1), padding=1),
            nn.PReLU(half, init=0.0),
            nn.Conv3d(half, channels_3d, 3, padding=1),
            nn.PReLU(channels_3d, init=0.0),
        )
        self.blocks_3d = nn.Sequential(*(_ResidualBlock(channels_3d, 3) for _ in range(blocks_3d)))
        wide = channels_3d * (size // 4)
        narrow, quarter, eighth = (max(wide // part, 2) for part in (2, 4, 8))
        self.project = nn.Sequential(nn.Conv2d(wide, wide, 1), nn.PReLU(wide, init=0.0))
        self.blocks_2d = nn.Sequential(*(_ResidualBlock(wide, 2) for _ in range((blocks_2d + 1) // 2)))
        self.narrow = nn.Sequential(_pad_for_4(), nn.Conv2d(wide, narrow, 4), nn.PReLU(narrow, init=0.0))
        self.blocks_2d_narrow = nn.Sequential(*(_ResidualBlock(narrow, 2) for _ in range(blocks_2d // 2)))
        last = nn.Conv2d(eighth, 2, 4)
        self.decoder = nn.Sequential(
            _pad_for_4(),
            nn.Conv2d(narrow, quarter, 4),
            nn.PReLU(quarter, init=0.0),
            nn.ConvTranspose2d(quarter, eighth, 4, stride=2, padding=1),
            nn.PReLU(eighth, init=0.0),
            _pad_for_4(),
            last,
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        assert last.bias is not None
        nn.init.constant_(last.bias, _DARK)
        self._format_3d, self._format_2d = torch.contiguous_format, torch.contiguous_format
        if channels_last:
            self._format_3d, self._format_2d = torch.channels_last_3d, torch.channels_last
            for weight in self.parameters():
                if weight.dim() in (4, 5):
                    weight.data = weight.data.contiguous(
                        memory_format=self._format_3d if weight.dim() == 5 else self._format_2d
                    )

    def forward(self, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """(grey, alpha) images in [0, 1], linear, premultiplied, in float32."""
        with torch.autocast(occupancy.device.type, enabled=False):
            side = self.size // 2 if self.halved else self.size
            volume = resample_to_camera(occupancy.float(), cameras, side, self.size)
        encoded = self.encoder(volume.contiguous(memory_format=self._format_3d))
        encoded = encoded + self.blocks_3d(encoded)
        flat = self.project(encoded.flatten(1, 2).contiguous(memory_format=self._format_2d))
        flat = flat + self.blocks_2d(flat)
        flat = self.narrow(flat)
        flat = flat + self.blocks_2d_narrow(flat)
        return torch.sigmoid(self.decoder(flat).float())


def _pad_for_4() -> nn.Module:
    """Zeros around an image, so that a 4 x 4 convolution keeps its size."""
    return nn.ZeroPad2d((1, 2, 1, 2))
