# SPDX-License-Identifier: Apache-2.0
"""Networks that begin at half the size: what they compute does not change when they grow, and then it can."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from unrender.data.procedural import make_shape
from unrender.geometry.cameras import ViewLaw
from unrender.networks.compositing_proxy import CompositingProxy
from unrender.networks.image_discriminator import ImageDiscriminator
from unrender.networks.image_generator import ImageGenerator
from unrender.networks.render_net import RenderNet
from unrender.networks.voxel_generator import VoxelGenerator


def trained_at_half(network: nn.Module, *inputs: object) -> None:
    """Random steps, as training at half the size takes them."""
    network.halved = True  # type: ignore[assignment]
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad(set_to_none=True)
        network(*inputs).square().sum().backward()
        optimizer.step()


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_grown_generator_makes_the_upsampled_shapes_of_the_small_one() -> None:
    generator = VoxelGenerator(16, 4, (16, 8), grows=True).train()
    z = torch.randn(6, 4)
    trained_at_half(generator, z)
    small, shape = generator.logits(z), generator(z)
    assert shape.shape == (6, 1, 8, 8, 8)
    generator.halved = False
    wanted = functional.interpolate(small, scale_factor=2.0, mode="trilinear", align_corners=False)
    torch.testing.assert_close(generator.logits(z), wanted, atol=1e-5, rtol=0.0)
    assert generator(z).shape == (6, 1, 16, 16, 16)


def test_a_grown_image_generator_makes_the_upsampled_images_of_the_small_one() -> None:
    generator = ImageGenerator(32, 4, (8, 8, 8), grows=True).train()
    z = torch.randn(6, 4)
    trained_at_half(generator, z)
    small = generator(z)
    generator.halved = False
    grown = generator(z)
    assert (small.shape, grown.shape) == ((6, 2, 16, 16), (6, 2, 32, 32))
    logits = torch.logit(small[:, 1:])
    wanted = torch.sigmoid(functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False))
    torch.testing.assert_close(grown[:, 1:], wanted, atol=1e-5, rtol=0.0)


@pytest.mark.parametrize("spectral", [False, True])
def test_a_grown_discriminator_rates_images_as_the_small_one_rates_their_halves(spectral: bool) -> None:
    discriminator = ImageDiscriminator(32, 2, (8, 8, 8), spectral, grows=True)
    images = torch.rand(6, 2, 32, 32)
    halves = functional.avg_pool2d(images, 2)
    trained_at_half(discriminator, halves)
    discriminator.eval()  # a step of spectral norm's iteration would change ratings as well
    small, features = discriminator.rate(halves)
    discriminator.halved = False
    grown, finer = discriminator.rate(images)
    torch.testing.assert_close(grown, small, atol=1e-5, rtol=0.0)
    assert [layer.shape for layer in features] == [layer.shape for layer in finer]


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (VoxelGenerator(16, 4, (16, 8), grows=True), torch.randn(4, 4)),
        (ImageGenerator(32, 4, (8, 8, 8), grows=True), torch.randn(4, 4)),
        (ImageDiscriminator(32, 2, (8, 8, 8), grows=True), torch.rand(4, 2, 32, 32)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_nought_learns_once_it_is_used(network: nn.Module, inputs: torch.Tensor) -> None:
    weights = next(value for value in network.parameters() if value.ndim > 1 and not value.any())
    before = network(inputs).detach()
    target = torch.randn(before.shape)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        (network(inputs) - target).square().sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())
        optimizer.step()
    assert weights.abs().min() > 0.0
    assert not torch.allclose(network(inputs), before)


@pytest.mark.parametrize("proxy", [CompositingProxy(64, 40, "product", 8), RenderNet(64, 4, 1, 2)])
def test_proxies_make_images_of_half_the_size_of_the_same_shape_in_the_same_place(proxy: nn.Module) -> None:
    grid = torch.from_numpy(make_shape("chair", 0, 16)).float()[None, None]
    views = ViewLaw().sample(1, torch.Generator().manual_seed(0))
    whole = proxy(grid, views)
    proxy.halved = True  # type: ignore[assignment]
    small = proxy(grid, views)
    assert small.shape == (1, 2, 32, 32)
    if isinstance(proxy, CompositingProxy):
        alpha = functional.avg_pool2d(whole[:, 1:], 2)
        assert torch.corrcoef(torch.stack([alpha.flatten(), small[:, 1:].flatten()]))[0, 1] > 0.95


def test_a_grown_layer_with_spectral_norm_learns_by_its_factor() -> None:
    discriminator = ImageDiscriminator(32, 2, (8, 8, 8), spectral=True, grows=True)
    images = torch.rand(4, 2, 32, 32)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        (discriminator(images) - torch.tensor([1.0, -1.0, 2.0, -2.0])).square().sum().backward()
        optimizer.step()
    assert discriminator.gain is not None
    assert discriminator.gain.abs() > 1e-3
    gradient = dict(discriminator.named_parameters())["convolutions.0.parametrizations.weight.original"].grad
    assert gradient is not None
    assert gradient.abs().max() > 0.0
