# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes that have come and are not in the scene yet, and which of them go there without being asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from .shapes import Shape


class Results:
    """The shapes of finished jobs until they are imported, in the order in which the jobs were submitted."""

    def __init__(self) -> None:
        self.shapes: dict[bytes, tuple[Shape, ...]] = {}
        self._imported: dict[bytes, set[int]] = {}
        self._awaited: deque[bytes] = deque()

    @property
    def awaited(self) -> tuple[bytes, ...]:
        """Jobs whose results go into the scene without being asked for, when they come."""
        return tuple(self._awaited)

    def expect(self, job: bytes) -> None:
        """Import the result of this job when it comes, or the rest of one that is here."""
        if job not in self._awaited:
            self._awaited.append(job)

    def leave(self, job: bytes) -> None:
        """Leave the rest of a result to the artist."""
        if job in self._awaited:
            self._awaited.remove(job)

    def next_import(self) -> tuple[bytes, int] | None:
        """The job and shape index that is to be imported next without being asked for, or None."""
        for job in self._awaited:
            index = self.first_not_imported(job)
            if index is not None:
                return job, index
        return None

    def first_not_imported(self, job: bytes) -> int | None:
        """The index of the first shape of a job that is here and not in the scene yet, or None."""
        done = self._imported.get(job, set())
        return next((shape.index for shape in self.shapes.get(job, ()) if shape.index not in done), None)

    def indices_imported(self, job: bytes) -> frozenset[int]:
        """The indices of those shapes of a job that are in the scene."""
        return frozenset(self._imported.get(job, ()))

    def imported(self, job: bytes, index: int) -> bool:
        """Note that one shape is in the scene. Returns whether it was the last one; then all are let go of."""
        return self.found(job, self._imported.get(job, set()) | {index})

    def found(self, job: bytes, indices: Collection[int]) -> bool:
        """Note that these shapes of a job are in the file, and no others. Returns whether these are all; then all are
        let go of.
        """
        self._imported[job] = set(indices)
        known = {shape.index for shape in self.shapes.get(job, ())}
        if not known or not known <= self._imported[job]:
            return False
        self.leave(job)
        self.shapes.pop(job, None)
        return True

    def forget(self, job: bytes) -> None:
        """Drop all that there is of a job."""
        self.leave(job)
        self.shapes.pop(job, None)
        self._imported.pop(job, None)
