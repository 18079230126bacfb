# SPDX-License-Identifier: Apache-2.0
"""The settings of a voxel GAN. Presets are the TOML files beside this one, under `presets/`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unrender import configuration
from unrender.configuration import from_mapping, read_preset, with_defaults, with_overrides
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.methods.voxel_gan.config.networks import DiscriminatorConfig, GeneratorConfig, ProxyConfig
from unrender.methods.voxel_gan.config.pictures import DataConfig, PhotoConfig, RendererConfig

Route = Literal["proxy", "visual_hull", "absorption", "emission_absorption", "image"]
"""From the generator to the discriminator: IG-GAN's proxy of a black box; three closed-form renderers through which
gradients flow by themselves (PrGAN; PlatonicGAN's two); or a generator of images that has no shapes (DCGAN)."""

_PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True, slots=True)
class VoxelGanConfig:
    method: Literal["voxel_gan"] = "voxel_gan"  # a run is known by it; older runs do not name it
    route: Route = "proxy"  # "proxy" is IG-GAN, the others are its baselines
    resolution: int = 32  # voxels per side
    image_size: int = 64
    batch_size: int = 16  # of one step, over all micro-batches and devices
    accumulation: int = 1  # micro-batches per step, whose gradients are added up
    total_images: int = 48_000  # real images shown in the adversarial phase
    progressive_images: int = 0  # so many of them first at half the resolution and half the image size
    decay_from: float = 0.6  # share of the images after which learning rates fall linearly towards a tenth
    adversarial_loss: Literal["non_saturating", "r3gan"] = "non_saturating"
    augmentation_target: float = 0.0  # ADA's r_t, usually 0.6; 0: pictures are not augmented
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False  # torch.compile of the networks
    channels_last: bool = True
    torch_threads: int = 0  # 0: one fewer than the cores, which leaves one to the renderer
    checkpoint_minutes: float = 3.0
    sample_minutes: float = 2.0
    evaluate_minutes: float = 2.5
    evaluate_images: int = 400  # generated images per evaluation
    audit_samples: int = 16  # shapes per evaluation whose gradients are audited, with nine renders each; 0: none
    views: ViewLaw = field(default_factory=ViewLaw)
    lighting: Lighting = IGGAN_LIGHTING
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    proxy: ProxyConfig = field(default_factory=ProxyConfig)
    renderer: RendererConfig = field(default_factory=RendererConfig)
    photos: PhotoConfig = field(default_factory=PhotoConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_batches()
        if not 0.0 <= self.augmentation_target < 1.0:
            raise ValueError(f"augmentation_target is {self.augmentation_target}, but 0 (none) to below 1 was expected")
        if self.audit_samples < 0:
            raise ValueError(f"audit_samples is {self.audit_samples}, but 0 (none) or more was expected")
        if self.route != "proxy" and self.discriminator.fakes == "proxy":
            raise ValueError(f'discriminator.fakes is "proxy", but route = {self.route!r} has no proxy')

    @property
    def corrects_bands(self) -> bool:
        return self.route == "proxy" and self.proxy.has_band_correction

    @property
    def mirror_symmetric(self) -> bool:
        """Whether light and views are their own mirror images, so that images may be mirrored."""
        left, right = self.views.azimuth_degrees
        return self.lighting.mirror_symmetric and abs(left + right) < 1e-3

    def _check_sizes(self) -> None:
        if self.resolution != 4 * 2 ** len(self.generator.channels):
            raise ValueError(
                f"generator.channels has {len(self.generator.channels)} widths, which build "
                f"{4 * 2 ** len(self.generator.channels)}^3 voxels, but resolution is {self.resolution}"
            )
        if self.image_size != 4 * 2 ** len(self.discriminator.channels):
            raise ValueError(
                f"discriminator.channels has {len(self.discriminator.channels)} widths, which take "
                f"{4 * 2 ** len(self.discriminator.channels)}^2 pixels, but image_size is {self.image_size}"
            )
        if self.progressive_images and min(self.resolution // 4, self.image_size // 4) < 4:
            raise ValueError(
                f"progressive_images is {self.progressive_images}, but {self.resolution}^3 voxels and "
                f"{self.image_size}^2 images are too small to begin with half of them"
            )
        if not 0 <= self.progressive_images <= self.total_images:
            raise ValueError(
                f"progressive_images is {self.progressive_images}, but 0 to total_images ({self.total_images}) "
                "was expected"
            )

    def _check_batches(self) -> None:
        if self.batch_size < 2:
            raise ValueError(f"batch_size is {self.batch_size}, but batch normalisation needs at least 2")
        if self.accumulation < 1 or self.batch_size % self.accumulation:
            raise ValueError(
                f"accumulation is {self.accumulation}, but a whole number of equal parts of batch_size "
                f"({self.batch_size}) was expected"
            )
        if 0 < self.proxy.replay_images < self.batch_size:
            raise ValueError(
                f"proxy.replay_images is {self.proxy.replay_images}, but 0 (none) or at least a batch "
                f"({self.batch_size}) was expected"
            )


def network_threads(config: VoxelGanConfig) -> int:
    """Threads for the networks on this machine."""
    return config.torch_threads or max(1, (os.cpu_count() or 2) - 1)


def preset_names() -> list[str]:
    """Names that `load_config` knows, sorted."""
    return configuration.preset_names(_PRESETS)


def load_config(
    name_or_path: str, overrides: tuple[str, ...] = (), known: Mapping[str, Any] | None = None
) -> VoxelGanConfig:
    """Read a preset by name or a TOML file by path, apply `key=value` overrides; raises ConfigurationError.

    known: settings by their dotted names that hold where neither the file nor an override says otherwise.
    """
    settings = with_overrides(read_preset(_PRESETS, name_or_path), overrides)
    return from_mapping(VoxelGanConfig, with_defaults(settings, known or {}))
