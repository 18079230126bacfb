# SPDX-License-Identifier: Apache-2.0
"""Scores of whole pictures in colour."""

import torch

from unrender.geometry.conventions import linear_to_srgb
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.metrics.features import as_grey_alpha


def test_colours_become_linear_luminance_and_are_opaque() -> None:
    linear = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    seen = as_grey_alpha(linear_to_srgb(linear))
    expected = 0.2126 * 0.2 + 0.7152 * 0.5 + 0.0722 * 0.8
    torch.testing.assert_close(seen[:, :1], torch.full((1, 1, 2, 2), expected))
    assert torch.equal(seen[:, 1:], torch.ones(1, 1, 2, 2))


def test_other_pictures_score_worse_than_the_same_ones() -> None:
    random = torch.Generator().manual_seed(0)
    real = torch.rand(24, 3, 64, 64, generator=random) * 0.2
    real[:, :, 16:48, 16:48] += 0.7
    evaluation = Evaluation(load_feature_classifier(), real)
    alike = evaluation.score(real.flip(0))
    other = evaluation.score(1.0 - real)
    assert alike["kid"] < 0.1 * other["kid"]
    assert alike["fid"] < 0.1 * other["fid"]
