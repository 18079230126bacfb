# SPDX-License-Identifier: Apache-2.0
"""Which trainings stand behind the tables of docs/results/iggan.md: one cell, one seed, one training."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

CLASSES = ("chair", "couch", "bathtub")
SETS = ("500", "one_per_model", "unlimited")
RELATED = {"chair": "table", "couch": "chair", "bathtub": "couch"}  # a class like the target, but not it

# The paper's section 4.1 with the proxy whose behaviour on grey grids is exact for a global threshold; as settings,
# so that they apply at every scale.
PAPER = (
    "proxy.compositing=max",
    "proxy.gradient=continuous",
    "proxy.matching_score=log_d",
    "proxy.matching_weight=100.0",
    "proxy.learning_rate=2e-5",
    "generator.learning_rate=2e-4",
    "generator.beta1=0.5",
    "generator.beta2=0.999",
    "discriminator.learning_rate=2e-4",
    "discriminator.beta1=0.5",
    "discriminator.beta2=0.999",
    "discriminator.spectral_norm=true",
    "discriminator.r1_gamma=0.0",
)
# The same with the paper's kind of proxy, which knows nothing of how light travels before it has learned it.
RENDER_NET = (
    *(setting for setting in PAPER if not setting.startswith("proxy.compositing")),
    "proxy.kind=render_net",
    "proxy.channels_3d=4",
    "proxy.pretrain_learning_rate=1e-3",
    "proxy.pretrain_images=6400",
)
VIEWS = {
    "chair": ("views.elevation_degrees=[-30,60]",),
    "couch": ("views.elevation_degrees=[15,60]",),
    "bathtub": ("views.elevation_degrees=[15,60]",),
    "lvp": ("views.azimuth_degrees=[-60,60]", "views.elevation_degrees=[15,60]"),
}
METHODS = {
    "IG-GAN": (),
    "visual hull": ("route=visual_hull",),
    "absorption only": ("route=absorption",),
    "emission-absorption": ("route=emission_absorption",),
    "2D-DCGAN": ("route=image",),
}
# Beyond the paper, each beside the recipe it changes.
OPTIONS = {
    "R1, threshold-conditioned (the preset)": (),
    "the paper's recipe": PAPER,
    "no DOM": ("proxy.matching_weight=0.0",),
    "R3GAN": ("adversarial_loss=r3gan",),
    "ADA": ("augmentation_target=0.6",),
    "DOM on features": ("proxy.matching_score=features",),
    "straight-through": ("proxy.gradient=straight_through",),
    "continuous, max weights": ("proxy.gradient=continuous", "proxy.compositing=max"),
    "max weights": ("proxy.compositing=max",),
    "replay buffer": ("proxy.replay_images=4000",),
    "silhouette discriminator": ("discriminator.silhouette=true",),
    "band-corrected gradient": ("proxy.gradient=threshold_conditioned+band",),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One training. table, row, column: where its figure stands; shapes: the class whose renders it learns from."""

    table: str
    row: str
    column: str
    shapes: str
    settings: tuple[str, ...]
    seed: int
    data: Path | None = None  # it learns from renders of shapes

    @property
    def title(self) -> str:
        return f"{self.table}, {self.row}, {self.column}"

    @property
    def training(self) -> str:
        """The folder of its training. Cells of several tables that ask for the same settings share one."""
        digest = hashlib.sha256("\n".join(sorted(self.settings)).encode()).hexdigest()[:10]
        return f"{self.shapes}-{self.seed}-{digest}"


def all_cells(seeds: int) -> list[Cell]:
    """Every cell with its first seed before any cell gets its second."""
    return [cell for seed in range(seeds) for cell in _cells(seed)]


def _cells(seed: int) -> list[Cell]:
    cells = [*_table_1(seed), *_table_2(seed), *_table_3(seed), *_options(seed), *_render_net(seed)]
    own = (f"seed={seed}", f"data.first_seed={seed * 100_000}")
    return [Cell(c.table, c.row, c.column, c.shapes, c.settings + own, seed) for c in cells]


