# SPDX-License-Identifier: Apache-2.0
"""Scores of generated images against real ones."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.data.training_pictures import spread
from unrender.metrics.feature_classifier import FeatureClassifier
from unrender.metrics.features import as_grey_alpha
from unrender.metrics.frechet_distance import frechet_distance
from unrender.metrics.kernel_distance import kernel_distance

_MOST_REAL = 1000

Images = Float[Tensor, "N 2 H W"] | Float[Tensor, "N 3 H W"]
"""(grey, alpha) images, or opaque pictures of three sRGB-encoded colours."""


class Evaluation:
    """KID and FID with the features of the shape classifier; the real features are computed once."""

    def __init__(self, classifier: FeatureClassifier, real: Images) -> None:
        self._classifier = classifier
        # Evenly spread over the set, which is sorted by name: no class or folder is left out.
        self._real = self._features(real[spread(len(real), _MOST_REAL)])

    def score(self, images: Images) -> dict[str, float]:
        """`{"kid": ..., "fid": ...}` of images against the training images. The FID is biased upwards by how few the
        images are: it compares within a run, and with runs that evaluate as many."""
        features = self._features(images)
        return {"kid": kernel_distance(features, self._real), "fid": frechet_distance(features, self._real)}

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        seen = as_grey_alpha(images) if images.shape[1] == 3 else images
        return torch.cat([self._classifier.features(part) for part in seen.split(64)])
