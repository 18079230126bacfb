# SPDX-License-Identifier: Apache-2.0
"""The two feature networks that images can be measured with, behind one call."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.data.image_folder import LUMINANCE
from unrender.geometry.conventions import srgb_to_linear
from unrender.metrics.feature_classifier import FeatureClassifier, feature_name, load_feature_classifier
from unrender.metrics.inception import InceptionFeatures

_BATCH = 64


class ImageFeatures:
    """Features of (grey, alpha) images, or of opaque pictures of three sRGB-encoded colours: of our shape classifier,
    which sees no hue, or of Inception where its weights are given.

    encoding: of channel 0 of (grey, alpha) images, "linear" or "srgb". Raises ConfigurationError as
    `InceptionFeatures`.
    """

    def __init__(
        self, encoding: str, inception: Path | None = None, classifier: FeatureClassifier | None = None
    ) -> None:
        self.name = feature_name() if inception is None else "inception-2048"
        self._encoding = encoding
        self._inception = None if inception is None else InceptionFeatures(inception)
        self._classifier = classifier or load_feature_classifier()

    @torch.no_grad()
    def __call__(self, images: Float[Tensor, "B 2 H W"] | Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        return torch.cat([self._of_part(part) for part in images.float().split(_BATCH)])

    def _of_part(self, images: Tensor) -> Tensor:
        if self._inception is not None:
            return self._inception(images, self._encoding)
        return self._classifier.features(as_grey_alpha(images) if images.shape[1] == 3 else images)


def as_grey_alpha(pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 2 H W"]:
    """Opaque pictures of sRGB-encoded colours as what the classifier takes: their linear luminance, and an alpha of 1.

    The classifier was trained on objects over black, and sees no colours: distances between such pictures tell shape,
    place and brightness, not hue.
    """
    linear = srgb_to_linear(pictures.float())
    grey = (linear * torch.from_numpy(LUMINANCE).to(linear).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    return torch.cat([grey, torch.ones_like(grey)], dim=1)
