# SPDX-License-Identifier: Apache-2.0
"""The ways in which such a training fails without a number being infinite, each with what cures it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig


@dataclass(frozen=True, slots=True)
class Failure:
    """Shown by a statistic beyond a bound, and said with its value."""

    statistic: str
    is_so: Callable[[float], bool]
    said: str


FAILURES = {
    "object as background": Failure(
        "mask_area",
        lambda value: value > 0.9,
        "the object has become the background: it takes {value:.2f} of the frame (0.1 to 0.9 was expected)",
    ),
    "background as object": Failure(
        "mask_area",
        lambda value: value < 0.1,
        "the background has become the object, which takes {value:.3f} of the frame (0.1 to 0.9 was expected)",
    ),
    "flat": Failure(
        "depth_range",
        lambda value: value < 0.2,
        "shapes are flat: their depth is {value:.2f} of their width (at least 0.2 was expected)",
    ),
    "hollow": Failure(
        "hollowness",
        lambda value: value > 0.8,
        "shapes are hollow: they lack {value:.2f} of their convex hull (at most 0.8 was expected)",
    ),
    "view collapse": Failure(
        "view_variance",
        lambda value: value < 1e-5,
        "all views of an object look the same: their variance is {value:.1e} (at least 1e-05 was expected)",
    ),
    "one picture": Failure(
        "diversity",
        lambda value: value < 1e-3,
        "all pictures are the same: their standard deviation is {value:.1e} (at least 1e-03 was expected)",
    ),
}


class CollapseWatch:
    """Counts for how many images each failure has lasted; a statistic that a step does not have is as it was."""

    def __init__(self, config: TexturedMeshGanConfig) -> None:
        self._config = config
        self._images = dict.fromkeys(FAILURES, 0)

    @property
    def is_well(self) -> bool:
        """Whether nothing is failing at present."""
        return not any(self._images.values())

    def complaint(self, statistics: Mapping[str, float]) -> str | None:
        """A sentence once a failure has lasted for `watch.patience_images`."""
        patience = self._config.watch.patience_images
        for name, failure in FAILURES.items():
            value = statistics.get(failure.statistic)
            if value is None:
                continue
            is_so = failure.is_so(value)
            every = 1 if failure.statistic == "diversity" else self._config.watch.interval
            self._images[name] = self._images[name] + every * self._config.batch_size if is_so else 0
            if is_so and 0 < patience <= self._images[name]:
                said = failure.said.format(value=value)
                return f"for {self._images[name]} images {said}; {self._advice(name)}"
        return None

    def _advice(self, name: str) -> str:
        config = self._config
        if name in ("object as background", "background as object") and not config.background.moves:
            return "set background.moves=true, so that a background cannot look like an object"
        if name == "object as background" and not config.generator.size_constraint:
            return "set generator.size_constraint=true, so that an object cannot fill the frame"
        if name in ("flat", "hollow", "view collapse") and not config.views.goes_around:
            return "widen views.azimuth_degrees, if the pictures show objects from more sides"
        if name in ("flat", "hollow") and not config.generator.pyramid:
            return "set generator.pyramid=true, so that shapes move as wholes first"
        if config.renderer.silhouette == "none":
            return 'set renderer.silhouette="soft_skirt", so that outlines have gradients'
        if name == "one picture":
            return "raise discriminator.r1_gamma, or set augmentation_target=0.6"
        return "raise discriminator.r1_gamma, or lower discriminator.learning_rate"

    def state_dict(self) -> dict[str, int]:
        return dict(self._images)

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._images |= state
