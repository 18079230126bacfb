# SPDX-License-Identifier: Apache-2.0
"""A small proxy renderer: voxel gradients, front-to-back compositing, and a 2D network on top."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.networks.compositing import Compositing, composite_surface


class CompositingProxy(nn.Module):
    """Occupancy grid and cameras -> (grey, alpha) image, differentiable with respect to the grid.

    The gradient of the blurred grid (a normal up to scale), the depth and the occupancy are composited along the rays,
    and a few 2D convolutions turn them into the picture that the black box makes. Compositing runs in float32; the 2D
    network follows the autocast.

    The network only shades: it sees features divided by the composited alpha, and its outputs are positive factors of
    that alpha, which was sharpened by a fixed function with a slope at nought. So wherever the grid is empty, matter
    that appears is bright and opaque in the derivative too. (A network that is free there learns that thin matter is
    invisible, as it is in the black box, and its derivative then empties the generator within a hundred steps.)

    size: image side in pixels. depth: samples along a ray. While `halved` is true both are halved.
    """

    def __init__(self, size: int = 64, depth: int = 40, mode: Compositing = "max", width: int = 32) -> None:
        super().__init__()
        self.size, self.depth, self.mode = size, depth, mode
        self.halved = False
        self.network = nn.Sequential(
            nn.Conv2d(5, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2, 3, padding=1),
        )

    def features(
        self, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras
    ) -> tuple[Float[Tensor, "B 4 H W"], Float[Tensor, "B 1 H W"]]:
        """Visible (normal x, y, z in the camera frame, position along the view), and the composited alpha."""
        size, depth = (self.size // 2, self.depth // 2) if self.halved else (self.size, self.depth)
        composited = composite_surface(occupancy, cameras, size, depth, self.mode)
        normal = torch.einsum("bij,bjhw->bihw", cameras.axes().to(composited.device), composited[:, :3])
        alpha = composited[:, 4:]
        return torch.cat([normal, composited[:, 3:4]], dim=1) / (alpha + _SOFTENING), alpha

    def forward(self, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """(grey, alpha) images, linear, premultiplied, in float32."""
        with torch.autocast(occupancy.device.type, enabled=False):
            features, alpha = self.features(occupancy.float(), cameras)
            sharp = _sharpen(alpha)
            inputs = torch.cat([features, sharp], dim=1).contiguous(memory_format=torch.channels_last)
        grey, coverage = self.network(inputs).float().split(1, dim=1)
        return torch.cat([functional.softplus(grey), 1.0 + 0.7 * torch.tanh(coverage)], dim=1) * sharp


_SOFTENING = 0.1  # keeps the division tame where next to nothing is composited


def _sharpen(alpha: Tensor) -> Tensor:
    """Trilinear ramps at silhouettes are twice as wide as a pixel: steepen them, but leave a slope at 0 and 1."""
    ramp = ((alpha - 0.25) * 2.0).clamp(0.0, 1.0)
    return 0.3 * alpha + 0.7 * ramp * ramp * (3.0 - 2.0 * ramp)
