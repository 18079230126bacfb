# SPDX-License-Identifier: Apache-2.0
"""Progressive growing: a game that begins at half the resolution and half the image size (as in Karras et al. 2018)."""

import dataclasses

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.game.players import VoxelGanNetworks
from unrender.methods.voxel_gan.pictures.black_box import BlackBox


class Growth:
    """Sets everything that the game is played with to half or whole size. The averaged generator always is whole: its
    shapes are those of the small one, upsampled, until there is more.

    Generator and discriminators compute after the switch what they computed before it (see `unrender.networks`); the
    proxy, whose weights do not depend on the size, sees each shape in twice as many pixels and has to adapt.

    black_box: the game's. It renders at whole size and averages, as real pictures are averaged, so that nothing but the
    shapes can tell the two apart.
    """

    def __init__(self, config: VoxelGanConfig, networks: VoxelGanNetworks, black_box: BlackBox) -> None:
        self._config, self._networks = config, networks
        self.black_box = dataclasses.replace(black_box)

    def enter(self, shown: int) -> None:
        """Be of the size that belongs to so many images shown in the game; 0 before it."""
        if self._config.progressive_images == 0:
            return
        halved = shown < self._config.progressive_images
        self._networks.generator.halved = self._networks.discriminator.halved = self.black_box.halved = halved
        if self._networks.proxy is not None:
            self._networks.proxy.halved = halved  # type: ignore[assignment]

    @property
    def resolution(self) -> int:
        """Voxels per side of the game's shapes."""
        return self._config.resolution // self._factor

    @property
    def image_size(self) -> int:
        """Pixels per side of the game's images."""
        return self._config.image_size // self._factor

    def fit(self, real: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """Real pictures in the size of the game."""
        return functional.avg_pool2d(real, 2) if self.black_box.halved else real

    @property
    def _factor(self) -> int:
        return 2 if self.black_box.halved else 1
