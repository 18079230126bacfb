# SPDX-License-Identifier: GPL-3.0-or-later
"""The `render_dataset` job: what it takes, and what its list entry is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .jobs import Job

if TYPE_CHECKING:
    import numpy as np

    from .session import Session

KIND = "render_dataset"
KEEP_COLOURS = "keep"  # as `materials`
OBJECTS = "objects"  # the source that is meshes which travel with the job
CLASSES = (  # of procedural shapes at the generator
    *("chair", "couch", "bathtub", "table", "mushroom", "cubes"),
    *("bed", "shelf", "lamp", "mug", "bottle", "airplane", "car"),
)
COLOURED = ("mushroom", "car")  # those that have colours of their own
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """Parameters of the `render_dataset` job: `count` shapes of a class or the meshes sent, `views` images of each.

    colours: of classes that have some; all else is white.
    """

    name: str
    source: str
    count: int
    views: int
    size: int
    samples: int = 4
    seed: int = 0
    colours: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"The name {self.name!r:.80} is not possible: use letters, digits, - and _")

    def parameters(self) -> dict[str, Any]:
        """As they are sent; older generators refuse a word that they do not know."""
        sent = asdict(self)
        del sent["colours"]
        return sent | ({"materials": KEEP_COLOURS} if self.colours and self.source in COLOURED else {})


def submit_dataset(session: Session, settings: DatasetSettings, meshes: Mapping[str, np.ndarray] | None) -> bytes:
    """Queue the job; returns its id at once.

    `meshes` are the arrays of `scene.sent_meshes` where the source is OBJECTS, and None otherwise.
    """
    return session.submit(KIND, f"Data set {settings.name}", settings.parameters(), meshes, import_when_done=False)


def rendered_dataset(job: Job) -> str:
    """The name of the data set that a job has made; empty for other jobs, and until it is done."""
    return str(job.result.get("dataset", "")) if job.kind == KIND else ""
