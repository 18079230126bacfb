# SPDX-License-Identifier: Apache-2.0
"""Runs that are dead without a number being infinite: they are stopped, and said to be."""

from collections.abc import Mapping

_EMPTY_SHARE = 1e-4  # a shape with fewer full voxels than this at t = 0.5 counts as empty; so does a picture's alpha
_SAME_SPREAD = 1e-6  # mean standard deviation over a batch below which all of it counts as the same
_PATIENCE_IMAGES = 9_600  # images before it counts as a collapse: runs start empty

_ADVICE = {
    "proxy": 'lower discriminator.learning_rate, or set proxy.gradient = "straight_through" or proxy.compositing = '
    '"max"',
    "other": "lower discriminator.learning_rate",
}


class CollapseWatch:
    """Counts for how long everything has been empty or the same."""

    def __init__(self, route: str, batch_size: int) -> None:
        self._batch_size, self._thing = batch_size, "images" if route == "image" else "shapes"
        # Closed forms see faint hazes: a grid that is empty at t = 0.5 makes images all the same.
        self._fullness = "occupancy" if route == "proxy" else "coverage"
        self._advice = _ADVICE["proxy" if route == "proxy" else "other"]
        self._images = {"empty": 0, "same": 0}

    @property
    def is_well(self) -> bool:
        """Whether nothing is empty or the same at present."""
        return not any(self._images.values())

    def complaint(self, statistics: Mapping[str, float]) -> str | None:
        """A sentence once a state of death has lasted. Reads `occupancy` or `coverage`, and `diversity`."""
        for state, is_so in (
            ("empty", statistics.get(self._fullness, 1.0) <= _EMPTY_SHARE),
            ("same", statistics.get("diversity", 1.0) <= _SAME_SPREAD),
        ):
            self._images[state] = self._images[state] + self._batch_size if is_so else 0
        for state, said in (("empty", f"empty {self._thing}"), ("same", f"the same {self._thing[:-1]} for every z")):
            if self._images[state] >= _PATIENCE_IMAGES:
                return f"the generator has made {said} for {self._images[state]} images: {self._advice}"
        return None

    def state_dict(self) -> dict[str, int]:
        return dict(self._images)

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._images |= state
