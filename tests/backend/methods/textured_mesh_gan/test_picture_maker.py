# SPDX-License-Identifier: Apache-2.0
"""Pictures of scenes made by hand: where things are seen, what moves and which way."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.config import (
    BackgroundConfig,
    GeneratorConfig,
    RendererConfig,
    TexturedMeshGanConfig,
    ViewConfig,
)
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.scene import Scene
from unrender.methods.textured_mesh_gan.views import ViewPrior

CONFIG = TexturedMeshGanConfig(generator=GeneratorConfig(mesh_cells=16))
SIDES = replace(CONFIG, views=ViewConfig(azimuth_degrees=(-60.0, 60.0), elevation_degrees=(-20.0, 20.0)))


def directions(side: int) -> Tensor:
    """[3, side, side]: unit directions at texel centres of the octahedral square."""
    centres = (torch.arange(side) + 0.5) * 2.0 / side - 1.0
    y, x = torch.meshgrid(-centres, centres, indexing="ij")
    front = 1.0 - x.abs() - y.abs()
    is_back = front < 0.0
    folded = (
        torch.where(is_back, x.sign() * (1.0 - y.abs()), x),
        -front,
        torch.where(is_back, y.sign() * (1.0 - x.abs()), y),
    )
    return torch.nn.functional.normalize(torch.stack(folded), dim=0)


def ball(count: int = 1, background: Tensor | None = None) -> Scene:
    """A ball of radius 0.3 coloured by direction: red to the right (+X), green to the back (+Y), blue upwards."""
    vertices = 0.3 * torch.from_numpy(octahedral_sphere(8).vertices)
    texture = 0.5 + 0.5 * directions(32)
    background = torch.zeros(3, 48, 48) if background is None else background
    return Scene(*(part.expand(count, *part.shape) for part in (vertices, texture, background)))


def cameras(config: TexturedMeshGanConfig, *degrees: tuple[float, float]) -> Cameras:
    azimuth, elevation = torch.deg2rad(torch.tensor(degrees)).T
    return ViewPrior(config.views).cameras(azimuth, elevation)


def test_colours_are_where_their_directions_are_seen() -> None:
    """The colour of a pixel tells the direction of the surface there, which is what its normal says, from all sides."""
    degrees = [(0.0, 0.0), (90.0, 0.0), (180.0, 0.0), (-90.0, 0.0), (30.0, 60.0), (-150.0, -40.0), (135.0, 20.0)]
    views = cameras(CONFIG, *degrees)
    pictures = PictureMaker(CONFIG).render(ball(len(views)), views, passes=True)
    assert pictures.normal is not None
    inside = (pictures.normal[:, 2:] > 0.2).expand(-1, 3, -1, -1)  # not at the very outline, which the skirt lies over
    towards = torch.einsum("bij,bihw->bjhw", views.axes(), pictures.normal)
    difference = (2.0 * pictures.rgb - 1.0 - towards)[inside].abs()
    assert difference.mean() < 0.02
    assert difference.max() < 0.2


def test_from_the_front_red_is_right_and_blue_above() -> None:
    rgb = PictureMaker(CONFIG).render(ball(), cameras(CONFIG, (0.0, 0.0))).rgb[0]
    assert rgb[0, 32, 45] > 0.8 > 0.2 > rgb[0, 32, 19]
    assert rgb[2, 19, 32] > 0.8 > 0.2 > rgb[2, 45, 32]
    assert rgb[1, 32, 32] < 0.05


def test_there_is_no_seam_at_the_back() -> None:
    """Seen from behind, colours of the directions change no faster across the seam than anywhere else."""
    picture = PictureMaker(CONFIG, 128).render(ball(), cameras(CONFIG, (180.0, 0.0)))
    middle = picture.rgb[0, :, 50:78, 50:78]
    assert middle.diff(dim=1).abs().max() < 0.04
    assert middle.diff(dim=2).abs().max() < 0.04


def test_the_ball_that_holds_all_objects_just_fills_the_frame() -> None:
    scene = ball()
    whole = Scene(scene.vertices / 0.3 * 0.5, scene.texture, scene.background)
    alpha = PictureMaker(CONFIG).render(whole, cameras(CONFIG, (20.0, 10.0))).alpha[0, 0]
    for border in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert 0 < (border > 0.5).sum() < 20
    assert alpha.mean().item() == pytest.approx(math.pi / 4.0, abs=0.02)


def test_the_object_lies_over_the_background() -> None:
    background = torch.tensor([0.9, 0.2, 0.4]).view(3, 1, 1).expand(3, 48, 48)
    pictures = PictureMaker(CONFIG).render(ball(background=background), cameras(CONFIG, (0.0, 0.0)))
    outside = (pictures.alpha[0, 0] == 0.0).expand(3, -1, -1)
    torch.testing.assert_close(pictures.rgb[0][outside].view(3, -1), background[:, :1, 0].expand(3, outside[0].sum()))
    assert pictures.depth is None
    assert pictures.rgb.min() >= 0.0
    assert pictures.rgb.max() <= 1.0


def ramps() -> Tensor:
    """[3, 48, 48]: red grows to the right, green downwards."""
    ramp = (torch.arange(48) + 0.5) / 48
    return torch.stack([ramp.expand(48, 48), ramp.view(-1, 1).expand(48, 48), torch.zeros(48, 48)])


def test_the_background_slides_with_the_view() -> None:
    """To the left as the camera goes right around the object, and downwards as it rises, all of it over the range."""
    degrees = [(-60.0, 20.0), (0.0, 0.0), (60.0, -20.0), (90.0, -50.0)]
    views = cameras(SIDES, *degrees)
    seen = PictureMaker(SIDES).background(ball(len(views), ramps()), views)
    left, top = seen[:, 0, :, 0].mean(dim=1), seen[:, 1, 0].mean(dim=1)
    one = 1.0 / 192.0 / 2.0  # half a pixel of the picture
    assert left.tolist() == pytest.approx([2 / 3 + one, 1 / 3 + one, one, one], abs=0.01)
    assert top.tolist() == pytest.approx([2 / 3 + one, 1 / 3 + one, one, one], abs=0.01)
    # A frame is a third of the background.
    assert (seen[0, 0, 0, -1] - seen[0, 0, 0, 0]).item() == pytest.approx(1 / 3, abs=0.02)


def test_all_around_the_background_comes_back() -> None:
    background = torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(0))
    views = cameras(CONFIG, (-180.0, 5.0), (180.0, 5.0), (179.0, 5.0), (40.0, 5.0), (400.0, 5.0))
    seen = PictureMaker(CONFIG).background(ball(len(views), background), views)
    torch.testing.assert_close(seen[0], seen[1], atol=1e-4, rtol=0.0)
    torch.testing.assert_close(seen[3], seen[4], atol=1e-4, rtol=0.0)
    assert (seen[1] - seen[2]).abs().mean() < 0.2 * (seen[1] - seen[3]).abs().mean()


def test_a_background_that_does_not_move_is_the_same_from_everywhere() -> None:
    config = replace(CONFIG, background=BackgroundConfig(moves=False))
    views = cameras(config, (-120.0, -15.0), (70.0, 30.0))
    seen = PictureMaker(config).background(ball(len(views), ramps()), views)
    assert torch.equal(seen[0], seen[1])
    assert seen[0, :2].mean().item() == pytest.approx(0.5, abs=1e-3)


def test_light_of_its_own_stands_with_the_camera() -> None:
    """From all sides a grey ball under it looks the same: bright to the right, by its harmonics of the normal."""
    grey = ball(3)
    light = torch.tensor([0.0, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0]).expand(3, -1)  # degree 1, order 1: sqrt(3 / 4 pi) x
    lit = Scene(grey.vertices, torch.full_like(grey.texture, 0.4), grey.background, light)
    views = cameras(CONFIG, (0.0, 0.0), (90.0, 0.0), (-135.0, 0.0))
    pictures = PictureMaker(CONFIG).render(lit, views, passes=True)
    assert pictures.normal is not None
    inside = pictures.normal[:, 2:] > 0.2
    wanted = 0.4 * (1.0 + 0.8 * math.sqrt(0.75 / math.pi) * pictures.normal[:, :1])
    torch.testing.assert_close(pictures.rgb[:, :1][inside], wanted[inside], atol=0.02, rtol=0.0)
    assert (pictures.rgb[0, 0, 32, 45] - pictures.rgb[0, 0, 32, 19]).item() > 0.1
    assert (pictures.rgb[1:] - pictures.rgb[:1])[:, :, 20:44, 20:44].abs().max() < 0.02
    dark = Scene(lit.vertices, lit.texture, lit.background, 10.0 * light)
    assert PictureMaker(CONFIG).render(dark, views).rgb.min() == 0.0


@pytest.mark.parametrize("config", [CONFIG, SIDES], ids=["all around", "from the front"])
def test_gradients_reach_all_parts_and_the_view(config: TexturedMeshGanConfig) -> None:
    views = cameras(config, (20.0, 10.0))
    scene = ball(background=torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(0)))
    parts = [part.clone().requires_grad_() for part in (scene.vertices, scene.texture, scene.background)]
    angles = [angle.clone().requires_grad_() for angle in (views.azimuth, views.elevation)]
    rgb = PictureMaker(config, 32).render(Scene(*parts), ViewPrior(config.views).cameras(*angles)).rgb
    weights = torch.rand(rgb.shape, generator=torch.Generator().manual_seed(1))
    gradients = torch.autograd.grad((rgb * weights).sum(), [*parts, *angles])
    assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)


@pytest.mark.parametrize("silhouette", ["soft_skirt", "antialias", "edge_gradients", "dibr", "soft_rasterize", "none"])
def test_any_silhouette_by_one_setting(silhouette: str) -> None:
    config = replace(CONFIG, renderer=RendererConfig(silhouette=silhouette))  # type: ignore[arg-type]
    pictures = PictureMaker(config).render(ball(), cameras(config, (0.0, 0.0)))
    assert pictures.alpha.mean().item() == pytest.approx(math.pi * 0.09, abs=0.12)  # some reach far beyond the outline
    assert pictures.rgb.isfinite().all()


def test_scenes_of_another_mesh_are_refused() -> None:
    with pytest.raises(ValueError, match="came with 258 vertices; expected 66"):
        PictureMaker(replace(CONFIG, generator=GeneratorConfig(mesh_cells=8))).render(
            ball(), cameras(CONFIG, (0.0, 0.0))
        )
