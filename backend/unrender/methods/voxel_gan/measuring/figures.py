# SPDX-License-Identifier: Apache-2.0
"""The figures of a set of samples against real ones."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool

from unrender.methods.voxel_gan.measuring.reference import Reference
from unrender.methods.voxel_gan.measuring.samples import Samples
from unrender.metrics.features import ImageFeatures
from unrender.metrics.frechet_distance import frechet_distance
from unrender.metrics.grid_statistics import grid_statistics, mean_statistics
from unrender.metrics.kernel_distance import kernel_distance, kernel_distance_deviation
from unrender.metrics.precision_recall import precision_recall
from unrender.metrics.shape_distances import chamfer_distances, compare_sets, overlap_distances
from unrender.training.work import Work

MOST_COMPARED = 200  # shapes of each side whose distances are taken
_FEWEST_COMPARED = 2
MOST_CARVED = 64  # shapes whose visual hulls are carved
_THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Figures:
    """Takes measures of samples against one reference; the features of the reference are computed once."""

    def __init__(self, reference: Reference, features: ImageFeatures, work: Work, seed: int = 0) -> None:
        self._reference, self.features, self._work, self._seed = reference, features, work, seed
        self._real = features(reference.images)

    def take(self, samples: Samples, threshold: float, metrics: Sequence[str]) -> dict[str, Any]:
        """The figures of every named metric that needs images or shapes, at one threshold."""
        of_shapes: dict[str, Callable[[Samples, float], dict[str, Any]]] = {
            "grids": self._grids,
            "visual-hull": self._visual_hull,
            "fid-over-thresholds": self._over_thresholds,
            "coverage": self._coverage,
        }
        figures = self._of_images(samples, threshold, metrics)
        for name in metrics:
            if name in of_shapes:
                figures |= of_shapes[name](samples, threshold)
        return {name: _rounded(value) for name, value in figures.items()}

    def best_threshold(self, samples: Samples) -> tuple[float, dict[str, float]]:
        """The threshold with the lowest KID to the pictures for validation, and the KID of all that were tried."""
        real = self.features(self._reference.validation)
        tried = {}
        for threshold in _THRESHOLDS:
            tried[threshold] = kernel_distance(self.features(samples.images(threshold)), real)
        best = min(tried, key=lambda threshold: (tried[threshold], abs(threshold - 0.5)))
        return best, {str(threshold): _rounded(value) for threshold, value in tried.items()}

    def _of_images(self, samples: Samples, threshold: float, metrics: Sequence[str]) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        if not {"fid", "kid", "precision-recall"} & set(metrics):
            return figures
        fake = self.features(samples.images(threshold))
        if "fid" in metrics:
            figures["fid"] = frechet_distance(fake, self._real)
        if "kid" in metrics:
            figures |= {
                "kid": kernel_distance(fake, self._real),
                "kid_deviation": kernel_distance_deviation(fake, self._real, seed=self._seed),
            }
        if "precision-recall" in metrics:
            figures |= precision_recall(fake, self._real)._asdict()
        return figures

    def _grids(self, samples: Samples, threshold: float) -> dict[str, Any]:
        assert samples.grids is not None
        return dataclasses.asdict(mean_statistics([grid_statistics(grid, threshold) for grid in samples.grids]))

    def _visual_hull(self, samples: Samples, threshold: float) -> dict[str, Any]:
        assert samples.grids is not None
        figures = {"visual_hull_gap": self._mean_gap(samples.grids[:MOST_CARVED] > threshold)}
        if self._reference.shapes is not None:
            figures["visual_hull_gap_real"] = self._mean_gap(self._reference.grids(MOST_CARVED).numpy())
        return figures

    def _mean_gap(self, grids: Bool[np.ndarray, "N X Y Z"]) -> float | None:
        from unrender.metrics.visual_hull import hull_gap  # compiles for some seconds when it is first used

        gaps = [hull_gap(grids[part.start]) for part in self._work.parts("visual hulls", len(grids), 1)]
        return float(np.nanmean(gaps)) if np.isfinite(gaps).any() else None

    def _over_thresholds(self, samples: Samples, threshold: float) -> dict[str, Any]:
        random = torch.rand(len(samples), generator=torch.Generator().manual_seed(self._seed))
        return {"fid_over_thresholds": frechet_distance(self.features(samples.images(random)), self._real)}

    def _coverage(self, samples: Samples, threshold: float) -> dict[str, Any]:
        assert samples.grids is not None
        solid = torch.from_numpy(samples.grids[:MOST_COMPARED] > threshold)
        generated = solid[solid.flatten(1).any(1)]  # an empty shape is like nothing
        figures: dict[str, Any] = {"coverage_shapes": len(generated)}
        if len(generated) < _FEWEST_COMPARED:
            return figures
        real = self._reference.grids(len(generated))
        generated = generated[: len(real)]
        figures["coverage_shapes"] = len(generated)
        for name, distances in (("iou", overlap_distances), ("chamfer", chamfer_distances)):
            compared = compare_sets(distances(generated, real), distances(generated, generated), distances(real, real))
            figures[f"coverage_{name}"] = compared.coverage
            figures[f"mmd_{name}"] = compared.minimum_matching_distance
            figures[f"1nna_{name}"] = compared.nearest_neighbour_accuracy
        return figures


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
