# SPDX-License-Identifier: Apache-2.0
"""The settings of a textured-mesh GAN. Presets are the TOML files beside this one, under `presets/`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unrender import configuration
from unrender.configuration import from_mapping, read_preset, with_defaults, with_overrides
from unrender.methods.textured_mesh_gan.config.game import DiscriminatorConfig, PhotoConfig, WatchConfig
from unrender.methods.textured_mesh_gan.config.scene import BackgroundConfig, GeneratorConfig
from unrender.methods.textured_mesh_gan.config.views import RendererConfig, ViewConfig

_PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True, slots=True)
class TexturedMeshGanConfig:
    method: Literal["textured_mesh_gan"] = "textured_mesh_gan"  # a run is known by it
    image_size: int = 64
    batch_size: int = 16  # of one step, over all devices
    total_images: int = 200_000  # real pictures shown
    decay_from: float = 0.6  # share of the pictures after which learning rates fall linearly towards a tenth
    augmentation_target: float = 0.6  # ADA's r_t; 0: pictures are not augmented
    laplacian: float = 0.0  # weight of how far vertices are from the middle of their neighbours, squared
    evenness: float = 0.0  # weight of how much the sides of an object differ in colour, squared
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    channels_last: bool = True
    torch_threads: int = 0  # 0: all cores
    checkpoint_minutes: float = 3.0
    sample_minutes: float = 2.0
    evaluate_minutes: float = 5.0
    evaluate_images: int = 200  # generated pictures per evaluation
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    background: BackgroundConfig = field(default_factory=BackgroundConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    views: ViewConfig = field(default_factory=ViewConfig)
    renderer: RendererConfig = field(default_factory=RendererConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    photos: PhotoConfig = field(default_factory=PhotoConfig)

    def __post_init__(self) -> None:
        widths = len(self.discriminator.channels)
        if self.image_size != 4 * 2 ** (widths - 1):
            raise ValueError(
                f"discriminator.channels has {widths} widths, which take {4 * 2 ** (widths - 1)}^2 pixels, but "
                f"image_size is {self.image_size}"
            )
        if self.batch_size < 1 or (self.discriminator.group and self.batch_size % self.discriminator.group):
            raise ValueError(
                f"batch_size is {self.batch_size}, but a multiple of discriminator.group "
                f"({self.discriminator.group}) was expected"
            )
        if not 0.0 <= self.augmentation_target < 1.0:
            raise ValueError(f"augmentation_target is {self.augmentation_target}, but 0 (none) to below 1 was expected")
        for name in ("laplacian", "evenness"):
            if getattr(self, name) < 0.0:
                raise ValueError(f"{name} is {getattr(self, name)}, but a weight is not negative")
        if self.evaluate_images < 2:
            raise ValueError(f"evaluate_images is {self.evaluate_images}, but a distance needs at least 2")

    @property
    def mirror_symmetric(self) -> bool:
        """Whether a mirrored picture is as likely as the picture, so that augmentation may mirror it: of pictures from
        all around an object, and from as far to its left as to its right."""
        left, right = self.views.azimuth_degrees
        return self.views.goes_around or abs(left + right) < 1e-3


def network_threads(config: TexturedMeshGanConfig) -> int:
    """Threads for networks and rasteriser on this machine."""
    return config.torch_threads or os.cpu_count() or 1


def preset_names() -> list[str]:
    """Names that `load_config` knows, sorted."""
    return configuration.preset_names(_PRESETS)


def load_config(
    name_or_path: str, overrides: tuple[str, ...] = (), known: Mapping[str, Any] | None = None
) -> TexturedMeshGanConfig:
    """Read a preset by name or a TOML file by path, apply `key=value` overrides; raises ConfigurationError.

    known: settings by their dotted names that hold where neither the file nor an override says otherwise.
    """
    settings = with_overrides(read_preset(_PRESETS, name_or_path), overrides)
    return from_mapping(TexturedMeshGanConfig, with_defaults(settings, known or {}))
