# SPDX-License-Identifier: Apache-2.0
"""The measures by name: what each says, and what it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unrender.errors import ConfigurationError

ALL = "all"
DEFAULT = ("fid", "kid", "monitors", "identity")


@dataclass(frozen=True, slots=True)
class Metric:
    """needs: the model alone; real pictures; or renders of objects whose shapes are known."""

    needs: Literal["model", "pictures", "known objects"]
    meaning: str


METRICS = {
    "fid": Metric(
        "pictures",
        "Frechet distance of features of whole pictures to those of real ones; lower is better. Biased upwards by few "
        "pictures: compare only equal counts",
    ),
    "kid": Metric(
        "pictures",
        "Kernel distance of the same features, unbiased; about 0 is ideal. kid_deviation: over halves of the pictures",
    ),
    "precision-recall": Metric(
        "pictures", "Share of the generated pictures that look real; share of the real ones that are covered"
    ),
    "monitors": Metric(
        "model",
        "What a degenerate solution shows in: share of the frame that the object covers (background as object), its "
        "depth over its width (flat), how much a view changes the picture (view collapse), how far the shape is from "
        "filling its outline (hollow)",
    ),
    "identity": Metric(
        "model",
        "Whether identity stays while the view turns all round (features of one object against those of others), and "
        "whether objects face the same way when identity changes",
    ),
    "shape": Metric(
        "known objects",
        "Pictures are inverted and the depth and the solid that the generator sees behind them compared with the known "
        "ones; and generated shapes with others of the class; each beside a sphere of the right size",
    ),
}

FIGURES = {
    "fid": "Frechet distance to real pictures; lower is better, few pictures make it larger",
    "kid": "kernel distance to real pictures; about 0 is ideal",
    "kid_deviation": "of the kernel distance over random halves of the pictures",
    "precision": "share of the samples that look real",
    "recall": "share of the real pictures that samples cover",
    "identity_within": "cosine of features of one object from two sides",
    "identity_between": "cosine of features of two objects from two sides",
    "identity_share": "of the features' variance that is between objects: 1 where turning changes nothing",
    "identity_recall": "how often the nearest picture from another side shows the same object",
    "identity_colour_share": "the last two, of colours in 4 x 4 cells of the frame",
    "identity_colour_recall": "",
    "view_agreement": "how alike the normals of two objects are from the same side",
    "view_turned": "the same from different sides",
    "view_turn_degrees": "median turn at which two objects are most alike: 0 where all face the same way, 90 by chance",
    "shape_pictures": "pictures that were inverted",
    "shape_colour_error": "root mean square of the inverted pictures' differences of colour",
    "shape_depth_error": "median error of depth, in sides of the picture, up to scale and distance",
    "shape_depth_error_sphere": "the same of the sphere that fits the mask",
    "shape_depth_error_flat": "the same of a flat depth",
    "shape_iou": "IoU of the solids behind the pictures, as the camera sees them",
    "shape_iou_sphere": "the same of the sphere that fits the mask",
    "shape_beats_sphere": "share of the pictures whose solid is nearer than the sphere",
    "shape_mask_iou": "IoU of the masks",
    "set_shapes": "shapes of each side that the next compare",
    "set_coverage_iou": "share of the objects that are the nearest of some generated shape, by overlap",
    "set_mmd_iou": "1 - IoU of objects and their nearest generated shape",
    "set_1nna_iou": "how well the nearest neighbour tells real from generated: .5 is ideal, 1 is worst",
    "set_sphere_iou": "1 - IoU of objects and spheres of their volumes",
    "set_coverage_chamfer": "the same four by Chamfer distance",
    "set_mmd_chamfer": "",
    "set_1nna_chamfer": "",
    "set_sphere_chamfer": "",
}
"""What a figure of a record says, in a few words."""


def possible_metrics(
    asked: Sequence[str], has_pictures: bool, knows_objects: bool
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics to take, and those that cannot be taken with the reason: of "all" and of the default ones, these are
    left out. Raises ConfigurationError for an unknown name, and for one that was asked for and cannot be taken."""
    unknown = [name for name in asked if name not in METRICS and name != ALL]
    if unknown or not asked:
        raise ConfigurationError(
            f"There is no metric {unknown[0]!r} of a textured-mesh GAN." if unknown else "No metric was named.",
            f"Metrics: {', '.join(METRICS)}; or {ALL}.",
        )
    names = tuple(METRICS) if ALL in asked else tuple(name for name in METRICS if name in asked)
    skipped = {}
    for name in names:
        needs = METRICS[name].needs
        if needs != "model" and not has_pictures:
            skipped[name] = "no pictures to compare with were named; add --data FOLDER"
        elif needs == "known objects" and not knows_objects:
            skipped[name] = (
                "the folder does not say which shapes its pictures show; name one of unrender render-dataset"
            )
    if skipped and ALL not in asked and tuple(asked) != DEFAULT:
        name, reason = next(iter(skipped.items()))
        raise ConfigurationError(
            f"The metric {name!r} cannot be taken: {reason}.", f"Leave it away, or ask for {ALL!r}."
        )
    return tuple(name for name in names if name not in skipped), skipped
