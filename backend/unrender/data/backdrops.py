# SPDX-License-Identifier: Apache-2.0
"""What pictures with transparency are put on: one plain colour, or a smooth field of colours of each picture's own."""

import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import ImageColor

from unrender.errors import ConfigurationError

VARIED = "varied"
_WAVES = 3


@dataclass(frozen=True, slots=True)
class Backdrop:
    """colour: sRGB in [0, 1]; None for a field of colours that follows from (seed, picture's name)."""

    colour: tuple[float, float, float] | None
    seed: int = 0

    @classmethod
    def named(cls, text: str, seed: int = 0) -> "Backdrop":
        """The backdrop of a name: a colour's, as in CSS ("white", "lightgrey"), "#rrggbb", or "varied".

        Raises ConfigurationError.
        """
        if text == VARIED:
            return cls(None, seed)
        try:
            red, green, blue = ImageColor.getrgb(text)[:3]
        except ValueError as error:
            raise ConfigurationError(
                f"The background is {text!r}, but the name of a colour, #rrggbb or {VARIED} was expected.",
                "For example white, grey or #c0c8d0.",
            ) from error
        return cls((red / 255.0, green / 255.0, blue / 255.0))

    def behind(self, name: str, size: int) -> Float[np.ndarray, "size size 3"]:
        """The backdrop of the picture with this name, sRGB-encoded in [0, 1]; the same on every machine."""
        if self.colour is not None:
            return np.broadcast_to(np.array(self.colour, np.float32), (size, size, 3)).copy()
        return _varied(np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(name.encode())])), size)


def _varied(generator: np.random.Generator, size: int) -> Float[np.ndarray, "size size 3"]:
    """Two muted colours, mixed by a slope and a few long waves of any direction."""
    # Everything from `random()`, whose stream numpy guarantees.
    first, second = (_muted(generator.random(3)) for _ in range(2))
    place = (np.arange(size) + 0.5) / size - 0.5
    x, y = place[None, :], place[:, None]
    turn = 2.0 * np.pi * generator.random()
    mix = 0.5 + 0.9 * (np.cos(turn) * x + np.sin(turn) * y)
    for _ in range(_WAVES):
        turn, phase, share = generator.random(3)
        frequency = 0.7 + 1.3 * share  # periods across the frame
        along = np.cos(2.0 * np.pi * turn) * x + np.sin(2.0 * np.pi * turn) * y
        mix = mix + 0.15 * np.sin(2.0 * np.pi * (frequency * along + phase))
    mix = np.clip(mix, 0.0, 1.0)[..., None]
    return ((1.0 - mix) * first + mix * second).astype(np.float32)


def _muted(random: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """A colour of any hue, of 0.35 to 0.9 brightness and at most half saturated."""
    hue, saturation, value = float(random[0]), 0.5 * float(random[1]), 0.35 + 0.55 * float(random[2])
    ramp = np.abs((6.0 * hue + np.array([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0
    return value * (1.0 - saturation * (1.0 - np.clip(ramp, 0.0, 1.0)))
