# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest
import torch

from unrender.geometry.cameras import ViewLaw
from unrender.networks.compositing_proxy import CompositingProxy
from unrender.networks.image_discriminator import ImageDiscriminator
from unrender.networks.render_net import RenderNet
from unrender.networks.voxel_generator import VoxelGenerator


def test_generator_fills_the_ball_and_nothing_else() -> None:
    torch.manual_seed(0)
    grid = VoxelGenerator(16, 8, (16, 8))(torch.randn(4, 8))
    assert grid.shape == (4, 1, 16, 16, 16)
    assert 0.0 <= grid.min() <= grid.max() <= 1.0
    assert grid[:, 0, 0, 0, 0].eq(0.0).all()
    assert grid[:, 0, 8, 8, 8].gt(0.0).all()
    assert grid.mean() < 0.25, "a fresh generator starts mostly empty"


def test_generator_rejects_widths_that_do_not_build_the_resolution() -> None:
    with pytest.raises(ValueError, match="16"):
        VoxelGenerator(32, 8, (16, 8))


def test_discriminator_scores_each_image_by_itself() -> None:
    torch.manual_seed(0)
    discriminator = ImageDiscriminator(32, 2, (8, 8, 8), spectral=True).eval()
    images = torch.rand(5, 2, 32, 32)
    alone = torch.cat([discriminator(image[None]) for image in images])
    torch.testing.assert_close(discriminator(images), alone, atol=1e-5, rtol=1e-4)


def test_features_are_what_the_logits_are_made_of() -> None:
    torch.manual_seed(0)
    discriminator = ImageDiscriminator(32, 2, (4, 6, 8))
    images = torch.rand(3, 2, 32, 32)
    logits, features = discriminator.rate(images)
    assert [tuple(layer.shape[1:]) for layer in features] == [(4, 16, 16), (6, 8, 8), (8, 4, 4)]
    torch.testing.assert_close(logits, discriminator(images))
    torch.testing.assert_close(discriminator.to_logit(features[-1].flatten(1)).squeeze(1), logits)


def test_spectral_norm_bounds_the_lipschitz_constant_of_the_last_layer() -> None:
    torch.manual_seed(0)
    discriminator = ImageDiscriminator(32, 2, (8, 8, 8), spectral=True).train()
    for _ in range(30):
        discriminator(torch.rand(2, 2, 32, 32))
    assert torch.linalg.matrix_norm(discriminator.to_logit.weight, 2).item() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize(
    "proxy", [CompositingProxy(32, 20, "product", 8), CompositingProxy(32, 20, "max", 8), RenderNet(32, 8)]
)
def test_proxies_render_and_pass_gradients_to_the_grid(proxy: torch.nn.Module) -> None:
    grid = torch.zeros(2, 1, 16, 16, 16)
    grid[:, :, 5:11, 5:11, 5:11] = 0.9
    grid.requires_grad_(True)
    images = proxy(grid, ViewLaw().sample(2, torch.Generator().manual_seed(0)))
    assert images.shape == (2, 2, 32, 32)
    images.square().sum().backward()
    assert grid.grad is not None
    assert torch.isfinite(grid.grad).all()
    assert grid.grad.abs().sum() > 0


@pytest.mark.parametrize("seed", range(5))
def test_matter_that_appears_in_an_empty_grid_is_bright_and_opaque_in_the_derivative(seed: int) -> None:
    torch.manual_seed(seed)  # whatever the 2D network has learned
    proxy = CompositingProxy(32, 20, "product", 8)
    for parameter in proxy.parameters():
        torch.nn.init.normal_(parameter, 0.0, 1.0)
    grid = torch.zeros(1, 1, 16, 16, 16, requires_grad=True)
    proxy(grid, ViewLaw().sample(1, torch.Generator().manual_seed(seed))).sum().backward()
    assert grid.grad is not None
    assert grid.grad.min() >= -1e-6
    assert grid.grad[0, 0, 8, 8, 8] > 0


_COMPILED = """
import torch
from unrender.geometry.cameras import ViewLaw
from unrender.networks.compositing_proxy import CompositingProxy
from unrender.networks.voxel_generator import VoxelGenerator

generator, proxy = VoxelGenerator(16, 8, (16, 8)).eval(), CompositingProxy(32, 20, "product", 8)
z, cameras = torch.randn(2, 8), ViewLaw().sample(2, torch.Generator().manual_seed(0))
expected = proxy(generator(z), cameras)
generator.compile(backend="eager")
proxy.compile(backend="eager")
images = proxy(generator(z), cameras)
torch.testing.assert_close(images, expected)
images.square().sum().backward()
assert generator.to_logits.weight.grad.abs().sum() > 0
"""


@pytest.mark.slow
def test_kernels_of_the_cpu_run_inside_compiled_networks() -> None:
    """In a process of its own: shape checking, which is on in this one, cannot be compiled."""
    subprocess.run([sys.executable, "-c", _COMPILED], check=True, timeout=600.0)
