# SPDX-License-Identifier: Apache-2.0
"""A small proxy renderer: fixed 3D gradient features, front-to-back compositing, a 2D network on top."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import resample_to_camera

Compositing = Literal["product", "max"]


def compositing_weights(occupancy: Float[Tensor, "B 1 D H W"], mode: Compositing) -> Float[Tensor, "B 1 D H W"]:
    """How much each sample of a ray is seen, front to back along D.

    product: `w_k = x_k prod_{j<k} (1 - x_j)`: voxels solid independently of each other. A faint haze looks solid.
    max: `w_k = relu(x_k - max_{j<k} x_j)`: the exact probability that sample k is hit first when one global threshold
        t ~ U[0, 1] binarises the grid, for k is hit first if and only if `max_{j<k} x_j <= t < x_k`.
    """
    front = torch.zeros_like(occupancy[:, :, :1])
    if mode == "max":
        before = torch.cat([front, torch.cummax(occupancy, dim=2).values[:, :, :-1]], dim=2)
        return torch.relu(occupancy - before)
    transmitted = torch.cumprod(1.0 - occupancy, dim=2)
    return occupancy * torch.cat([front + 1.0, transmitted[:, :, :-1]], dim=2)


class CompositingProxy(nn.Module):
    """Occupancy grid and cameras -> (grey, alpha) image, differentiable with respect to the grid.

    The grid is resampled into the camera frame, its central differences (a normal up to scale), its depth and its
    occupancy are composited along the rays, and a few 2D convolutions turn them into the picture that the black box makes.
    Compositing runs in float32; the 2D network follows the autocast.

    size: image side in pixels. depth: samples along a ray.
    """

    def __init__(
        self, size: int = 64, depth: int = 40, mode: Compositing = "max", width: int = 48, spacing: int = 2
    ) -> None:
        super().__init__()
        self.size, self.depth, self.mode, self.spacing = size, depth, mode, spacing
        self.network = nn.Sequential(
            nn.Conv2d(5, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2, 3, padding=1),
        )
        self.register_buffer("bias", torch.tensor([0.5, 1.0]).view(1, 2, 1, 1), persistent=False)

    def features(self, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras) -> Float[Tensor, "B 5 H W"]:
        """Composited (gradient x, gradient y, gradient z, depth, alpha)."""
        volume = resample_to_camera(occupancy.float(), cameras, self.size, self.depth)
        weights = compositing_weights(volume, self.mode)
        alpha = weights.sum(dim=2)
        along = torch.linspace(0.5, -0.5, self.depth, device=volume.device).view(1, 1, -1, 1, 1)
        depth = (weights * along).sum(dim=2)
        gradients = [self._composited_difference(volume, weights, axis) for axis in (4, 3, 2)]
        return torch.cat([*gradients, depth, alpha], dim=1)

    def _composited_difference(self, volume: Tensor, weights: Tensor, axis: int) -> Tensor:
        """sum_k w_k (V(p - s) - V(p + s)) with s along `axis`: points out of the solid. Borders count as flat."""
        length, s = volume.shape[axis], self.spacing
        inner = volume.narrow(axis, 0, length - 2 * s) - volume.narrow(axis, 2 * s, length - 2 * s)
        if axis == 2:
            return (inner * weights.narrow(2, s, length - 2 * s)).sum(dim=2)
        composited = (inner * weights.narrow(axis, s, length - 2 * s)).sum(dim=2)
        pad = (s, s, 0, 0) if axis == 4 else (0, 0, s, s)
        return nn.functional.pad(composited, pad)

    def forward(self, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """(grey, alpha) images, linear, premultiplied, in float32."""
        with torch.autocast(occupancy.device.type, enabled=False):
            features = self.features(occupancy, cameras)
        correction = self.network(features.contiguous(memory_format=torch.channels_last)).float()
        return features[:, 4:5] * (self.bias + correction)
