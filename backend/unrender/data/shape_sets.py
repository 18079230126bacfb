# SPDX-License-Identifier: Apache-2.0
"""Sets of shapes as binary grids at one resolution: what training pictures are rendered of, and compared with."""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from unrender.data.procedural import CLASSES, make_shape
from unrender.errors import DataError

_PROBES = 16


@runtime_checkable  # so that annotations can be checked in the tests
class ShapeSet(Protocol):
    """Shapes in a fixed order, inside the ball of diameter 1, Z up."""

    @property
    def category(self) -> str:
        """The class of the shapes, in lower case."""
        ...

    def __len__(self) -> int: ...

    @property
    def identity(self) -> dict[str, Any]:
        """All that the grids depend on, as values that JSON can hold: two sets of one identity are the same."""
        ...

    def grids(self, objects: Int64[Tensor, " B"]) -> Bool[Tensor, "B 1 X Y Z"]:
        """The shapes with these numbers, from 0."""
        ...


@dataclass(frozen=True, slots=True)
class ProceduralShapes:
    """`count` shapes of a procedural class, made when they are asked for; object k has the seed `first_seed + k`."""

    class_name: str
    count: int
    resolution: int  # voxels per side
    first_seed: int = 0

    def __post_init__(self) -> None:
        if self.class_name not in CLASSES:
            raise DataError(
                f"There is no class of procedural shapes {self.class_name!r}.", f"Known here: {', '.join(CLASSES)}."
            )

    @property
    def category(self) -> str:
        return self.class_name

    def __len__(self) -> int:
        return self.count

    @property
    def identity(self) -> dict[str, Any]:
        """The seeds, and a hash of some of the grids: a generator that was changed makes another set."""
        probes = np.unique(np.linspace(0, self.count - 1, _PROBES).round().astype(np.int64))
        packed = np.packbits(self.grids(torch.from_numpy(probes)).numpy())
        return {
            "class": self.class_name,
            "count": self.count,
            "resolution": self.resolution,
            "first_seed": self.first_seed,
            "probes": hashlib.sha256(packed.tobytes()).hexdigest()[:16],
        }

    def grids(self, objects: Int64[Tensor, " B"]) -> Bool[Tensor, "B 1 X Y Z"]:
        """The shapes with these numbers."""
        shapes = [make_shape(self.class_name, self.first_seed + k, self.resolution) for k in objects.tolist()]
        return torch.from_numpy(np.stack(shapes)[:, None])
