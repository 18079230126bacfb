# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from unrender.configuration import dump_toml
from unrender.errors import CheckpointError
from unrender.methods.textured_mesh_gan.config import BackgroundConfig, GeneratorConfig, TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.networks import build_generator
from unrender.methods.textured_mesh_gan.sampling import (
    GENERATOR_KIND,
    load_generator,
    sample_shape,
    sample_style,
    shape_of_style,
)
from unrender.networks.scene_generator import SceneGenerator
from unrender.training.checkpoint import save_checkpoint

SMALL = TexturedMeshGanConfig(
    generator=GeneratorConfig(latent=8, channels=(8, 8, 8), texture_size=16, mesh_cells=8),
    background=BackgroundConfig(size=6, channels=(8, 8)),
)


@pytest.fixture
def generator() -> SceneGenerator:
    torch.manual_seed(0)
    return build_generator(SMALL).eval().requires_grad_(False)


def saved(folder: Path, generator: SceneGenerator, config: TexturedMeshGanConfig) -> tuple[Path, Path]:
    (folder / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    save_checkpoint(folder / "generator.safetensors", generator.state_dict(), GENERATOR_KIND)
    return folder, folder / "generator.safetensors"


def test_shapes_are_closed_and_within_the_ball(generator: SceneGenerator) -> None:
    shape = sample_shape(generator, 3)
    solid = trimesh.Trimesh(shape.mesh.vertices, shape.mesh.faces, process=False)
    assert solid.is_watertight
    assert solid.euler_number == 2
    assert solid.volume > 0.0  # faces are counter-clockwise seen from outside
    assert np.linalg.norm(shape.mesh.vertices, axis=1).max() <= 0.5
    assert shape.texture.shape == (18, 18, 3)
    assert shape.texture.dtype == np.uint8
    assert shape.uv.min() > 0.0
    assert shape.uv.max() < 1.0


def test_the_rim_of_a_texture_is_what_lies_beyond_the_seam(generator: SceneGenerator) -> None:
    texture = sample_shape(generator, 3).texture
    np.testing.assert_array_equal(texture[0, 1:-1], texture[1, 1:-1][::-1])
    np.testing.assert_array_equal(texture[1:-1, -1], texture[1:-1, -2][::-1])
    np.testing.assert_array_equal(texture[0, 0], texture[-2, -2])


def test_both_sides_of_the_seam_have_the_same_colour(generator: SceneGenerator) -> None:
    """A vertex has two or four uv on the seam; bilinear look-ups there find one colour."""
    shape = sample_shape(generator, 3)
    side = shape.texture.shape[0]
    image = shape.texture.astype(float)
    x, y = shape.uv[:, 0] * side - 0.5, (1.0 - shape.uv[:, 1]) * side - 0.5
    column, row = np.floor(x + 1e-4).astype(int), np.floor(y + 1e-4).astype(int)
    s, t = (x - column)[:, None], (y - row)[:, None]
    above = image[row, column] * (1 - s) + image[row, column + 1] * s
    colours = above * (1 - t) + (image[row + 1, column] * (1 - s) + image[row + 1, column + 1] * s) * t
    first: dict[int, np.ndarray] = {}
    for vertex, at in zip(shape.mesh.faces.ravel(), shape.uv_faces.ravel(), strict=True):
        np.testing.assert_allclose(colours[at], first.setdefault(int(vertex), colours[at]), atol=0.1)


def test_a_seed_names_a_shape_and_variety_draws_to_the_middle(generator: SceneGenerator) -> None:
    one, again, other = (sample_shape(generator, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.mesh.vertices, again.mesh.vertices)
    np.testing.assert_array_equal(one.texture, again.texture)
    assert np.abs(one.mesh.vertices - other.mesh.vertices).max() > 1e-3
    np.testing.assert_allclose(
        sample_shape(generator, 5, 0.0).mesh.vertices, sample_shape(generator, 6, 0.0).mesh.vertices, atol=1e-6
    )
    torch.testing.assert_close(sample_style(generator, 5, 0.0), generator.mean_style())


def test_between_two_styles_shapes_change_little_by_little(generator: SceneGenerator) -> None:
    styles = [sample_style(generator, seed) for seed in (1, 2)]
    path = [shape_of_style(generator, torch.lerp(*styles, share)).mesh.vertices for share in np.linspace(0, 1, 9)]
    steps = [np.abs(late - early).max() for early, late in pairwise(path)]
    assert max(steps) < 0.5 * np.abs(path[-1] - path[0]).max()


def test_a_saved_generator_makes_the_same_shapes(generator: SceneGenerator, tmp_path: Path) -> None:
    loaded = load_generator(*saved(tmp_path, generator, SMALL))
    np.testing.assert_array_equal(sample_shape(loaded, 4).mesh.vertices, sample_shape(generator, 4).mesh.vertices)


def test_light_with_the_camera_is_weak_at_first_and_no_part_of_a_shape(tmp_path: Path) -> None:
    lit = replace(SMALL, generator=replace(SMALL.generator, light=True))
    torch.manual_seed(0)
    generator = build_generator(lit).eval().requires_grad_(False)
    light = generator(torch.randn(64, 8)).light
    assert light is not None
    assert light.std() < 0.3
    shape = sample_shape(generator, 4)
    assert generator.light is not None
    for weight in generator.light.parameters():
        weight.mul_(100.0)
    np.testing.assert_array_equal(sample_shape(generator, 4).texture, shape.texture)
    load_generator(*saved(tmp_path, generator, lit))
    with pytest.raises(CheckpointError, match="do not fit the config"):
        load_generator(*saved(tmp_path, generator, SMALL))


def test_weights_of_another_topology_are_refused(generator: SceneGenerator, tmp_path: Path) -> None:
    settings = replace(SMALL.generator, channels=(8, 8, 8, 8), texture_size=32)
    with pytest.raises(CheckpointError, match="do not fit the config"):
        load_generator(*saved(tmp_path, generator, replace(SMALL, generator=settings)))


def test_a_config_of_another_method_is_refused(generator: SceneGenerator, tmp_path: Path) -> None:
    folder, weights = saved(tmp_path, generator, SMALL)
    (folder / "config.toml").write_text('route = "proxy"\n', encoding="utf-8")
    with pytest.raises(CheckpointError, match="config cannot be used"):
        load_generator(folder, weights)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"channels": (8, 8), "texture_size": 16}, "build textures of 8"),
        ({"channels": ()}, "at least one width"),
        ({"mesh_cells": 7}, "even number"),
        ({"radius": 0.5}, "between 0 and 0.5"),
        ({"smoothing": -1.0}, "0 \\(none\\) or more"),
        ({"latent": 0}, "at least 1"),
    ],
)
def test_scenes_that_make_no_sense_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GeneratorConfig(**settings)  # type: ignore[arg-type]


def test_the_finest_level_of_the_shape_is_what_the_mesh_can_show() -> None:
    sizes = [GeneratorConfig(mesh_cells=cells).shape_size for cells in (4, 16, 30, 32, 40, 200)]
    assert sizes == [4, 16, 16, 32, 32, 64]
