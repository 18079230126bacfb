# SPDX-License-Identifier: Apache-2.0
import torch

from unrender.metrics.features import ImageFeatures, as_grey_alpha


def test_colour_pictures_are_seen_as_their_luminance_on_an_opaque_frame() -> None:
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features = ImageFeatures("srgb")
    assert torch.equal(features(pictures), features(as_grey_alpha(pictures)))
    assert features(pictures).shape == (3, 128)
