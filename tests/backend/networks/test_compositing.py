# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.networks.compositing import composite, composite_reference, compositing_weights


def random_fields(seed: int, resolution: int = 12) -> torch.Tensor:
    fields = torch.rand(3, 4, *[resolution] * 3, generator=torch.Generator().manual_seed(seed))
    fields[:, 0] = (1.4 * fields[:, 0] - 0.6).clamp(0.0, 1.0)
    return fields


def cameras(count: int = 3, seed: int = 0) -> Cameras:
    return ViewLaw(elevation_degrees=(-80.0, 80.0)).sample(count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("mode", ["product", "max"])
def test_fused_kernel_equals_reference_in_values_and_gradients(mode: str) -> None:
    fields = random_fields(1)
    fused, reference = fields.clone().requires_grad_(True), fields.clone().requires_grad_(True)
    a = composite(fused, cameras(), 20, 17, mode)
    b = composite_reference(reference, cameras(), 20, 17, mode)
    torch.testing.assert_close(a, b, atol=1e-4 if mode == "product" else 1e-5, rtol=1e-5)
    upstream = torch.randn(a.shape, generator=torch.Generator().manual_seed(2))
    a.backward(upstream)
    b.backward(upstream)
    torch.testing.assert_close(fused.grad, reference.grad, atol=1e-3 if mode == "product" else 1e-4, rtol=1e-4)


@pytest.mark.parametrize("mode", ["product", "max"])
def test_fused_gradient_equals_finite_differences(mode: str) -> None:
    fields = random_fields(3, 6)[:1].requires_grad_(True)
    camera = cameras(1, 4)
    weight = torch.randn(1, 5, 8, 8, generator=torch.Generator().manual_seed(5))
    (weight * composite(fields, camera, 8, 8, mode)).sum().backward()
    assert fields.grad is not None
    inside = [tuple(index) for index in torch.nonzero((fields > 0.05) & (fields < 0.95)).tolist()]
    chosen = [index for index in inside if index[1] == 0 and min(index[2:]) > 1 and max(index[2:]) < 5][:4]
    chosen += [index for index in inside if index[1] == 2 and index[2:] == (3, 3, 2)] + [(0, 3, 2, 2, 2)]
    assert len(chosen) >= 5
    for index in chosen:
        step = 2e-3 if index[1] == 0 else 1e-2
        up, down = fields.detach().clone(), fields.detach().clone()
        up[index] += step
        down[index] -= step
        values = [(weight * composite_reference(f, camera, 8, 8, mode)).double().sum() for f in (up, down)]
        expected = float(values[0] - values[1]) / (2 * step)
        assert fields.grad[index].item() == pytest.approx(expected, rel=0.05, abs=0.02)


def test_max_weights_are_first_hit_probabilities_of_a_global_threshold() -> None:
    ray = torch.tensor([0.0, 0.3, 0.1, 0.7, 0.7, 0.9, 0.2]).view(1, 1, -1, 1, 1)
    weights = compositing_weights(ray, "max").flatten()
    thresholds = torch.linspace(0, 1, 100_001)[:-1] + 5e-6
    solid = ray.flatten()[None] > thresholds[:, None]
    first = torch.where(solid.any(1), solid.int().argmax(1), -1)
    measured = torch.stack([(first == k).float().mean() for k in range(len(weights))])
    torch.testing.assert_close(weights, measured, atol=2e-5, rtol=0)


def test_product_weights_are_first_hit_probabilities_of_independent_voxels() -> None:
    ray = torch.tensor([0.5, 0.5, 1.0, 0.5]).view(1, 1, -1, 1, 1)
    assert compositing_weights(ray, "product").flatten().tolist() == [0.5, 0.25, 0.25, 0.0]


def test_a_full_slab_is_opaque_and_its_front_is_where_it_stands() -> None:
    fields = torch.zeros(1, 4, 16, 16, 16)
    fields[:, 0, :, 4:12] = 1.0  # y from -0.25 to 0.25, seen from -Y
    camera = Cameras(torch.zeros(1), torch.zeros(1), width=0.5)
    image = composite(fields, camera, 8, 64, "product")
    torch.testing.assert_close(image[0, 4], torch.ones(8, 8), atol=1e-3, rtol=0)
    # The trilinear ramp is one voxel wide around the true front at +0.25.
    assert image[0, 3].mean().item() == pytest.approx(0.25, abs=0.04)
