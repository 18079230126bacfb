# SPDX-License-Identifier: GPL-3.0-or-later
"""Other meshes of shapes that are in the scene: what was asked for, one request at a time, always the newest wish.

A slider that is dragged makes many wishes. While an answer is awaited, a newer wish for the same object takes the place
of an older one, so that the generator is never asked for what nobody wants any more. Wishes that belong together (one
drag) have the same number, `change`, and become one undo step.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .problems import MESH_UNANSWERED, Problem

if TYPE_CHECKING:
    from .shapes import Shape

CHANGE_SECONDS = 1.0  # a pause in the drag of a slider after which it counts as another change
ANSWER_SECONDS = 120.0  # the protocol's client gives up before


@dataclass(frozen=True, slots=True)
class ShapeSource:
    """Which shape: the weights that made it, and of what."""

    model: str
    model_hash: str
    seed: int
    variety: float


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """How it is meshed. smoothing: of the voxels' steps, 0 to 1; resolution: cells per voxel along each axis."""

    threshold: float = 0.5
    smoothing: float = 1.0
    resolution: int = 1


@dataclass(frozen=True, slots=True)
class MeshWish:
    """A mesh for the object of that name. max_faces: it is simplified to at most so many."""

    target: str
    source: ShapeSource
    settings: MeshSettings
    max_faces: int
    change: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MeshResult:
    """What was wished for."""

    wish: MeshWish
    shape: Shape


class Remeshing:
    """Wishes, the one that is asked for, and results that are not in the scene yet. Knows no clock and no socket."""

    def __init__(self) -> None:
        self.problem: Problem | None = None  # of the newest wish
        self._wishes: OrderedDict[str, MeshWish] = OrderedDict()
        self._asked: MeshWish | None = None
        self._deadline = 0.0
        self._is_void = False  # nobody wants the answer to what is asked any more
        self._results: OrderedDict[str, MeshResult] = OrderedDict()
        self._change = 0
        self._about: object = None  # the slider and the objects of the newest change
        self._wished_at = float("-inf")
        self._begun = 0  # the newest change of which a mesh is in the scene

    def wish(
        self, what: str, wanted: Sequence[tuple[str, ShapeSource, MeshSettings]], max_faces: int, at: float
    ) -> None:
        """Want other meshes for objects: `what` names the setting that was changed, `at` is the time."""
        about = (what, tuple(target for target, _, _ in wanted))
        if about != self._about or at - self._wished_at > CHANGE_SECONDS:
            self._change += 1
        self._about, self._wished_at = about, at
        self.problem = None
        for target, source, settings in wanted:
            self._wishes[target] = MeshWish(target, source, settings, max_faces, self._change)

    def refuse(self, problem: Problem) -> None:
        """Show why a wish cannot be granted."""
        self.problem = problem

    def wanted(self, target: str) -> MeshSettings | None:
        """What an object is to become; None where it is as it should be."""
        if target in self._wishes:
            return self._wishes[target].settings
        if self._asked is not None and self._asked.target == target and not self._is_void:
            return self._asked.settings
        return self._results[target].wish.settings if target in self._results else None

    def next_to_ask(self, at: float) -> MeshWish | None:
        """The wish to send now; None while an answer is awaited, and where nothing is wished for."""
        if self._asked is not None and at > self._deadline:
            if not self._is_void:
                self.problem = MESH_UNANSWERED
            self._asked = None
        if self._asked is not None or not self._wishes:
            return None
        self._asked = self._wishes.popitem(last=False)[1]
        self._deadline, self._is_void = at + ANSWER_SECONDS, False
        return self._asked

    def answered(
        self, source: ShapeSource, settings: MeshSettings, shape: Shape | None, problem: Problem | None
    ) -> None:
        """Note the answer to what was asked for; one to anything else is old and void."""
        asked = self._asked
        if asked is None or (asked.source, asked.settings) != (source, settings):
            return
        self._asked = None
        if self._is_void:
            return
        if shape is not None:
            self._results[asked.target] = MeshResult(asked, shape)
        elif asked.target not in self._wishes:  # there may be no mesh of what was passed by on the way
            self.problem = problem

    def next_result(self) -> MeshResult | None:
        """The next mesh for the scene."""
        return next(iter(self._results.values()), None)

    def begins_change(self, result: MeshResult) -> bool:
        """Whether no mesh of that change is in the scene yet."""
        return result.wish.change != self._begun

    def take(self, target: str) -> MeshResult | None:
        """The mesh for an object, which is in the scene from now on, or cannot be; None where there is none."""
        result = self._results.pop(target, None)
        if result is not None:
            self._begun = result.wish.change
        return result

    def forget(self) -> None:
        """Drop everything: an undo, or another file. What the artist wishes next is another change."""
        self._wishes.clear()
        self._results.clear()
        self._is_void = True
        self._about = None

    def ask_anew(self) -> None:
        """What was asked for on another connection is not answered any more."""
        asked, self._asked = self._asked, None
        if asked is not None and not self._is_void and asked.target not in self._wishes:
            self._wishes[asked.target] = asked
