# SPDX-License-Identifier: Apache-2.0
"""Settings of the networks of a voxel GAN and of the losses that train each of them."""

from dataclasses import dataclass
from typing import Literal

from unrender.data.procedural import CLASSES
from unrender.losses.matching import Score
from unrender.networks.compositing import Compositing

GradientPath = Literal["straight_through", "continuous", "threshold_conditioned"]
Gradient = Literal[
    "straight_through",
    "continuous",
    "threshold_conditioned",
    "straight_through+band",
    "continuous+band",
    "threshold_conditioned+band",
]

_BAND = "+band"


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    latent: int = 64  # length of z ~ N(0, 1)
    channels: tuple[int, ...] = (128, 64, 32)  # at 4^3, 8^3, 16^3; one more up-convolution leads to one channel
    logit_blur: float = 0.125  # side weight of a fixed blur of the logits; 0.25 is smooth, but thick
    learning_rate: float = 5e-4
    beta1: float = 0.0
    beta2: float = 0.99
    average_decay: float = 0.995  # EMA of the weights per step, used for all samples

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("channels is empty, but at least one width is needed")
        if self.latent < 1:
            raise ValueError(f"latent is {self.latent}, but z needs at least one number")


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    channels: tuple[int, ...] = (32, 64, 128, 192)
    spectral_norm: bool = False
    r1_gamma: float = 1.0  # 0 switches R1 off; with adversarial_loss = "r3gan" the weight of R1 and of R2
    r1_interval: int = 8  # steps between penalties, which are scaled up accordingly
    fakes: Literal["renders", "proxy"] = "renders"  # "proxy": the ablation that shows it the proxy's images instead
    silhouette: bool = False  # a second discriminator that sees the alpha channel alone
    learning_rate: float = 5e-4
    beta1: float = 0.0
    beta2: float = 0.99

    def __post_init__(self) -> None:
        if self.r1_interval < 1:
            raise ValueError(f"r1_interval is {self.r1_interval}, but penalties are at least one step apart")
        if self.r1_gamma < 0.0:
            raise ValueError(f"r1_gamma is {self.r1_gamma}, but a penalty's weight is not negative")


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    kind: Literal["compositing", "render_net"] = "compositing"
    compositing: Compositing = "product"  # weights along a ray; only for kind = "compositing"
    width: int = 16  # channels of the 2D network; only for kind = "compositing"
    channels_3d: int = 32  # of RenderNet, whose 2D part is channels_3d * image_size / 4 wide, then half of that
    blocks_3d: int = 2  # residual blocks of RenderNet
    blocks_2d: int = 4  # the first half of them at full width, the others at half
    gradient: Gradient = "threshold_conditioned"  # what the proxy shows the generator; "+band" makes band sums exact
    bands: int = 8  # of occupancy levels whose gradient sums "+band" corrects
    band_interval: int = 1  # steps between corrections
    threshold_softness: float = 0.1  # tau of sigma((x_c - t) / tau), what a threshold-conditioned proxy sees
    joint: bool = True  # False: frozen once it is pre-trained
    matching_score: Score = "logit"  # F of discriminator output matching
    matching_weight: float = 1.0  # lambda, relative to the pixel loss summed over pixels
    matching_thresholds: int = 1  # K stratified thresholds, so K renders, per target of output matching
    replay_images: int = 0  # earlier (x_d, camera, render) kept for the pixel loss; 0: only those of this step
    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    pretrain_shapes: tuple[str, ...] = ("cubes", "table")  # procedural classes, or paths of folders of shapes
    pretrain_images: int = 3200  # counted in images shown; 0 skips the phase
    pretrain_learning_rate: float = 0.0  # 0: what suits the kind, 5e-3 for compositing and 1e-4 for RenderNet
    pretrain_fresh_interval: int = 2  # iterations per newly rendered batch; the others replay earlier renders

    def __post_init__(self) -> None:
        for name in ("width", "channels_3d", "bands", "band_interval", "matching_thresholds"):
            _at_least(name, getattr(self, name), 1)
        for name in ("blocks_3d", "replay_images", "pretrain_images", "matching_weight", "pretrain_learning_rate"):
            _at_least(name, getattr(self, name), 0)
        _at_least("blocks_2d", self.blocks_2d, 2)
        _at_least("pretrain_fresh_interval", self.pretrain_fresh_interval, 1)
        if self.threshold_softness <= 0.0:
            raise ValueError(f"threshold_softness is {self.threshold_softness}, but a positive width was expected")
        # A folder need not be there: a trained model is used without it.
        unknown = [name for name in self.pretrain_shapes if name not in CLASSES and not set(name) & set("/\\.")]
        if unknown or not self.pretrain_shapes:
            came = repr(unknown[0]) if unknown else "an empty list"
            raise ValueError(
                f"pretrain_shapes has {came}, but procedural classes are {', '.join(CLASSES)}, and "
                "folders of shapes are named by their paths, such as ./tables"
            )
        if self.matching_thresholds > 1 and self.path != "continuous":
            raise ValueError(
                f'matching_thresholds is {self.matching_thresholds}, but with gradient = "{self.gradient}" one render '
                "is the exact target already"
            )
        if not self.joint and self.pretrain_images == 0:
            raise ValueError("joint is false and pretrain_images is 0: such a proxy would never learn to render")

    @property
    def pretraining_rate(self) -> float:
        """The learning rate that pre-training begins with."""
        return self.pretrain_learning_rate or (5e-3 if self.kind == "compositing" else 1e-4)

    @property
    def path(self) -> GradientPath:
        """`gradient` without its "+band"."""
        path: GradientPath = self.gradient.removesuffix(_BAND)  # type: ignore[assignment]
        return path

    @property
    def has_band_correction(self) -> bool:
        return self.gradient.endswith(_BAND)


def _at_least(name: str, value: int | float, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}, but at least {least} was expected")
