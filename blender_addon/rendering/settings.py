# SPDX-License-Identifier: GPL-3.0-or-later
"""What one batch of images is rendered with; travels as a plain dict over the wire."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

ENGINES = ("cycles", "eevee", "workbench")
GPU_KINDS = ("optix", "cuda", "hip", "metal", "oneapi")  # of Cycles, in the order in which they are tried
DEVICES = ("cpu", "auto", "gpu", *GPU_KINDS)
PASSES = ("depth", "normal", "index")
PASSES_OF_ENGINE = {"cycles": PASSES, "eevee": ("depth", "normal"), "workbench": ("depth",)}


class SettingsError(ValueError):
    """A render setting is unknown or out of range; the message says which and what was expected."""


@dataclass(frozen=True)
class RenderSettings:
    """One square image per view of a mesh, lit by lights that are fixed to the camera.

    size: pixels per side. samples: per pixel. engine: one of ENGINES.
    width: world units across the frame at the origin. field_of_view: radians, None for an orthographic camera.
    light_directions: unit vectors from the object to the lights, camera frame (x right, y up, z towards the camera).
    light_intensities, ambient: an albedo of 1 with normal n shines with ambient + sum_i intensity_i max(0, n . l_i).
    shadows: objects shade themselves. Without shadows the sum is evaluated in closed form in the material, so the
        only noise left is that of the outline; with shadows the lights are suns that the engine samples.
    smooth: interpolate normals over the faces. coloured: the albedo is that of the mesh's colours instead of 1.
    passes: further images wanted, a subset of PASSES.
    seed: of the sampling pattern. threads: render threads, 0 for all cores.
    """

    size: int = 64
    samples: int = 4
    engine: str = "cycles"
    width: float = 1.1
    field_of_view: float | None = None
    light_directions: tuple[tuple[float, float, float], ...] = ()
    light_intensities: tuple[float, ...] = ()
    ambient: float = 1.0
    shadows: bool = False
    smooth: bool = True
    coloured: bool = False
    passes: tuple[str, ...] = ()
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        _require(1 <= self.size <= 8192, f"size is {self.size}; expected 1 to 8192 pixels")
        _require(1 <= self.samples <= 65536, f"samples is {self.samples}; expected 1 to 65536")
        _require(self.engine in ENGINES, f"engine is {self.engine!r}; expected one of {', '.join(ENGINES)}")
        _require(self.width > 0, f"width is {self.width}; expected a positive length")
        _require(
            self.field_of_view is None or 0 < self.field_of_view < 3.1,
            f"field_of_view is {self.field_of_view}; expected radians between 0 and 3.1, or none for orthographic",
        )
        _require(
            len(self.light_directions) == len(self.light_intensities),
            f"{len(self.light_directions)} light directions came with {len(self.light_intensities)} intensities",
        )
        unknown = set(self.passes) - set(PASSES)
        _require(not unknown, f"unknown passes {sorted(unknown)}; expected some of {', '.join(PASSES)}")
        for name in self.passes:
            able = [engine for engine in ENGINES if name in PASSES_OF_ENGINE[engine]]
            _require(
                self.engine in able, f"{self.engine.capitalize()} has no {name} pass; expected {' or '.join(able)}"
            )

    @classmethod
    def from_dict(cls, values: dict) -> RenderSettings:
        """Read settings that came over the wire; lists become tuples, unknown keys are errors."""
        known = {field.name for field in fields(cls)}
        unknown = set(values) - known
        _require(not unknown, f"unknown render settings {sorted(unknown)}; expected some of {sorted(known)}")
        return cls(**{key: _frozen(value) for key, value in values.items()})

    def to_dict(self) -> dict:
        return asdict(self)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SettingsError(message)


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value
