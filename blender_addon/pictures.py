# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in panels: sheets of samples, curves and models, as icons that Blender draws at any size.

Panels only ask for the number of an icon. A thread turns a picture into pixels as Blender wants them; the timer calls
`refresh`, which writes them: one picture at a time, and only those that have changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import bpy

from .connection.curves import KID

if TYPE_CHECKING:
    import numpy as np

    from .connection.folder_render import FolderRun
    from .connection.session import Session
    from .score_curve import ScoreCurve

MOST_PIXELS = 640  # per side; a side panel shows fewer
MOST_PARTS = 3
_SHEET, _MODEL, _CURVE = "sheet", "model", "curve"
Key = tuple[str, str]  # one of these, and the job's or model's name
Source: TypeAlias = "np.ndarray | tuple[np.ndarray, ...]"  # a picture, or the lines of a curve


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture in parts (see `icon_pixels`), and the numbers of a curve."""

    parts: tuple[np.ndarray, ...] = field(repr=False)
    curve: ScoreCurve | None = None


class Pictures:
    """The icons of everything that a session has pictures of. Blender's collection is made with the first of them."""

    def __init__(self) -> None:
        self._collection: Any = None
        self._painter: Any = None  # a pool of one thread
        self._painting: tuple[Key, Source, Future[Painted]] | None = None
        self._shown: dict[Key, tuple[Source, tuple[int, ...]]] = {}
        self._curves: dict[str, ScoreCurve] = {}
        self._written: dict[Key, int] = {}  # the revision in which an icon was written last
        self._seen: object = None  # the session's revision and the contact sheet whose pictures are all written
        self.revision = 0  # grows whenever an icon has changed

    def refresh(self, session: Session, folder_run: FolderRun | None = None) -> bool:
        """Write the next picture that has changed, and forget those that are gone; returns whether more may wait."""
        sheet = folder_run.sheet if folder_run is not None else None
        present = session.revision, id(sheet)
        if self._painting is None and self._seen == present:
            return False
        wanted = dict(_pictures_of(session))
        if folder_run is not None and sheet is not None:
            wanted[_SHEET, str(folder_run.folder)] = sheet
        for key in [key for key in self._shown if key not in wanted]:
            self._forget(key)
        if self._painting is not None:
            key, source, painted = self._painting
            if not painted.done():
                return True
            self._painting = None
            if key in wanted:
                self._show(key, source, painted.result())
            return True
        changed = [key for key, source in wanted.items() if key not in self._shown or self._shown[key][0] is not source]
        if changed:
            key = min(changed, key=lambda candidate: self._written.get(candidate, -1))  # so that none is starved
            self._painting = key, wanted[key], self._paint(key[0], wanted[key])
            return True
        self._seen = present
        return False

    def sheet(self, job_key: str) -> tuple[int, ...]:
        """The icons that side by side are the newest picture of a job, or of a folder; none where it has none."""
        return self._icons(_SHEET, job_key)

    def model(self, model_hash: str) -> tuple[int, ...]:
        """The icons of a model's picture."""
        return self._icons(_MODEL, model_hash)

    def curve(self, job_key: str, which: str = KID) -> tuple[tuple[int, ...], ScoreCurve | None]:
        """The icons of a training's curve, and its numbers; see `connection.curves` for which there are."""
        name = f"{job_key} {which}"
        return self._icons(_CURVE, name), self._curves.get(name)

    def close(self) -> None:
        """Free all pictures, and end the thread."""
        if self._painter is not None:
            self._painter.shutdown(cancel_futures=True)
            self._painter = self._painting = None
        self._shown.clear()
        self._curves.clear()
        self._written.clear()
        self._seen = None
        if self._collection is not None:
            bpy.utils.previews.remove(self._collection)
            self._collection = None

    def _icons(self, kind: str, name: str) -> tuple[int, ...]:
        shown = self._shown.get((kind, name))
        return shown[1] if shown else ()

    def _paint(self, kind: str, source: Source) -> Future[Painted]:
        """Let the thread turn a picture into pixels: a large one takes longer than a tick may."""
        if self._painter is None:
            from concurrent.futures import ThreadPoolExecutor

            self._painter = ThreadPoolExecutor(1, "unrender-pictures")
        return self._painter.submit(paint, kind, source)

    def _show(self, key: Key, source: Source, painted: Painted) -> None:
        import bpy.utils.previews

        if self._collection is None:
            self._collection = bpy.utils.previews.new()
        icons = tuple(self._write(f"{key[0]} {key[1]} {part}", pixels) for part, pixels in enumerate(painted.parts))
        self._shown[key] = source, icons
        if painted.curve is not None:
            self._curves[key[1]] = painted.curve
        self.revision += 1
        self._written[key] = self.revision

    def _write(self, name: str, pixels: np.ndarray) -> int:
        """Write `pixels` [H, W, 4] uint8, row 0 at the bottom, into the icon of that name; returns its number."""
        import numpy as np

        height, width = pixels.shape[:2]
        preview = self._collection.get(name) or self._collection.new(name)
        preview.image_size = (width, height)
        preview.image_pixels.foreach_set(pixels.view(np.int32).ravel())
        return preview.icon_id

    def _forget(self, key: Key) -> None:
        _, icons = self._shown.pop(key)
        del self._written[key]
        if key[0] == _CURVE:
            self._curves.pop(key[1], None)
        for part in range(len(icons)):
            del self._collection[f"{key[0]} {key[1]} {part}"]


