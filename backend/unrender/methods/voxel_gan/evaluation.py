# SPDX-License-Identifier: Apache-2.0
"""Scores of generated images against the training images."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.metrics.feature_classifier import FeatureClassifier
from unrender.metrics.kernel_distance import kernel_distance

_MOST_REAL = 1000


class Evaluation:
    """KID with the features of the shape classifier; the real features are computed once."""

    def __init__(self, classifier: FeatureClassifier, real: Float[Tensor, "N 2 H W"]) -> None:
        self._classifier = classifier
        # Evenly spread over the set, which is sorted by name: no class or folder is left out.
        chosen = torch.linspace(0, len(real) - 1, min(len(real), _MOST_REAL)).round().long()
        self._real = self._features(real[chosen])

    def score(self, images: Float[Tensor, "B 2 H W"]) -> dict[str, float]:
        """`{"kid": ...}` of images against the training images."""
        return {"kid": kernel_distance(self._features(images), self._real)}

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        return torch.cat([self._classifier.features(part) for part in images.split(64)])
