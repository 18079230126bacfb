# SPDX-License-Identifier: Apache-2.0
"""From the world to the screen, by the conventions of `geometry.cameras`."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.cameras import Cameras


def to_camera(vertices: Float[Tensor, "batch N 3"], cameras: Cameras) -> Float[Tensor, "B N 3"]:
    """World points as each camera sees them: (right, up, depth), depth along the viewing axis from the camera.

    vertices: [B, N, 3], or [1, N, 3] for all cameras. Straight lines and planes stay straight and plane: this is where
    faces are to be cut (`near_plane.clip_near`). Differentiable, also with respect to the cameras' angles.
    """
    turned = vertices @ cameras.axes().to(vertices).transpose(1, 2)
    return torch.cat([turned[..., :2], cameras.distance - turned[..., 2:]], dim=-1)


def to_screen(points: Float[Tensor, "B N 3"], cameras: Cameras, size: tuple[int, int]) -> Float[Tensor, "B N 3"]:
    """Points of `to_camera` as `rasterize` takes them: (column, row, depth).

    The cameras' square frame spans the longer side of the image, as Blender's does; pixels are square. Points of a
    perspective camera that are not in front of it land anywhere finite: `rasterize` leaves their faces out.
    """
    height, width = size
    scale = max(height, width) / cameras.width
    depth = points[..., 2:]
    if cameras.field_of_view is None:
        across = points[..., :2] * scale
    else:
        in_front = torch.where(depth > 1e-6, depth, 1.0)
        across = points[..., :2] * (scale * cameras.distance / in_front)
    return torch.cat([0.5 * width + across[..., :1], 0.5 * height - across[..., 1:], depth], dim=-1)


def project(vertices: Float[Tensor, "batch N 3"], cameras: Cameras, size: tuple[int, int]) -> Float[Tensor, "B N 3"]:
    """World points [B or 1, N, 3] on the screens of a batch of cameras: `to_screen` of `to_camera`."""
    return to_screen(to_camera(vertices, cameras), cameras, size)
