# SPDX-License-Identifier: Apache-2.0
"""Which trainings stand behind the tables of docs/results/textured_mesh_gan.md: one cell, one seed, one training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Szabo et al. 2019 name the first three; each row leaves out one thing of the whole method.
ABLATIONS: Mapping[str, tuple[str, ...]] = {
    "full": (),
    "no soft layer": ("renderer.silhouette=none",),
    "no pyramid": ("generator.pyramid=false",),
    "no size constraint": ("generator.size_constraint=false",),
    "background stands still": ("background.moves=false",),
    "no smoothing": ("generator.smoothing=0.0",),
    "light in the texture": ("generator.light=false",),
}
# The first is what the pictures are known to show, or the preset says.
VIEWS: Mapping[str, tuple[str, ...]] = {
    "as of the pictures": (),
    "yaw ±15": ("views.azimuth_degrees=[-15,15]",),
    "yaw ±45": ("views.azimuth_degrees=[-45,45]",),
    "yaw ±90": ("views.azimuth_degrees=[-90,90]",),
    "all round": ("views.azimuth_degrees=[-180,180]",),
}
TABLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {"ablations": ABLATIONS, "views": VIEWS}


@dataclass(frozen=True, slots=True)
class Cell:
    """One training. table, row, column: where its figures stand; the column is the name of the pictures in `data`."""

    table: str
    row: str
    column: str
    data: Path
    settings: tuple[str, ...]
    seed: int

    @property
    def title(self) -> str:
        """For the log."""
        return f"{self.table}, {self.row}, {self.column}"

    @property
    def training(self) -> str:
        """The folder of its training. Cells of both tables that ask for the same settings share one."""
        digest = hashlib.sha256("\n".join(sorted(self.settings)).encode()).hexdigest()[:10]
        return f"{self.column}-{self.seed}-{digest}"


def all_cells(data: Mapping[str, Path], seeds: int) -> list[Cell]:
    """Every cell with its first seed before any cell gets its second; data: folders of pictures by a short name."""
    return [
        Cell(table, row, column, folder, (*settings, f"seed={seed}"), seed)
        for seed in range(seeds)
        for table, rows in TABLES.items()
        for row, settings in rows.items()
        for column, folder in data.items()
    ]
