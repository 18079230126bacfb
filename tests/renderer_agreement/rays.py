# SPDX-License-Identifier: Apache-2.0
"""What the references share: rays straight from the conventions, and what is known of a picture."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Reference:
    """silhouette bool [H, W]; depth [H, W] from the camera along the viewing axis; normal [H, W, 3], camera frame;
    face int [H, W]: which flat side is seen, -1 where none is.

    By rays finer than the pixels, None where only their centres were looked at: mixed, partly: pixels that show more
    than one surface, or some of the background; normals [H, W, S, 3]: all that a pixel shows."""

    silhouette: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    face: np.ndarray
    mixed: np.ndarray | None = None
    partly: np.ndarray | None = None
    normals: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A camera at the given angles (radians) that looks at the origin; `width` world units across at the origin;
    size: pixels; distance: from the origin to the camera."""

    azimuth: float
    elevation: float
    size: int
    width: float
    distance: float
    perspective: bool

    @property
    def frame(self) -> np.ndarray:
        """Rows: right, up and backward in the world."""
        sin_a, cos_a, sin_e, cos_e = (
            function(angle) for angle in (self.azimuth, self.elevation) for function in (np.sin, np.cos)
        )
        return np.array(
            [[cos_a, sin_a, 0.0], [-sin_e * sin_a, sin_e * cos_a, cos_e], [sin_a * cos_e, -cos_a * cos_e, sin_e]]
        )

    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Origins and directions [H, W, 3] through the centres of the pixels, row 0 at the top; one unit of the
        direction is one unit of depth."""
        right, up, backward = self.frame
        across = ((np.arange(self.size) + 0.5) / self.size - 0.5) * self.width
        on_plane = across[None, :, None] * right - across[:, None, None] * up
        if not self.perspective:
            return on_plane + self.distance * backward, np.broadcast_to(-backward, on_plane.shape)
        origin = np.broadcast_to(self.distance * backward, on_plane.shape)
        return origin, (on_plane - origin) / self.distance

    def reference(self, depth: np.ndarray, normal: np.ndarray, face: np.ndarray | None = None) -> Reference:
        """From depths [H, W] (infinite where nothing is) and world normals [H, W, 3]."""
        hit = np.isfinite(depth)
        face = np.where(hit, 0, -1) if face is None else face
        return Reference(hit, np.where(hit, depth, 0.0), np.where(hit[..., None], normal @ self.frame.T, 0.0), face)