def paint(kind: str, source: Source) -> Painted:
    """The pixels of a picture, or of the lines of a curve. Needs no Blender, so that a thread can do it."""
    if kind != _CURVE:
        assert not isinstance(source, tuple)
        return Painted(tuple(icon_pixels(source)))
    from .score_curve import draw_curve

    picture, curve = draw_curve(*(source if isinstance(source, tuple) else (source,)))
    return Painted(tuple(icon_pixels(picture)), curve)


def icon_pixels(picture: np.ndarray) -> list[np.ndarray]:
    """A picture as Blender's icons want it: [H, W, 4] uint8, row 0 at the bottom, in parts that are about square.

    Icons are drawn into squares, so a picture that is twice as wide as high comes as two, to stand side by side.

    Args:
        picture: uint8 [H, W, 3 or 4], row 0 at the top.
    """
    import numpy as np

    if not picture.size:
        return []
    small = _reduce(picture)
    opaque = np.full((*small.shape[:2], 4), 255, np.uint8)
    opaque[:, :, : small.shape[2]] = small[::-1]
    parts = min(MOST_PARTS, max(1, round(small.shape[1] / small.shape[0])))
    return [np.ascontiguousarray(part) for part in np.array_split(opaque, parts, axis=1)]


def _reduce(picture: np.ndarray) -> np.ndarray:
    """The picture with at most MOST_PIXELS per side and part, by averaging squares of pixels."""
    import numpy as np

    height, width = picture.shape[:2]
    step = -(-max(height, -(-width // max(1, round(width / height)))) // MOST_PIXELS)
    if step <= 1 or height < step or width < step:
        return picture
    even = picture[: height // step * step, : width // step * step]
    total = np.zeros((height // step, width // step, picture.shape[2]), np.uint16 if step < 16 else np.uint32)
    for row in range(step):
        for column in range(step):
            total += even[row::step, column::step]
    return (total // (step * step)).astype(np.uint8)


def _pictures_of(session: Session) -> Iterator[tuple[Key, Source]]:
    """Everything that panels may want to show, by kind and name."""
    for model_hash, picture in session.model_previews.items():
        yield (_MODEL, model_hash), picture
    for job, scores in session.scores.items():
        if len(scores):
            yield (_CURVE, f"{job.hex()} {KID}"), scores
    for job, curves in session.curves.items():
        for which, lines in curves.items():
            yield (_CURVE, f"{job.hex()} {which}"), lines
    for job, picture in session.previews.items():
        yield (_SHEET, job.hex()), picture
