# SPDX-License-Identifier: Apache-2.0
"""Networks, rasteriser and views together: one scene is learned from pictures of it, by their differences alone."""

from collections.abc import Iterator

import pytest
import torch

from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.config import (
    BackgroundConfig,
    GeneratorConfig,
    TexturedMeshGanConfig,
    ViewConfig,
)
from unrender.methods.textured_mesh_gan.networks import build_generator
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.scene import Scene
from unrender.methods.textured_mesh_gan.views import ViewPrior

CONFIG = TexturedMeshGanConfig(
    generator=GeneratorConfig(latent=16, channels=(32, 32, 16), texture_size=16, mesh_cells=16),
    background=BackgroundConfig(size=6, channels=(16, 16)),
    views=ViewConfig(azimuth_degrees=(-180.0, 180.0), elevation_degrees=(-20.0, 40.0)),
)
VIEWS, STEPS = 8, 100


def wanted() -> Scene:
    """A flat egg with a nose to the right; red on its right side, blue on its left, before green."""
    directions = torch.from_numpy(octahedral_sphere(8).vertices)
    vertices = directions * torch.tensor([0.3, 0.18, 0.38])
    vertices[directions[:, 0] > 0.8, 0] += 0.12
    texture = torch.full((1, 3, 16, 16), 0.1)
    texture[:, 0, :, 8:], texture[:, 2, :, :8] = 0.9, 0.9
    background = torch.full((1, 3, 6, 6), 0.2)
    background[:, 1] = 0.8
    return Scene(vertices[None], texture, background)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tensors this small are slower on several, on a busy machine many times so."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_shape_texture_and_background_are_learned_from_pictures(one_thread: None) -> None:
    torch.manual_seed(0)
    maker, prior = PictureMaker(CONFIG, 32), ViewPrior(CONFIG.views)
    views, others = (prior.sample(VIEWS, torch.Generator().manual_seed(seed)) for seed in (1, 2))
    every = torch.zeros(VIEWS, dtype=torch.long)
    target, held_back = (maker.render(wanted()[every], cameras) for cameras in (views, others))
    generator, z = build_generator(CONFIG), torch.randn(1, 16)
    optimiser = torch.optim.Adam(generator.parameters(), lr=5e-3, betas=(0.5, 0.99))
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = 5e-3 * min(1.0, 2.0 - 2.0 * step / STEPS)
        loss = (maker.render(generator(z)[every], views).rgb - target.rgb).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        seen = maker.render(generator(z)[every], others)
    assert (seen.rgb - held_back.rgb).square().mean() < 0.01
    ours, theirs = seen.alpha > 0.5, held_back.alpha > 0.5
    assert (ours & theirs).sum() > 0.9 * (ours | theirs).sum()