def _table_1(seed: int) -> list[Cell]:
    cells = []
    for data_set in SETS:
        for shapes in CLASSES:
            data = (f"data.shapes={shapes}", f'data.set="{data_set}"', *VIEWS[shapes])
            for method, settings in METHODS.items():
                cells.append(Cell("methods", method, f"{shapes} {data_set}", shapes, data + settings, seed))
    data = ("data.shapes=chair", 'data.set="one_per_model"', *VIEWS["lvp"])
    return cells + [Cell("methods", method, "chair lvp", "chair", data + METHODS[method], seed) for method in METHODS]


def _table_2(seed: int) -> list[Cell]:
    """Discriminator output matching, on every gradient path; "continuous" is the paper's recipe."""
    rows = {
        "full": (),
        "no DOM": ("proxy.matching_weight=0.0",),
        "discriminator sees proxy renders": ("discriminator.fakes=proxy",),
        "lambda / 10": ("{tenth}",),
        "lambda x 10": ("{tenfold}",),
        "K = 4 thresholds": ("proxy.matching_thresholds=4",),
    }
    cells = []
    paths = (
        ("continuous", PAPER, 100.0),
        ("threshold-conditioned", (), 1.0),
        ("straight-through", ("proxy.gradient=straight_through",), 1.0),
    )
    for path, base, weight in paths:
        for row, settings in rows.items():
            if "thresholds" in row and path != "continuous":
                continue  # one render is the exact target there
            chosen = tuple(
                f"proxy.matching_weight={weight / 10}"
                if setting == "{tenth}"
                else f"proxy.matching_weight={weight * 10}"
                if setting == "{tenfold}"
                else setting
                for setting in settings
            )
            for shapes in ("chair", "bathtub"):
                cells.append(
                    Cell("matching", row, f"{shapes} {path}", shapes, (*_data_500(shapes), *base, *chosen), seed)
                )
    return cells


def _table_3(seed: int) -> list[Cell]:
    """What the proxy was pre-trained on, trained on with the others or frozen; on the paper's gradient path."""
    cells = []
    for shapes in ("chair", "bathtub"):
        sources = {"same class": shapes, "related class": RELATED[shapes], "tables": "table", "cubes": "cubes"}
        if sources["related class"] == "table":
            del sources["tables"]
        for source, pretrain in sources.items():
            for joint in (True, False):
                settings = (*PAPER, f'proxy.pretrain_shapes=["{pretrain}"]', f"proxy.joint={str(joint).lower()}")
                column = f"{shapes} {'trained on' if joint else 'frozen'}"
                cells.append(Cell("proxy", source, column, shapes, _data_500(shapes) + settings, seed))
    return cells


def _options(seed: int) -> list[Cell]:
    return [
        Cell("options", row, f"{shapes} 500", shapes, _data_500(shapes) + settings, seed)
        for row, settings in OPTIONS.items()
        for shapes in ("chair", "bathtub")
    ]


def _render_net(seed: int) -> list[Cell]:
    """What the paper says of output matching and of pre-training, with a proxy that is a network alone."""
    rows = {
        "full": (),
        "no DOM": ("proxy.matching_weight=0.0",),
        "pre-trained on cubes": ('proxy.pretrain_shapes=["cubes"]',),
        "pre-trained on tables": ('proxy.pretrain_shapes=["table"]',),
        "frozen, the same class": ('proxy.pretrain_shapes=["{own}"]', "proxy.joint=false"),
        "frozen, cubes": ('proxy.pretrain_shapes=["cubes"]', "proxy.joint=false"),
    }
    return [
        Cell(
            "render_net",
            row,
            f"{shapes} 500",
            shapes,
            (*_data_500(shapes), *RENDER_NET, *(setting.format(own=shapes) for setting in settings)),
            seed,
        )
        for row, settings in rows.items()
        for shapes in ("chair", "bathtub")
    ]


def _data_500(shapes: str) -> tuple[str, ...]:
    return (f"data.shapes={shapes}", 'data.set="500"', *VIEWS[shapes])
