# SPDX-License-Identifier: Apache-2.0
"""The feature network behind our KID: a small classifier of Cycles renders of procedural classes.

It needs no download and knows shapes, not textures. Its weights are trained by `scripts/train_feature_classifier.py`
and ship with the package. Figures made with other features do not compare with these.
"""

from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

FEATURES = 64
SIZE = 64
CLASSES = ("chair", "couch", "bathtub", "table", "mushroom", "cubes")


class FeatureClassifier(nn.Module):
    """(grey, alpha) images, linear, premultiplied, any size (resampled to 64^2) -> class logits."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (24, 48, 96, 128)
        layers: list[nn.Module] = []
        inputs = 2
        for width in widths:
            layers += [nn.Conv2d(inputs, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inputs = width
        self.body = nn.Sequential(*layers)
        self.to_features = nn.Linear(inputs * 16, FEATURES)
        self.to_classes = nn.Linear(FEATURES, len(CLASSES))
        # Root mean square of the features on the training images: features are divided by it.
        self.register_buffer("scale", torch.ones(()))

    def raw_features(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B D"]:
        if images.shape[-1] != SIZE:
            images = functional.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)
        return torch.relu(self.to_features(self.body(images).flatten(1)))

    def forward(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B K"]:
        return self.to_classes(self.raw_features(images))

    def features(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B D"]:
        """Features with unit root mean square over the training set."""
        return self.raw_features(images) / self.scale


def load_feature_classifier(path: Path | None = None) -> FeatureClassifier:
    """The classifier with the bundled weights (or those at `path`), in evaluation mode."""
    classifier = FeatureClassifier()
    classifier.load_state_dict(load_file(path or Path(__file__).parent / "weights" / "feature_classifier.safetensors"))
    return classifier.eval().requires_grad_(False)
