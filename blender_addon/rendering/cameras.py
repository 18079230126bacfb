# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cameras of a data set stand: laws that views are drawn from, and files that list them.

The world has Z up. A pose [4, 4] takes world coordinates to the camera's; written down in both usual conventions:
Blender's (x right, y up, looking along -z) and OpenCV's (x right, y down, looking along +z).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .manifest import DatasetError

ORTHOGRAPHIC_DISTANCE = 2.0
TURNTABLE_ELEVATION = 20.0  # degrees
LAWS = ("iggan", "above", "iggan-lvp", "sphere", "turntable", "gan-views", "orbit")
_ALIASES = {"limited": "iggan-lvp"}
CAMERAS = (*LAWS, *_ALIASES)
# Hollow or low things, which the paper shows from 15 degrees up (IG-GAN, section 4.2).
_FROM_ABOVE = ("bathtub", "couch", "sofa", "tub")
_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Lens:
    """Projection of square images. width: world units across, orthographic; focal: pixels, perspective (the other is
    0). centre: principal point in pixels from the left and from the top edge."""

    size: int
    width: float = 0.0
    focal: float = 0.0
    centre: tuple[float, float] = (0.0, 0.0)

    @property
    def is_perspective(self) -> bool:
        return self.focal > 0

    def scale(self, depth: np.ndarray) -> np.ndarray | float:
        """Pixels per world unit at this depth."""
        return self.focal / depth if self.is_perspective else self.size / self.width

    def intrinsics(self) -> list[list[float]]:
        """The OpenCV matrix in pixels; of an orthographic camera it scales x and y of the camera frame directly."""
        scale = self.focal if self.is_perspective else self.size / self.width
        return [[scale, 0.0, self.centre[0]], [0.0, scale, self.centre[1]], [0.0, 0.0, 1.0]]


@dataclass(frozen=True, eq=False)
class View:
    """One camera. pose: float64 [4, 4], world to camera in Blender's convention."""

    pose: np.ndarray
    lens: Lens

    @property
    def rotation(self) -> np.ndarray:
        """Rows: the camera's right, up and backward axes in the world, float64 [3, 3]."""
        return self.pose[:3, :3]

    @property
    def distance(self) -> float:
        """How far the plane through the world's origin lies in front of the camera."""
        return float(-self.pose[2, 3])

    def facts(self) -> dict:
        """What `cameras.json` says of this view."""
        return {
            "projection": "perspective" if self.lens.is_perspective else "orthographic",
            "width": self.lens.width,
            "intrinsics": _rounded(np.array(self.lens.intrinsics())),
            "opencv_world_to_camera": _rounded(_OPENCV @ self.pose),
            "blender_camera_to_world": _rounded(np.linalg.inv(self.pose)),
        }


@dataclass(frozen=True)
class CameraLaw:
    """How the view of an image follows from (seed, object, view). field_of_view: degrees, 0 for orthographic."""

    name: str
    seed: int
    views: int
    size: int
    width: float = 1.1
    field_of_view: float = 0.0

    def angles(self, image: int, category: str) -> tuple[float, float]:
        """Azimuth and elevation in radians; azimuth 0 looks along +Y, as Blender's front view does."""
        law = canonical(self.name)
        if law == "turntable":
            return math.tau * (image % self.views) / self.views, math.radians(TURNTABLE_ELEVATION)
        generator = np.random.Generator(np.random.PCG64([self.seed, image, 1]))
        across, above = generator.random(), generator.random()
        if law == "sphere":
            return math.radians(-180.0 + 360.0 * across), math.asin(2.0 * above - 1.0)
        (low_a, high_a), (low_e, high_e) = self.ranges(category)
        return math.radians(low_a + (high_a - low_a) * across), math.radians(low_e + (high_e - low_e) * above)

    def view(self, image: int, category: str) -> View:
        return View(pose_around_origin(camera_axes(*self.angles(image, category)), self._distance()), self._lens())

    def ranges(self, category: str) -> tuple[tuple[float, float], tuple[float, float]]:
        """Degrees of azimuth and of elevation that the views of a class lie in; uniform but for "sphere"."""
        law = canonical(self.name)
        if law == "iggan-lvp":
            return (-60.0, 60.0), (15.0, 60.0)
        if law == "gan-views":  # all round and a little from above, as sets for 3D-aware GANs are rendered
            return (-180.0, 180.0), (0.0, 30.0)
        if law == "orbit":  # all round, and never from below
            return (-180.0, 180.0), (0.0, 40.0)
        if law == "sphere":
            return (-180.0, 180.0), (-90.0, 90.0)
        if law == "turntable":
            return (-180.0, 180.0), (TURNTABLE_ELEVATION, TURNTABLE_ELEVATION)
        from_above = law == "above" or any(word in category.lower() for word in _FROM_ABOVE)
        return (-180.0, 180.0), (15.0 if from_above else -30.0, 60.0)

    def _distance(self) -> float:
        if not self.field_of_view:
            return ORTHOGRAPHIC_DISTANCE
        return 0.5 * self.width / math.tan(math.radians(self.field_of_view) / 2)

    def _lens(self) -> Lens:
        centre = (self.size / 2, self.size / 2)
        if not self.field_of_view:
            return Lens(self.size, width=self.width, centre=centre)
        return Lens(self.size, focal=self.size / (2 * math.tan(math.radians(self.field_of_view) / 2)), centre=centre)


