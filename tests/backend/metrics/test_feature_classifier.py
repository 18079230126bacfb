# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import torch

from unrender.data.procedural import CLASSES, make_shape
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.methods.voxel_gan.pictures.black_box import discriminator_images
from unrender.metrics import feature_classifier
from unrender.metrics.feature_classifier import (
    FEATURES,
    SIZE,
    classifier_facts,
    feature_name,
    load_feature_classifier,
    resampled,
)
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer


def _renders(name: str, count: int, resolution: int, size: int) -> torch.Tensor:
    grid = torch.stack([torch.from_numpy(make_shape(name, seed, resolution)) for seed in range(count)])[:, None]
    views = ViewLaw(elevation_degrees=(15.0, 50.0)).sample(count, torch.Generator().manual_seed(1))
    return discriminator_images(RayMarchRenderer(size, supersampling=1).render(grid, views, IGGAN_LIGHTING), "linear")


def test_the_bundled_weights_know_every_class_and_say_how_well() -> None:
    facts = classifier_facts()
    assert tuple(facts["classes"]) == tuple(name for name in CLASSES if name != "car")  # which came later
    assert len(facts["classes"]) >= 10
    assert facts["accuracy"] >= 0.95
    assert min(facts["accuracy_by_class"].values()) >= 0.9
    assert min(facts["accuracy_by_scale"].values()) >= 0.95
    weights = Path(feature_classifier.__file__).parent / "weights" / "feature_classifier.safetensors"
    assert weights.stat().st_size < 15e6


def test_it_knows_shapes_of_another_renderer_too() -> None:
    classifier = load_feature_classifier()
    right = 0
    for name in ("bathtub", "airplane", "mug", "bottle"):
        images = _renders(name, 6, 32, 64)
        assert classifier.features(images).shape == (6, FEATURES)
        right += int((classifier(images).argmax(1) == CLASSES.index(name)).sum())
    assert right >= 20, "trained on Cycles renders, it should know most of these 24"


def test_images_of_any_size_are_looked_at_alike() -> None:
    classifier = load_feature_classifier()
    small, large = (classifier.features(_renders("bathtub", 8, 32, size)) for size in (64, 128))
    other = classifier.features(_renders("lamp", 8, 32, 64))
    assert (small - large).norm() < 0.5 * (small - other).norm()
    image = torch.rand(1, 2, 32, 32)
    assert resampled(image).shape == (1, 2, SIZE, SIZE)
    torch.testing.assert_close(
        resampled(image), torch.nn.functional.interpolate(image, (SIZE, SIZE), mode="bilinear"), atol=1e-5, rtol=0.0
    )


def test_the_name_of_the_features_follows_from_the_weights() -> None:
    assert feature_name().startswith("shapes-")
    assert len(feature_name()) == len("shapes-") + 8
