# SPDX-License-Identifier: Apache-2.0
"""Earlier renders of the black box, so that the proxy does not forget the shapes that the generator made then."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.training.devices import Devices


class RenderBuffer:
    """Pairs of (x_d, camera) and render. Once it is full, each new pair replaces a random one.

    Solids are kept as bits and images in 8 bits a channel, 12 kB a pair at 32^3 and 64^2: the error of the pixels
    (53 dB) is far below the proxy's. Which pair is replaced, and which ones are drawn, follows from (seed, step).
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self._capacity, self._seed = capacity, seed
        self._pairs: dict[str, Tensor] = {}  # `capacity` rows each, of which the first `_count` are filled
        self._count = 0
        self._like: Cameras | None = None
        self._side = 0

    def __len__(self) -> int:
        return self._count

    @property
    def resolution(self) -> int:
        """Voxels per side of the pairs; 0 while there are none."""
        return self._side

    def add(
        self,
        step: int,
        solids: Bool[Tensor, "B 1 X Y Z"],
        cameras: Cameras,
        images: Float[Tensor, "B 2 H W"],
    ) -> None:
        """Keep pairs, at most as many as there is room for in an empty buffer; forgets those of another resolution."""
        if solids.shape[-1] != self._side:
            self._pairs, self._count = {}, 0
        self._like, self._side = cameras, solids.shape[-1]
        pairs = {
            "solids": torch.from_numpy(np.packbits(solids.cpu().flatten(1).numpy(), axis=1)),
            "azimuth": cameras.azimuth,
            "elevation": cameras.elevation,
            "images": (images.cpu().clamp(0.0, 1.0) * 255.0).round().to(torch.uint8),
        }
        if not self._pairs:
            self._pairs = {name: value.new_zeros(self._capacity, *value.shape[1:]) for name, value in pairs.items()}
        free = min(self._capacity - self._count, len(solids))
        replaced = np.random.default_rng((self._seed, 2, step)).choice(self._count, len(solids) - free, replace=False)
        rows = torch.from_numpy(np.concatenate([np.arange(self._count, self._count + free), replaced]))
        for name, value in pairs.items():
            self._pairs[name][rows] = value
        self._count += free

    def draw(self, step: int, count: int) -> tuple[Bool[Tensor, "B 1 X Y Z"], Cameras, Float[Tensor, "B 2 H W"]]:
        """At most `count` different pairs."""
        assert self._like is not None, "the buffer is empty"
        rng = np.random.default_rng((self._seed, 3, step))
        chosen = torch.from_numpy(rng.choice(len(self), min(count, len(self)), replace=False))
        pairs = {name: value[chosen] for name, value in self._pairs.items()}
        grid = np.unpackbits(pairs["solids"].numpy(), axis=1, count=self._side**3).reshape(-1, 1, *[self._side] * 3)
        cameras = Cameras(pairs["azimuth"], pairs["elevation"], self._like.width, self._like.field_of_view)
        return torch.from_numpy(grid.astype(bool)), cameras, pairs["images"].float() / 255.0

    def state_dict(self, devices: Devices) -> dict[str, Tensor]:
        """The pairs of all processes."""
        return {name: devices.gather(value[: self._count]) for name, value in self._pairs.items()}

    def load_state_dict(self, state: dict[str, Tensor], cameras_like: Cameras, devices: Devices) -> None:
        """This process' share of what `state_dict` returned."""
        self._like, self._side, self._count, self._pairs = cameras_like, 0, 0, {}
        if state:
            self._side = round((8 * state["solids"].shape[1]) ** (1 / 3))
        for name, value in state.items():
            own = devices.share(value[: len(value) // devices.world * devices.world])[: self._capacity]
            self._count = len(own)
            self._pairs[name] = own.new_zeros(self._capacity, *own.shape[1:])
            self._pairs[name][: self._count] = own