def canonical(law: str) -> str:
    return _ALIASES.get(law, law)


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """Rows: the right, up and backward axes of a camera that looks at the origin, float32 [3, 3]."""
    sin_a, cos_a, sin_e, cos_e = math.sin(azimuth), math.cos(azimuth), math.sin(elevation), math.cos(elevation)
    return np.array(
        [(cos_a, sin_a, 0.0), (-sin_e * sin_a, sin_e * cos_a, cos_e), (sin_a * cos_e, -cos_a * cos_e, sin_e)],
        np.float32,
    )


def pose_around_origin(axes: np.ndarray, distance: float) -> np.ndarray:
    """World to camera of a camera with these axes that looks at the origin from this far."""
    pose = np.eye(4)
    pose[:3, :3] = axes
    pose[2, 3] = -distance
    return pose


def read_cameras(path: Path, size: int) -> list[View]:
    """The views of a `cameras.json`: `{"size": pixels, "views": [{...}]}`.

    Each view has `opencv_world_to_camera` or `blender_camera_to_world` [4, 4], and `intrinsics` [3, 3] in pixels
    (perspective) or `width` in world units with `"projection": "orthographic"`. Raises DatasetError.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        entries = facts["views"]
        of_size = facts.get("size", size)
        views = [_read_view(entry, of_size, size) for entry in entries]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, np.linalg.LinAlgError) as error:
        words = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise DatasetError(
            f"{path} is no list of cameras ({words}); expected views with opencv_world_to_camera or "
            "blender_camera_to_world, and intrinsics or width."
        ) from None
    if not views:
        raise DatasetError(f"{path} lists no views.")
    return views


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _read_view(entry: dict, of_size: float, size: int) -> View:
    if "opencv_world_to_camera" in entry:
        pose = _OPENCV @ _matrix(entry["opencv_world_to_camera"])
    else:
        pose = np.linalg.inv(_matrix(entry["blender_camera_to_world"]))
    turn = pose[:3, :3]
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) or np.linalg.det(turn) < 0:
        raise ValueError("the rotation of a camera is scaled, sheared or mirrored")
    if entry.get("projection") == "orthographic":
        return View(pose, Lens(size, width=float(entry["width"]), centre=(size / 2, size / 2)))
    k = np.array(entry["intrinsics"], np.float64).reshape(3, 3) * (size / float(of_size))
    if not np.isclose(k[0, 0], k[1, 1], rtol=1e-3) or k[0, 0] <= 0 or abs(k[0, 1]) > 1e-6:
        raise ValueError("intrinsics need one focal length for both axes and no skew")
    return View(pose, Lens(size, focal=float(k[0, 0]), centre=(float(k[0, 2]), float(k[1, 2]))))


def _matrix(values: object) -> np.ndarray:
    matrix = np.array(values, np.float64).reshape(4, 4)
    if not np.isfinite(matrix).all():
        raise ValueError("a camera has values that are not finite")
    return matrix


def _rounded(matrix: np.ndarray) -> list:
    return (matrix.round(7) + 0.0).tolist()  # + 0.0: no "-0.0" in the file
