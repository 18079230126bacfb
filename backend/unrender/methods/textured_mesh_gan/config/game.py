# SPDX-License-Identifier: Apache-2.0
"""Settings of the discriminator, of the watch over failures, and of the photographs."""

from dataclasses import dataclass

from unrender.data.backdrops import Backdrop
from unrender.data.rgb_pictures import RgbFraming
from unrender.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    channels: tuple[int, ...] = (16, 32, 64, 128, 128)  # at the pictures' size, half of it, ... to 4^2
    group: int = 4  # pictures that are compared with one another, so that one for all is noticed; 0: none
    r1_gamma: float = 1.0  # 0 switches R1 off
    r1_interval: int = 16  # steps between penalties, which are scaled up accordingly
    learning_rate: float = 2e-3
    beta1: float = 0.0
    beta2: float = 0.99

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels is {list(self.channels)}, but at least one width of 1 or more is needed")
        if self.group < 0:
            raise ValueError(f"group is {self.group}, but 0 (none) or a number of pictures was expected")
        if self.r1_interval < 1:
            raise ValueError(f"r1_interval is {self.r1_interval}, but penalties are at least one step apart")
        if self.r1_gamma < 0.0:
            raise ValueError(f"r1_gamma is {self.r1_gamma}, but a penalty's weight is not negative")


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """How the ways in which such a training fails are looked for; see `monitors` and `collapse`."""

    interval: int = 50  # steps between looks at fixed shapes from all sides
    shapes: int = 8
    views: int = 6  # of each shape
    patience_images: int = 20_000  # shown while a failure lasts before the training is stopped; 0: it goes on

    def __post_init__(self) -> None:
        if self.interval < 1 or self.shapes < 1 or self.views < 2:
            raise ValueError(
                f"interval is {self.interval}, shapes {self.shapes} and views {self.views}, but at least 1, 1 and 2 "
                "were expected"
            )
        if self.patience_images < 0:
            raise ValueError(f"patience_images is {self.patience_images}, but 0 (never stop) or more was expected")


@dataclass(frozen=True, slots=True)
class PhotoConfig:
    """How pictures become training pictures, which fill their frame; see `data.rgb_pictures.RgbSettings`."""

    framing: RgbFraming = "auto"
    background: str = "white"  # behind transparency: a colour, or "varied"
    fill: float = 0.8  # of the frame that the object takes, where framing = "object"
    face_pixels: int = 128  # around a face of CelebA

    def __post_init__(self) -> None:
        try:
            Backdrop.named(self.background)
        except ConfigurationError as error:
            raise ValueError(
                f"background is {self.background!r}, but a colour's name, #rrggbb or varied was expected"
            ) from error
        if not 0.1 <= self.fill <= 1.0:
            raise ValueError(f"fill is {self.fill}, but a share from 0.1 to 1 was expected")
