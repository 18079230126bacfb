# SPDX-License-Identifier: Apache-2.0
"""The settings of a voxel GAN. Presets are the TOML files beside this one, under `presets/`."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from unrender.configuration import from_mapping, read_toml, with_overrides
from unrender.errors import ConfigurationError
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.losses.matching import Score
from unrender.networks.compositing import Compositing


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    latent: int = 64  # length of z ~ N(0, 1)
    channels: tuple[int, ...] = (128, 64, 32)  # at 4^3, 8^3, 16^3; one more up-convolution leads to one channel
    logit_blur: float = 0.125  # side weight of a fixed blur of the logits; 0.25 is smooth, but thick
    learning_rate: float = 5e-4
    beta1: float = 0.0
    beta2: float = 0.99
    average_decay: float = 0.995  # EMA of the weights per step, used for all samples


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    channels: tuple[int, ...] = (32, 64, 128, 192)
    spectral_norm: bool = False
    r1_gamma: float = 1.0  # 0 switches R1 off
    r1_interval: int = 8  # steps between R1 penalties, which are scaled up accordingly
    learning_rate: float = 5e-4
    beta1: float = 0.0
    beta2: float = 0.99


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    kind: Literal["compositing", "render_net"] = "compositing"
    compositing: Compositing = "product"  # weights along a ray; only for kind = "compositing"
    width: int = 32  # channels of the 2D network
    gradient: Literal["straight_through", "continuous"] = "straight_through"  # what the proxy shows the generator
    matching_score: Score = "logit"  # F of discriminator output matching
    matching_weight: float = 1.0  # lambda, relative to the pixel loss summed over pixels
    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    pretrain_images: int = 3200  # counted in images shown; 0 skips the phase
    pretrain_learning_rate: float = 1e-3
    pretrain_fresh_interval: int = 2  # iterations per newly rendered batch; the others replay earlier renders


@dataclass(frozen=True, slots=True)
class RendererConfig:
    kind: Literal["blender", "opengl", "ray_march"] = "blender"  # the black box; only the first needs Blender
    samples: int = 4  # per pixel
    workers: int = 1  # of Blender
    threads: int = 2  # per worker
    ray: str = ""  # "auto" or HOST:PORT: Blenders on all machines of that Ray cluster, as many as it has room for
    surface_blur: int = 0  # blurs of the binary grid before meshing; 0 keeps thin parts, 2 makes rounded things smooth
    fit_to_photos: bool = False  # fit light and exposure to the training pictures first


@dataclass(frozen=True, slots=True)
class PhotoConfig:
    """How pictures without an alpha channel become training images; renders with alpha are taken as they are."""

    fill: float = 0.8  # share of the frame that the longer side of the mask takes
    encoding: Literal["linear", "srgb"] = "linear"  # of channel 0, for renders and photographs alike
    suppress_texture: bool = False  # flatten highlights, spots and fine texture that one albedo cannot express


@dataclass(frozen=True, slots=True)
class VoxelGanConfig:
    resolution: int = 32  # voxels per side
    image_size: int = 64
    batch_size: int = 16
    total_images: int = 48_000  # real images shown in the adversarial phase
    decay_from: float = 0.6  # share of the images after which learning rates fall linearly towards a tenth
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    torch_threads: int = 0  # 0: one fewer than the cores, which leaves one to the renderer
    checkpoint_minutes: float = 3.0
    sample_minutes: float = 2.0
    evaluate_minutes: float = 2.5
    evaluate_images: int = 400  # generated images per evaluation
    views: ViewLaw = field(default_factory=ViewLaw)
    lighting: Lighting = IGGAN_LIGHTING
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    proxy: ProxyConfig = field(default_factory=ProxyConfig)
    renderer: RendererConfig = field(default_factory=RendererConfig)
    photos: PhotoConfig = field(default_factory=PhotoConfig)

    def __post_init__(self) -> None:
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
        if self.batch_size < 2:
            raise ValueError(f"batch_size is {self.batch_size}, but batch normalisation needs at least 2")


def network_threads(config: VoxelGanConfig) -> int:
    """Threads for the networks on this machine."""
    return config.torch_threads or max(1, (os.cpu_count() or 2) - 1)


def preset_names() -> list[str]:
    """Names that `load_config` knows, sorted."""
    return sorted(path.stem for path in _presets().glob("*.toml"))


def load_config(name_or_path: str, overrides: tuple[str, ...] = ()) -> VoxelGanConfig:
    """Read a preset by name or a TOML file by path, apply `key=value` overrides; raises ConfigurationError."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = _presets() / f"{name_or_path}.toml"
        if not path.is_file():
            raise ConfigurationError(
                f"There is no preset {name_or_path!r}.", f"Presets: {', '.join(preset_names())}; or name a .toml file."
            )
    return from_mapping(VoxelGanConfig, with_overrides(read_toml(path), overrides))


def _presets() -> Path:
    return Path(__file__).parent / "presets"
