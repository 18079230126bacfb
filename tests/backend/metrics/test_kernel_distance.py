# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.metrics.feature_classifier import CLASSES, FEATURES, load_feature_classifier
from unrender.metrics.frechet_distance import GivenFeatures
from unrender.metrics.kernel_distance import kernel_distance, kernel_distance_deviation


def test_equals_the_definition_on_tiny_sets() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    b = torch.tensor([[0.0, 1.0], [2.0, 2.0]])

    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        return (float(x @ y) / 2 + 1) ** 3

    within_a = sum(kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / 6
    within_b = sum(kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / 2
    between = sum(kernel(x, y) for x in a for y in b) / 6
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * between)


def test_is_near_nought_for_one_distribution_and_grows_with_the_shift() -> None:
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(600, 8, generator=random), torch.randn(600, 8, generator=random)
    same, near, far = (kernel_distance(a + shift, b) for shift in (0.0, 0.5, 1.0))
    assert abs(same) < 0.03
    assert same < near < far


def test_equals_torchmetrics_on_sets_of_one_size() -> None:
    from torchmetrics.image.kid import KernelInceptionDistance

    random = torch.Generator().manual_seed(1)
    a, b = torch.randn(40, 8, generator=random).double(), torch.randn(40, 8, generator=random).double() + 0.5
    metric = KernelInceptionDistance(feature=GivenFeatures(8), subsets=1, subset_size=40)
    metric.update(a, real=False)
    metric.update(b, real=True)
    assert kernel_distance(a, b) == pytest.approx(float(metric.compute()[0]), rel=1e-9)


def test_the_deviation_shrinks_with_more_images_and_leaves_the_random_state_alone() -> None:
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(800, 4, generator=random), torch.randn(800, 4, generator=random)
    state = torch.random.get_rng_state()
    few, many = kernel_distance_deviation(a[:50], b[:50]), kernel_distance_deviation(a, b)
    assert few > 2 * many > 0.0
    assert torch.equal(state, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="halves"):
        kernel_distance_deviation(a[:3], b)


def test_bundled_classifier_tells_a_tub_from_a_table() -> None:
    from unrender.data.procedural import make_shape
    from unrender.geometry.cameras import ViewLaw
    from unrender.geometry.lighting import IGGAN_LIGHTING
    from unrender.methods.voxel_gan.black_box import discriminator_images
    from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer

    classifier = load_feature_classifier()
    right = 0
    for name in ("bathtub", "table"):
        grid = torch.stack([torch.from_numpy(make_shape(name, seed, 32)) for seed in range(8)])[:, None]
        views = ViewLaw(elevation_degrees=(20.0, 50.0)).sample(8, torch.Generator().manual_seed(1))
        rendered = RayMarchRenderer(64, supersampling=1).render(grid, views, IGGAN_LIGHTING)
        images = discriminator_images(rendered, "linear")
        assert classifier.features(images).shape == (8, FEATURES)
        right += int((classifier(images).argmax(1) == CLASSES.index(name)).sum())
    assert right >= 13, "trained on Cycles renders, it should know most of these"
