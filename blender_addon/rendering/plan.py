# SPDX-License-Identifier: GPL-3.0-or-later
"""What a data set is: every value that its images depend on, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .cameras import CAMERAS, CameraLaw, View, read_cameras
from .lights import Lighting, find_lighting
from .manifest import DatasetError
from .settings import ENGINES, PASSES_OF_ENGINE

PROCEDURAL, OBJECTS, FILES, BLEND = "procedural", "objects", "files", "blend"
MOST_OBJECTS = 10_000_000
OUTPUT_PASSES = ("rgb", "mask", "depth", "normal", "normal_world", "index", "flow")
IMAGE_FORMATS = ("png8", "png16", "exr")
KEEP = "keep"
MATERIALS = ("auto", KEEP, "clay")
UP_AXES = ("auto", "y", "z")
# What the engine has to deliver for a pass.
_NEEDS = {"depth": "depth", "flow": "depth", "normal": "normal", "normal_world": "normal", "index": "index"}
_NOT_IN_THE_IMAGES = ("count", "source")


@dataclass(frozen=True)
class DatasetPlan:
    """Image k shows object k // views and follows from (seed, k) alone.

    kind: where objects come from; source: class of procedural shapes, or the path that was given; objects: hash of the
    list of objects, empty for procedural shapes. count: objects. size: pixels; resolution: voxels per side of
    procedural shapes. cameras: a law of CAMERAS, or the path of a `cameras.json` whose hash is camera_digest. lights: a
    name of LIGHTS or the path of an environment. light_jitter, field_of_view: degrees (0: orthographic). width: world
    units across the frame. materials: "keep", "clay" (all white), or "auto" (kept where there are any; of procedural
    shapes only "keep" shows the colours, where they have some). background: "transparent", "#rrggbb" or a folder of
    pictures, whose hash is background_digest. device: what Cycles renders on, "cpu" or "gpu".
    """

    source: str
    kind: str = PROCEDURAL
    objects: str = ""
    collection: str = ""
    up: str = "auto"
    count: int = 500
    views: int = 1
    seed: int = 0
    size: int = 64
    samples: int = 4
    resolution: int = 32
    cameras: str = "iggan"
    camera_digest: str = ""
    field_of_view: float = 0.0
    lights: str = "iggan"
    light_jitter: float = 0.0
    materials: str = "auto"
    background: str = "transparent"
    background_digest: str = ""
    passes: tuple[str, ...] = ("rgb",)
    image_format: str = "png8"
    width: float = 1.1
    shadows: bool = False
    engine: str = "cycles"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, low, high in (
            ("count", 1, MOST_OBJECTS),
            ("views", 1, 10_000),
            ("seed", 0, 2**32 - 1),
            ("size", 8, 4096),
            ("samples", 1, 4096),
            ("resolution", 8, 512),
            ("field_of_view", 0, 150),
            ("width", 0.1, 10),
            ("light_jitter", 0, 180),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise DatasetError(f"{name} is {value}; expected {low} to {high}.")
        for name, known in (
            ("engine", ENGINES),
            ("image_format", IMAGE_FORMATS),
            ("materials", MATERIALS),
            ("up", UP_AXES),
        ):
            if getattr(self, name) not in known:
                raise DatasetError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}.")
        if self.cameras not in CAMERAS and not self.camera_digest:
            raise DatasetError(f"cameras is {self.cameras!r}; expected one of {', '.join(CAMERAS)}, or a cameras.json.")
        self._check_passes()
        find_lighting(self.lights)

    def _check_passes(self) -> None:
        unknown = [name for name in self.passes if name not in OUTPUT_PASSES]
        if unknown:
            raise DatasetError(f"There is no pass {', '.join(unknown)}; expected some of {', '.join(OUTPUT_PASSES)}.")
        if "rgb" not in self.passes:
            raise DatasetError("Every data set has the pass rgb; add it to the passes.")
        for name in self.passes:
            if name in _NEEDS and _NEEDS[name] not in PASSES_OF_ENGINE[self.engine]:
                able = [engine for engine in ENGINES if _NEEDS[name] in PASSES_OF_ENGINE[engine]]
                raise DatasetError(f"{self.engine.capitalize()} has no pass {name}; leave it out or use {able[0]}.")
        if "flow" in self.passes and self.views < 2:
            raise DatasetError("The pass flow leads from one view to the next; it needs at least 2 views.")

    @property
    def images(self) -> int:
        return self.count * self.views

    @property
    def engine_passes(self) -> tuple[str, ...]:
        """What the engine has to render besides colour."""
        return tuple(sorted({_NEEDS[name] for name in self.passes if name in _NEEDS}))

    def fingerprint(self) -> str:
        """Changes with everything that changes an image; not with `count`, so that a data set can be extended."""
        facts = {key: value for key, value in asdict(self).items() if key not in _NOT_IN_THE_IMAGES}
        if self.kind == PROCEDURAL:
            facts["source"] = self.source  # elsewhere it is a path, and the objects have their own hash
        for name, digest_name in (("cameras", "camera_digest"), ("background", "background_digest")):
            if facts[digest_name]:
                del facts[name]  # a path, whose content has its hash
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def shape_seed(self, index: int) -> int:
        """Seed of the procedural shape with this index."""
        return int(np.random.SeedSequence([self.seed, index]).generate_state(1)[0])

    def image_seed(self, image: int) -> int:
        """Seed of an image's samples, where light is sampled."""
        return int(np.random.SeedSequence([self.seed, image, 3]).generate_state(1)[0]) & 0x7FFFFFFF

    def lighting(self, index: int) -> Lighting:
        """Lights of the object with this index."""
        return find_lighting(self.lights).jittered(self.light_jitter, (self.seed, index))

    @property
    def law(self) -> CameraLaw:
        return CameraLaw(self.cameras, self.seed, self.views, self.size, self.width, self.field_of_view)

    def record(self) -> dict:
        """What `dataset.json` says: the plan, and the law of its views, which a training needs to know."""
        ranges = None if self.camera_digest else self.law.ranges(self.source if self.kind == PROCEDURAL else "")
        return asdict(self) | (
            {"azimuth_degrees": list(ranges[0]), "elevation_degrees": list(ranges[1])} if ranges else {}
        )


class Views:
    """The views of a plan, with a list of cameras read once."""

    def __init__(self, plan: DatasetPlan) -> None:
        self._plan = plan
        self._given = read_cameras(Path(plan.cameras), plan.size) if plan.camera_digest else None

    def view(self, image: int, category: str) -> View:
        """The camera of image k."""
        if self._given is not None:
            return self._given[image % self._plan.views]
        return self._plan.law.view(image, category)

    def angles(self, image: int, category: str) -> tuple[float, float]:
        """Azimuth and elevation in radians of where the camera looks from."""
        if self._given is None:
            return self._plan.law.angles(image, category)
        x, y, z = self._given[image % self._plan.views].rotation[2]
        return float(np.arctan2(x, -y)), float(np.arcsin(np.clip(z, -1.0, 1.0)))

    def next_image(self, image: int) -> int:
        """The image whose view the optical flow of this one leads to: the object's next, after the last its first."""
        first = image - image % self._plan.views
        return first + (image - first + 1) % self._plan.views
