# SPDX-License-Identifier: Apache-2.0
"""Grids on disk: what was kept comes back as it was, what is damaged does not, and the folder keeps to its size."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unrender.methods.generate import generate_shapes
from unrender.methods.grid_cache import GridCache, ShapeGrid, ShapeKey
from unrender.methods.models import find_model
from unrender.methods.voxel_gan import sampling
from unrender.methods.voxel_shapes import ShapeSource

KEY = ShapeKey("0123456789abcdef", 7, 0.7)


def grid(seed: int = 1, size: int = 8) -> ShapeGrid:
    return ShapeGrid(np.random.default_rng(seed).random((size, size, size), np.float32), 2)


def test_a_grid_comes_back_as_it_was_for_its_key_alone(tmp_path: Path) -> None:
    cache = GridCache(tmp_path / "grids")
    assert cache.find(KEY) is None
    cache.keep(KEY, grid())
    found = GridCache(tmp_path / "grids").find(KEY)
    assert found is not None
    assert np.array_equal(found.occupancy, grid().occupancy)
    assert found.blur_passes == 2
    for other in (ShapeKey("0" * 16, 7, 0.7), ShapeKey(KEY.model_hash, 8, 0.7), ShapeKey(KEY.model_hash, 7, 0.8)):
        assert cache.find(other) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_bytes(b"not a zip"),
        lambda path: np.savez(path, other=np.zeros(3)),
        lambda path: np.savez(path, occupancy=np.zeros((2, 2), np.float32), blur_passes=0),
        lambda path: np.savez(path, occupancy=np.array([{}], object), blur_passes=0),
    ],
)
def test_a_damaged_file_is_no_grid(damage: Callable[[Path], None], tmp_path: Path) -> None:
    cache = GridCache(tmp_path)
    cache.keep(KEY, grid())
    damage(tmp_path / KEY.file_name)
    assert cache.find(KEY) is None


def test_those_used_longest_ago_make_room(tmp_path: Path) -> None:
    keys = [ShapeKey("f" * 16, seed, 1.0) for seed in range(4)]
    GridCache(tmp_path).keep(keys[0], grid(0))
    size = (tmp_path / keys[0].file_name).stat().st_size
    cache = GridCache(tmp_path, int(3.5 * size))
    for index, key in enumerate(keys[:3]):
        cache.keep(key, grid(index))
        os.utime(tmp_path / key.file_name, (index, index))
    cache.find(keys[0])  # used again
    cache.keep(keys[3], grid(3))
    assert [cache.find(key) is not None for key in keys] == [True, False, True, True]


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    (tmp_path / "grids").write_text("a file")
    cache = GridCache(tmp_path / "grids")
    cache.keep(KEY, grid())
    assert cache.find(KEY) is None


def test_a_shape_that_was_generated_is_not_generated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = find_model("chairs-32")
    cache = GridCache(tmp_path)
    (first,) = generate_shapes(model, 7, 1, cache=cache)
    key = ShapeKey(model.hash, 7, 1.0)
    assert ShapeSource(cache).find(key) is not None
    monkeypatch.setattr(sampling, "load_generator", None)
    (again,) = generate_shapes(model, 7, 1, cache=cache)
    assert np.array_equal(first.vertices, again.vertices)
    assert np.array_equal(first.faces, again.faces)
