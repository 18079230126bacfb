# SPDX-License-Identifier: Apache-2.0
"""One generated batch, and its images on their way through the black box."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.surface import random_threshold
from unrender.methods.voxel_gan.pictures.black_box import BlackBox, PendingImages
from unrender.training.devices import Devices


@dataclass(slots=True)
class Fakes:
    """Equation (1) of IG-GAN: z, x_c = G(z), x_d = 1[x_c > t], and the images y = R_d(x_d) once they have arrived.

    output: x_c [B, 1, X, Y, Z], or the images [B, 2, H, W] of a route without shapes; it carries the generator's graph
        until the generator's update has used it.
    threshold: K for every sample; x_d and all images but further targets of output matching use the first.
    """

    output: Tensor
    cameras: Cameras
    threshold: Float[Tensor, "K B"]
    pending: PendingImages | None = None
    arrived: Float[Tensor, "K B 2 H W"] | None = None

    def submit(self, black_box: BlackBox) -> None:
        """Start rendering the solids of all thresholds."""
        thresholds, count = self.threshold.shape
        solids = torch.cat([random_threshold(self.output.detach(), level) for level in self.threshold])
        views = self.cameras[torch.arange(count).repeat(thresholds)]
        self.pending = black_box.submit(solids.cpu(), views)

    def renders(self) -> Float[Tensor, "K B 2 H W"]:
        """The black box's images for every threshold, on the CPU; waits for the renderer the first time."""
        if self.arrived is None:
            assert self.pending is not None, "nothing was submitted"
            images = self.pending.result()
            self.arrived = images.view(*self.threshold.shape, *images.shape[1:])
        return self.arrived

    @property
    def binary(self) -> Bool[Tensor, "B 1 X Y Z"]:
        """x_d of the first threshold."""
        return random_threshold(self.output.detach(), self.threshold[0])

    @property
    def render_seconds(self) -> float:
        """Of the black box, once the images have arrived; 0 if there are none."""
        return 0.0 if self.pending is None else self.pending.render_seconds

    def state_dict(self, devices: Devices) -> dict[str, Tensor | None]:
        """Everything that the next step needs of the joint batch, without the graph; waits for the renderer."""
        images = self.renders() if self.pending is not None or self.arrived is not None else None
        return {
            "output": devices.gather(self.output.detach()),
            "azimuth": devices.gather(self.cameras.azimuth),
            "elevation": devices.gather(self.cameras.elevation),
            "threshold": devices.gather(self.threshold.T),
            "renders": None if images is None else devices.gather(images.transpose(0, 1)),
        }


def fakes_from_state(state: dict[str, Tensor | None], cameras_like: Cameras, devices: Devices) -> Fakes:
    """This process' part of the batch that was saved; frame and field of view come from `cameras_like`."""
    own = {name: None if value is None else devices.share(value) for name, value in state.items()}
    output, azimuth, elevation, threshold = (own[name] for name in ("output", "azimuth", "elevation", "threshold"))
    assert output is not None
    assert azimuth is not None
    assert elevation is not None
    assert threshold is not None
    cameras = Cameras(azimuth, elevation, cameras_like.width, cameras_like.field_of_view)
    images = own["renders"]
    return Fakes(
        output.to(devices.device),
        cameras,
        threshold.T.to(devices.device),
        None,
        None if images is None else images.transpose(0, 1),
    )


def draw_thresholds(count: int, strata: int, generator: torch.Generator) -> Float[Tensor, "K B"]:
    """For every sample one threshold in each of K equal parts of [0, 1], in a random cyclic order.

    Each of them alone, the first included, is uniform on [0, 1].
    """
    uniform = torch.rand(strata, count, generator=generator)
    if strata == 1:
        return uniform
    first = torch.randint(strata, (count,), generator=generator)
    return ((first + torch.arange(strata)[:, None]) % strata + uniform) / strata
