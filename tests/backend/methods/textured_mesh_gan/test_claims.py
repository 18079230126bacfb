# SPDX-License-Identifier: Apache-2.0
"""What the paper says of its parts, where a closed form can tell: the soft layer is essential, and a background that
moves with the view cannot pass for an object."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.config.settings import load_config
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.networks.scene_generator import Scene

CELLS, PIXELS = 16, 32
SIZES = ("image_size=32", "discriminator.channels=[8,8,8,8]", f"generator.mesh_cells={CELLS}")


def _maker(*overrides: str) -> tuple[PictureMaker, ViewPrior]:
    config = load_config("textured-16", (*SIZES, *overrides))
    return PictureMaker(config), ViewPrior(config.views)


def _ball(radius: Tensor) -> Scene:
    """A white ball before black."""
    vertices = radius * torch.from_numpy(octahedral_sphere(CELLS // 2).vertices)[None]
    return Scene(vertices, torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 12, 12))


def _grown(silhouette: str, steps: int) -> tuple[float, float]:
    """First gradient of the radius, and the radius after some steps, of a ball that is to look like a larger one."""
    maker, prior = _maker(f"renderer.silhouette={silhouette}")
    view = prior.cameras(torch.tensor([0.3]), torch.tensor([0.2]))
    with torch.no_grad():
        wanted = maker.render(_ball(torch.tensor(0.35)), view).rgb
    radius = torch.tensor(0.2, requires_grad=True)
    optimiser = torch.optim.Adam([radius], 0.01)
    first = math.nan
    for _ in range(steps):
        optimiser.zero_grad()
        (maker.render(_ball(radius), view).rgb - wanted).square().mean().backward()
        assert radius.grad is not None
        first = radius.grad.item() if math.isnan(first) else first
        optimiser.step()
    return first, radius.item()


def test_without_the_soft_layer_an_outline_has_no_gradient_and_a_small_ball_stays_small() -> None:
    gradient, radius = _grown("none", 30)
    assert gradient == pytest.approx(0.0, abs=1e-6)
    assert radius == pytest.approx(0.2, abs=1e-3)


def test_with_the_soft_layer_it_grows_until_it_fits() -> None:
    gradient, radius = _grown("soft_skirt", 30)
    # Of all pixels those at the rim change from black to white as the radius grows: d area / d radius = 2 pi r, each
    # with a squared difference of 1 to begin with. The skirt of half a pixel on average makes the ball look larger.
    rim = 2.0 * math.pi * 0.2
    assert -1.6 * rim < gradient < -0.6 * rim
    assert radius == pytest.approx(0.35, abs=0.01)


def _of_background(moves: bool) -> float:
    """Variance over views of the picture of a background with one bright spot, and no object to speak of."""
    maker, prior = _maker(f"background.moves={str(moves).lower()}")
    background = torch.zeros(1, 3, 12, 12)
    background[..., 5:7, 5:7] = 1.0
    tiny = _ball(torch.tensor(1e-3))
    scene = Scene(tiny.vertices, tiny.texture, background)
    azimuth = torch.linspace(-math.pi, math.pi, 9)[:8]
    views = prior.cameras(azimuth, torch.zeros(8))
    eight = Scene(*(part.expand(8, *part.shape[1:]) for part in (scene.vertices, scene.texture, scene.background)))
    return maker.render(eight, views).rgb.var(dim=0, correction=0).mean().item()


def test_what_is_painted_on_a_moving_background_does_not_stay_in_the_frame() -> None:
    """An object that every view shows in the middle can be no background, unless the background stands still."""
    assert _of_background(moves=False) < 1e-6
    assert _of_background(moves=True) > 1e-3
