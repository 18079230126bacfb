# SPDX-License-Identifier: Apache-2.0
"""Adaptive augmentation in the game: how often it happens, and what it does to the images of a step."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from unrender.losses.augmentation import AdaptiveProbability, Augmentation, draw_augmentation
from unrender.training.devices import Devices

_SHARE = 0.1  # of all images takes the probability from 0 to 1; ADA's fiftieth is for runs a thousand times as long
_FIRST_TAG = 4  # of the random streams that follow from the seed and a step


@runtime_checkable  # so that annotations can be checked in the tests
class AugmentedGame(Protocol):
    """What a method's settings say of augmentation."""

    @property
    def seed(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def total_images(self) -> int: ...
    @property
    def augmentation_target(self) -> float: ...


class Augmenter:
    """Draws the transformations of a step; does nothing with `augmentation_target = 0`.

    They follow from (seed, step, update), so that a resumed run draws the very same; only the probability is state.

    flips: whether images may be mirrored, as they may where light and views are their own mirror images.
    """

    def __init__(self, config: AugmentedGame, flips: bool, devices: Devices) -> None:
        self._seed, self._count, self._devices = config.seed, config.batch_size, devices
        self._flips = flips
        self._probability: AdaptiveProbability | None = None
        if config.augmentation_target > 0.0:
            images = max(round(_SHARE * config.total_images), 1)
            self._probability = AdaptiveProbability(config.augmentation_target, images)

    @property
    def probability(self) -> float | None:
        """Of each operation on each image; None if nothing is ever augmented."""
        return None if self._probability is None else self._probability.value

    def draw(self, step: int, update: int, size: int) -> Augmentation | None:
        """The transformations of this process' share of a batch of `size`^2 images; None if there are none.

        update: 0 for what is shown to the discriminator (and matched by a proxy), 1 for what teaches the generator.
        """
        if not self.probability:
            return None
        rng = np.random.default_rng((self._seed, _FIRST_TAG + update, step))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        drawn = draw_augmentation(self._count, size, self.probability, generator, self._flips)
        return drawn[self._devices.share(torch.arange(self._count))]

    def observe(self, mean_sign: float) -> None:
        """Take note of the mean sign of the discriminator's opinion on the real images of a step."""
        if self._probability is not None:
            self._probability.update(mean_sign, self._count)

    def state_dict(self) -> dict[str, Any]:
        return {"probability": self.probability}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue with the probability that was saved; one that was not augmented begins at 0."""
        if self._probability is not None:
            self._probability.value = state["probability"] or 0.0
