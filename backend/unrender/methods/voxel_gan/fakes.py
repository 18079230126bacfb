# SPDX-License-Identifier: Apache-2.0
"""One generated batch on its way through the black box."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.methods.voxel_gan.black_box import PendingImages


@dataclass(slots=True)
class Fakes:
    """Equation (1) of IG-GAN: z, x_c = G(z), x_d = 1[x_c > t], and the images y = R_d(x_d) once they have arrived.

    `continuous` carries the generator's graph until the generator's update has used it.
    """

    continuous: Float[Tensor, "B 1 X Y Z"]
    binary: Bool[Tensor, "B 1 X Y Z"]
    cameras: Cameras
    pending: PendingImages | None
    images: Float[Tensor, "B 2 H W"] | None = None

    def arrived(self) -> Float[Tensor, "B 2 H W"]:
        """The rendered images; waits for the renderer the first time."""
        if self.images is None:
            assert self.pending is not None
            self.images = self.pending.result()
        return self.images

    def state_dict(self) -> dict[str, Tensor]:
        """Everything the next step needs, without the graph; waits for the renderer."""
        return {
            "continuous": self.continuous.detach(),
            "binary": self.binary.to(torch.uint8),
            "azimuth": self.cameras.azimuth,
            "elevation": self.cameras.elevation,
            "images": self.arrived(),
        }


def fakes_from_state(state: dict[str, Tensor], cameras_like: Cameras) -> Fakes:
    """Rebuild the batch that `Fakes.state_dict` saved; frame and field of view come from `cameras_like`."""
    cameras = Cameras(state["azimuth"], state["elevation"], cameras_like.width, cameras_like.field_of_view)
    return Fakes(state["continuous"], state["binary"].bool(), cameras, None, state["images"])
