# SPDX-License-Identifier: Apache-2.0
"""The feature network behind our FID and KID: a classifier of Cycles renders of the procedural classes.

It needs no download and knows shapes, not textures. Its weights are trained by `scripts/train_feature_classifier.py`
and ship with the package. Figures made with other features do not compare with these: `feature_name` says which.
"""

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

FEATURES = 128
SIZE = 64
_WEIGHTS = Path(__file__).parent / "weights" / "feature_classifier.safetensors"


class FeatureClassifier(nn.Module):
    """(grey, alpha) images, linear, premultiplied, any size (resampled to 64^2) -> class logits."""

    scale: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = (32, 64, 128, 192)
        self.stem = nn.Sequential(nn.Conv2d(2, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.body = nn.Sequential(*(_Block(*pair) for pair in itertools.pairwise(widths)))
        self.to_features = nn.Linear(widths[-1] * 16, FEATURES)
        self.to_classes = nn.Linear(FEATURES, classes)
        # Root mean square of the features on the training images: features are divided by it.
        self.register_buffer("scale", torch.ones(()))

    def raw_features(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B D"]:
        hidden = self.body(self.stem(resampled(images)))
        return torch.relu(self.to_features(hidden.flatten(1)))

    def forward(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B K"]:
        return self.to_classes(self.raw_features(images))

    def features(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B D"]:
        """Features with unit root mean square over the training set."""
        return self.raw_features(images) / self.scale


class _Block(nn.Module):
    """A residual block that halves the image."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(hidden)))
        return torch.relu(self.second_norm(self.second(inner)) + self.shortcut(functional.avg_pool2d(hidden, 2)))


def resampled(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C S S"]:
    """Images at the size that the classifier looks at, by antialiased bilinear resampling."""
    if images.shape[-1] == SIZE:
        return images
    return functional.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)


def load_feature_classifier(path: Path | None = None) -> FeatureClassifier:
    """The classifier with the bundled weights (or those at `path`), in evaluation mode."""
    classifier = FeatureClassifier(len(classifier_facts(path)["classes"]))
    classifier.load_state_dict(load_file(path or _WEIGHTS))
    return classifier.eval().requires_grad_(False)


def classifier_facts(path: Path | None = None) -> dict[str, Any]:
    """What the weights were trained on and how good they are: classes, accuracy held out, by class and by scale."""
    with safe_open(path or _WEIGHTS, "pt") as file:
        return json.loads(file.metadata()["facts"])


def feature_name() -> str:
    """A short name of these features, for the records: it changes with the weights."""
    return "shapes-" + hashlib.sha256(_WEIGHTS.read_bytes()).hexdigest()[:8]
