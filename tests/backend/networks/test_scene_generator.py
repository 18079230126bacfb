# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest
import torch

from unrender.networks.modulated_convolutions import EqualisedLinear, MappingNetwork, StyledLayer
from unrender.networks.octahedral_surface import OctahedralSurface
from unrender.networks.scene_generator import BackgroundGenerator, Scene, SceneGenerator, SphereGenerator
from unrender.networks.sphere_padding import pad_sphere


def generator(pyramid: bool = True, is_periodic: bool = False, is_lit: bool = False) -> SceneGenerator:
    torch.manual_seed(0)
    return SceneGenerator(
        MappingNetwork(8),
        SphereGenerator((12, 8, 6), 8, shape_size=8, pyramid=pyramid),
        OctahedralSurface(8, 0.3),
        BackgroundGenerator((8, 8, 6), 8, is_periodic),
        EqualisedLinear(8, 8) if is_lit else None,
    )


def test_scenes_have_the_sizes_that_were_asked_for() -> None:
    scene = generator()(torch.randn(5, 8))
    assert (scene.vertices.shape, scene.texture.shape, scene.background.shape) == (
        (5, 66, 3),
        (5, 3, 16, 16),
        (5, 3, 12, 12),
    )
    for colours in (scene.texture, scene.background):
        assert colours.min() >= 0.0
        assert colours.max() <= 1.0
    assert scene.vertices.norm(dim=-1).max() <= 0.5
    assert len(scene) == 5
    part = scene[1:3]
    assert torch.equal(part.texture, scene.texture[1:3])
    assert not scene.detach().vertices.requires_grad


def test_light_is_a_part_of_a_scene_where_it_was_asked_for() -> None:
    plain, lit = generator()(torch.randn(4, 8)), generator(is_lit=True)(100.0 * torch.randn(4, 8))
    assert plain.light is None
    assert len(plain.parts()) == 3
    assert lit.light is not None
    assert lit.light.shape == (4, 8)
    assert lit.light.abs().max() <= 1.0
    for scene in (plain, lit):
        again = Scene.joined([scene[:1], scene[1:]])
        for part, wanted in zip(again.parts(), scene.parts(), strict=True):
            assert torch.equal(part, wanted)


def test_a_fresh_generator_makes_spheres_nearly() -> None:
    with torch.no_grad():
        radii = generator()(torch.randn(64, 8)).vertices.norm(dim=-1)
    assert radii.mean().item() == pytest.approx(0.3, abs=0.02)
    assert radii.std() < 0.05


def test_a_scene_follows_from_its_own_z() -> None:
    networks = generator()
    z = torch.randn(4, 8)
    together, alone = networks(z), networks(z[2:3])
    for name in ("vertices", "texture", "background"):
        torch.testing.assert_close(getattr(together, name)[2:3], getattr(alone, name))
    again = networks(z)
    assert torch.equal(again.vertices, together.vertices)


@pytest.mark.parametrize("pyramid", [True, False])
def test_every_weight_has_a_part_in_the_scene(pyramid: bool) -> None:
    networks = generator(pyramid)
    scene: Scene = networks(torch.randn(4, 8))
    parts = [part * torch.randn_like(part) for part in (scene.vertices, scene.texture, scene.background)]
    sum(part.sum() for part in parts).backward()
    assert [name for name, weight in networks.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_what_is_fine_is_no_bias_that_all_samples_share() -> None:
    trunk = SphereGenerator((8,) * 5, 8, shape_size=32).trunk
    places = [layer.places for layer in trunk.after if isinstance(layer, StyledLayer)]
    assert [None if bias is None else bias.shape[-1] for bias in places] == [8, 16, None, None]


def test_the_pyramid_moves_what_is_coarse_further() -> None:
    """The same step of the weights of each level moves the shape half as far as that of the level before."""
    sphere = SphereGenerator((8, 8, 8), 4, shape_size=16)
    with torch.no_grad():
        features = sphere.trunk(torch.randn(2, 4))
        moved = []
        for layer, x in zip(sphere.to_offsets, features, strict=True):
            layer.convolution.weight.fill_(1.0)
            layer.convolution.to_scales.weight.zero_()
            moved.append(layer(torch.ones_like(x), torch.zeros(2, 4)).mean().item())
    assert [late / early for early, late in pairwise(moved)] == pytest.approx([0.5, 0.5])
    assert len(SphereGenerator((8, 8, 8), 4, shape_size=16, pyramid=False).to_offsets) == 1


def test_a_shape_of_no_size_of_the_trunk_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[4, 8, 16\]"):
        SphereGenerator((8, 8, 8), 4, shape_size=12)


def test_textures_have_no_seam() -> None:
    """Across the seam neighbours are as alike as within the square."""
    torch.manual_seed(1)
    sphere = SphereGenerator((16, 16, 12, 8), 8, shape_size=8)
    with torch.no_grad():
        texture = pad_sphere(sphere(torch.randn(32, 8))[1])
    inside = (texture[..., 2:-1, 1:-1] - texture[..., 1:-2, 1:-1]).abs().mean()
    across = (texture[..., 1, 1:-1] - texture[..., 0, 1:-1]).abs().mean()
    assert across < 1.2 * inside


def test_a_periodic_background_closes() -> None:
    torch.manual_seed(2)
    z = torch.randn(64, 8)
    steps = []
    for is_periodic in (True, False):
        with torch.no_grad():
            background = generator(is_periodic=is_periodic)(z).background
        within = (background[..., 1:] - background[..., :-1]).abs().mean()
        steps.append(((background[..., 0] - background[..., -1]).abs().mean() / within).item())
    assert steps[0] < 1.3
    assert steps[1] > 2.0


def test_mixed_precision_leaves_shapes_and_colours_in_float32() -> None:
    networks = generator()
    z = torch.randn(3, 8)
    exact = networks(z)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = networks(z)
    for name in ("vertices", "texture", "background"):
        ours, wanted = getattr(mixed, name), getattr(exact, name)
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, wanted, atol=0.03, rtol=0.0)
    mixed.vertices.sum().backward()


def test_the_mean_style_is_that_of_many_z() -> None:
    networks = generator()
    mean = networks.mean_style()
    torch.testing.assert_close(mean, networks.mean_style())
    with torch.no_grad():
        other = networks.mapping(torch.randn(4096, 8)).mean(dim=0, keepdim=True)
    torch.testing.assert_close(mean, other, atol=0.15, rtol=0.0)
