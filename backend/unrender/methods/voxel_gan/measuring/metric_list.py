# SPDX-License-Identifier: Apache-2.0
"""The measures by name: what each says, and where it cannot be taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unrender.errors import ConfigurationError
from unrender.methods.voxel_gan.config import VoxelGanConfig

ALL = "all"
DEFAULT = ("fid", "kid", "grids")


@dataclass(frozen=True, slots=True)
class Metric:
    """needs: images only; generated shapes; real shapes as well; or the networks of a training with a proxy."""

    needs: Literal["images", "shapes", "real shapes", "proxy"]
    meaning: str


METRICS = {
    "fid": Metric(
        "images",
        "Frechet distance of the images' features to those of real ones; lower is better. Biased upwards by few "
        "images: compare only equal counts",
    ),
    "kid": Metric(
        "images",
        "Kernel distance of the same features, unbiased; about 0 is ideal. kid_deviation: over halves of the images",
    ),
    "precision-recall": Metric(
        "images", "Share of the generated images that look real; share of the real ones that are covered"
    ),
    "grids": Metric(
        "shapes",
        "Voxels above the threshold; undecided ones between .1 and .9; connected pieces; volume outside the largest "
        "piece (floaters); shapes without any voxel",
    ),
    "visual-hull": Metric(
        "shapes",
        "Volume that 64 silhouettes cannot carve away, over the volume of the shape: 0 for convex solids, large for "
        "tubs; _real is that of real shapes",
    ),
    "fid-over-thresholds": Metric("shapes", "FID with a random threshold for every shape, as in training"),
    "coverage": Metric(
        "real shapes",
        "Against held-out shapes, by overlap (1 - IoU) and by Chamfer distance, at the best of 24 turns about Z: share "
        "of the real ones that some generated one is nearest to; mean distance to the nearest one (mmd); how well a "
        "nearest neighbour tells the two apart (1nna: .5 is ideal, 1 is worst)",
    ),
    "proxy": Metric("proxy", "PSNR of the proxy's images of binary shapes against the black box's, in decibels"),
    "band-audit": Metric("proxy", "The proxy's gradient against the exact one, summed over bands of occupancy"),
}

FIGURES = {
    "fid": "Frechet distance to real pictures; lower is better, few pictures make it larger",
    "kid": "kernel distance to real pictures; about 0 is ideal",
    "kid_deviation": "of the kernel distance over random halves of the pictures",
    "precision": "share of the samples that look real",
    "recall": "share of the real pictures that samples cover",
    "full_share": "voxels above the threshold",
    "grey_share": "undecided voxels, between .1 and .9",
    "pieces": "connected pieces per shape",
    "floater_share": "volume outside the largest piece",
    "empty_share": "shapes without any voxel",
    "visual_hull_gap": "hollows that 64 silhouettes do not show, over the volume",
    "visual_hull_gap_real": "the same of real shapes",
    "fid_over_thresholds": "FID with a random threshold for every shape",
    "coverage_shapes": "shapes of each side that the next six compare",
    "coverage_iou": "share of real shapes that are the nearest of some sample, by overlap",
    "mmd_iou": "1 - IoU of real shapes and their nearest sample",
    "1nna_iou": "how well the nearest neighbour tells real from generated: .5 is ideal, 1 is worst",
    "coverage_chamfer": "the same three by Chamfer distance",
    "mmd_chamfer": "",
    "1nna_chamfer": "",
    "proxy_psnr": "the proxy's images against the black box's, dB",
}
"""What a figure of a record says, in a few words."""


def chosen_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """Names in the order of the list, `all` for all of them; raises ConfigurationError for an unknown one."""
    unknown = [name for name in names if name not in METRICS and name != ALL]
    if unknown or not names:
        raise ConfigurationError(
            f"There is no metric {unknown[0]!r}." if unknown else "No metric was named.",
            f"Metrics: {', '.join(METRICS)}; or {ALL}.",
        )
    return tuple(METRICS) if ALL in names else tuple(name for name in METRICS if name in names)


def obstacle(name: str, config: VoxelGanConfig, trained: bool, real_shapes: bool) -> str:
    """Why a metric cannot be taken of a model, or nothing. trained: whether the training's checkpoint is there.
    real_shapes: whether the shapes on the real images are known."""
    needs = METRICS[name].needs
    if needs == "images":
        return ""
    if config.route == "image":
        return 'the model makes images (route = "image") and has no shapes'
    if needs == "real shapes" and not real_shapes:
        return "the shapes on the pictures are not known; name some with --shapes"
    if needs == "proxy" and config.route != "proxy":
        return f"the model has no proxy (route = {config.route!r})"
    if needs == "proxy" and not trained:
        return "a bundled model has only its generator; name the folder of a run"
    return ""
