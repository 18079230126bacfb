# SPDX-License-Identifier: GPL-3.0-or-later
"""The `generate` job: what it takes, and what its list entry is called."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """Parameters of the `generate` job as the wire has them: `count` shapes, with seeds from `seed` upwards.

    Those that older generators do not know are sent only where they are not as usual, and those of meshing not at all
    where the shapes come with a texture, which lies on one mesh only. towards: another seed, to whose shape textured
    ones lead in equal steps; None: one seed after the other.
    """

    model: str
    seed: int
    count: int = 1
    threshold: float = 0.5
    variety: float = 1.0
    max_faces: int | None = None
    smooth: bool = True
    smoothing: float = 1.0
    resolution: int = 1
    textured: bool = False
    towards: int | None = None

    def parameters(self) -> dict[str, Any]:
        """As they are sent."""
        if self.textured:
            known = {"model": self.model, "seed": self.seed, "count": self.count, "variety": self.variety}
            return known if self.towards is None else {**known, "towards": self.towards}
        known = asdict(self)
        del known["textured"], known["towards"]
        usual = {"smoothing": 1.0, "resolution": 1}
        return {name: value for name, value in known.items() if name not in usual or value != usual[name]}


def submit_generate(session: Session, settings: GenerateSettings) -> bytes:
    """Queue the job; returns its id at once."""
    title = f"{settings.count} x {settings.model}, seed {settings.seed}"
    if settings.towards is not None:
        title += f" to {settings.towards}"
    return session.submit("generate", title, settings.parameters())
