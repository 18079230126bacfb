# SPDX-License-Identifier: Apache-2.0
"""Signs of the ways in which such a training fails (Szabo et al. 2019), measured on fixed shapes from all sides.

mask_area      share of the frame that objects take: 0 or 1 where the background, or the object, has become the other
depth_range    depth over width of a shape, from the side where that is least: 0 for a flat one
hollowness     1 - volume / volume of the convex hull: 0 for a ball, 0.5 for many useful things, 1 for a thin shell
               that is dented to its back, above 1 for one turned inside out
view_variance  variance of what is seen of one object over views, each on grey: 0 where turning shows nothing new
"""

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.players import Players
from unrender.training.devices import Devices

_PURPOSE = 17  # of the random numbers, besides the seed
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


class Monitors:
    """Looks at the averaged generator's shapes of the same few z, from views spread over the prior. Draws nothing: the
    same weights give the same numbers in every process."""

    def __init__(self, config: TexturedMeshGanConfig, players: Players, maker: PictureMaker, devices: Devices) -> None:
        self._players, self._maker, self._devices = players, maker, devices
        self._views = config.watch.views
        random = torch.Generator().manual_seed(config.seed + _PURPOSE)
        self._z = torch.randn(config.watch.shapes, config.generator.latent, generator=random)
        self._faces = torch.from_numpy(octahedral_sphere(config.generator.mesh_cells // 2).faces).long()

    @torch.no_grad()
    def look(self) -> dict[str, float]:
        """The numbers of this module."""
        with self._devices.autocast():
            scenes = self._players.average(self._z.to(self._devices.device))
        steps = torch.arange(self._views)
        spread = torch.stack([(steps + 0.5) / self._views, torch.remainder(steps * _GOLDEN, 1.0)])
        law = self._players.views.at(spread)
        views = law[steps.repeat(len(self._z))]
        on_grey = replace(scenes, background=torch.full_like(scenes.background, 0.5))
        pictures = self._maker.render(on_grey[torch.arange(len(self._z)).repeat_interleave(self._views)], views)
        return {
            "mask_area": float(pictures.alpha.mean()),
            "depth_range": depth_range(scenes.vertices.cpu(), law.to(torch.device("cpu"))),
            "hollowness": hollowness(scenes.vertices.cpu(), self._faces),
            "view_variance": float(pictures.rgb.unflatten(0, (-1, self._views)).var(dim=1, correction=0).mean()),
        }


def depth_range(vertices: Float[Tensor, "S N 3"], views: Cameras) -> float:
    """Mean over shapes of the least ratio, over views, of depth range and width (the larger side of the box)."""
    seen = torch.einsum("vij,snj->svni", views.axes().to(vertices), vertices)
    across, up, deep = (seen.amax(dim=2) - seen.amin(dim=2)).unbind(dim=-1)
    return float((deep / torch.maximum(across, up).clamp(min=1e-9)).amin(dim=1).mean())


def hollowness(vertices: Float[Tensor, "S N 3"], faces: Tensor) -> float:
    """Mean over shapes of 1 - volume / volume of the convex hull; 1 for shapes without a hull, which are flat."""
    a, b, c = vertices[:, faces].double().unbind(dim=2)
    volumes = (a * torch.linalg.cross(b, c)).sum(dim=(1, 2)) / 6.0
    return float(np.mean([1.0 - float(v) / _hull(s) for v, s in zip(volumes, vertices.numpy(), strict=True)]))


def _hull(points: Float[np.ndarray, "N 3"]) -> float:
    try:
        return float(ConvexHull(points).volume)
    except (QhullError, ValueError):  # flat, or not finite
        return math.inf
