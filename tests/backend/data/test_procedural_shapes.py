# SPDX-License-Identifier: Apache-2.0
"""Every class of procedural shapes: closed, connected, inside the ball, varied, the same at every resolution."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from unrender.data.procedural import BALL_RADIUS, CLASSES, COLOURED, make_shape
from unrender.data.procedural.meshes import make_mesh
from unrender.geometry.meshes import Mesh
from unrender.meshing.topology import count_components, is_watertight, signed_volume

FURNITURE = [name for name in CLASSES if name != "cubes"]
SEEDS = range(30)


def centres(grid):
    return (np.argwhere(grid) + 0.5) / grid.shape[0] - 0.5


def test_the_classes_are_the_ones_that_were_asked_for_and_the_add_on_lists_them_all():
    from blender_addon.connection.datasets import CLASSES as LISTED_IN_THE_ADD_ON
    from blender_addon.connection.datasets import COLOURED as COLOURED_IN_THE_ADD_ON

    assert CLASSES[:6] == ("chair", "couch", "bathtub", "table", "mushroom", "cubes")
    assert CLASSES[6:] == ("bed", "shelf", "lamp", "mug", "bottle", "airplane", "car")
    assert LISTED_IN_THE_ADD_ON == CLASSES
    assert COLOURED_IN_THE_ADD_ON == COLOURED


@pytest.mark.parametrize("name", FURNITURE)
@pytest.mark.parametrize("resolution", [32, 64])
def test_every_shape_is_one_piece_without_chambers(name, resolution):
    for seed in SEEDS:
        grid = make_shape(name, seed, resolution)
        assert ndimage.label(grid)[1] == 1, seed  # connected through faces, without help from edges and corners
        # Where round parts meet, a few voxels may be walled in; meshing fills them.
        assert ndimage.binary_fill_holes(grid).sum() - grid.sum() <= 0.003 * grid.sum(), seed


@pytest.mark.parametrize("name", CLASSES)
def test_every_shape_lies_inside_the_ball(name):
    for seed in SEEDS:
        radius = np.linalg.norm(centres(make_shape(name, seed, 64)), axis=1).max()
        assert radius < 0.5, seed
        if name != "cubes":
            assert radius > BALL_RADIUS - 0.06, seed  # and uses it


@pytest.mark.parametrize("name", CLASSES)
def test_a_seed_gives_the_same_shape_every_time_and_another_seed_another(name):
    assert np.array_equal(make_shape(name, 7, 48), make_shape(name, 7, 48))
    assert not np.array_equal(make_shape(name, 7, 48), make_shape(name, 8, 48))


@pytest.mark.parametrize("name", CLASSES)
def test_every_seed_gives_a_shape_of_its_own(name):
    seen = {hashlib.sha256(make_shape(name, seed, 64).tobytes()).digest() for seed in range(300)}
    assert len(seen) >= 295


@pytest.mark.parametrize("name", CLASSES)
def test_shapes_of_a_class_differ_by_more_than_a_few_voxels(name):
    grids = [make_shape(name, seed, 32) for seed in range(24)]
    overlaps = [(a & b).sum() / (a | b).sum() for index, a in enumerate(grids) for b in grids[index + 1 :]]
    assert np.median(overlaps) < 0.6


@pytest.mark.parametrize("name", CLASSES)
def test_a_shape_is_the_same_at_every_resolution(name):
    overlaps = []
    for seed in range(20):
        coarse, fine = make_shape(name, seed, 32), make_shape(name, seed, 128)
        halved = fine.reshape(32, 4, 32, 4, 32, 4).mean((1, 3, 5)) > 0.5
        overlaps.append((coarse & halved).sum() / (coarse | halved).sum())
        # Volume within what the surface's share of the voxels allows.
        assert coarse.mean() == pytest.approx(fine.mean(), rel=0.35), seed
    assert np.mean(overlaps) > 0.85


@pytest.mark.parametrize("name", FURNITURE)
def test_no_part_is_lost_in_a_coarse_grid(name):
    # What is solid at 128^3 lies within a voxel and a half of something solid at 32^3.
    for seed in range(20):
        distance = ndimage.distance_transform_edt(~make_shape(name, seed, 32))
        points = np.argwhere(make_shape(name, seed, 128)) // 4
        assert distance[tuple(points.T)].max() < 1.8, seed


@pytest.mark.parametrize("name", ["chair", "bathtub", "table"])
def test_furniture_is_symmetric_from_left_to_right(name):
    symmetric = 0
    for seed in SEEDS:
        grid = make_shape(name, seed, 64)
        symmetric += (grid & grid[::-1]).sum() / (grid | grid[::-1]).sum() > 0.98
    # Desks have their drawers, slipper tubs and star feet of five arms their front, on one side.
    assert symmetric >= 0.5 * len(SEEDS)


def test_random_cubes_are_never_empty_and_often_in_pieces():
    pieces = [ndimage.label(make_shape("cubes", seed, 32))[1] for seed in SEEDS]
    assert min(pieces) >= 1
    assert max(pieces) > 2


@pytest.mark.parametrize("name", CLASSES)
def test_the_mesh_of_a_shape_is_closed_and_encloses_its_volume(name):
    for seed in range(4):
        mesh = Mesh(*make_mesh(name, seed, 64))
        assert is_watertight(mesh)
        if name != "cubes":
            assert count_components(mesh) == 1
        assert signed_volume(mesh) == pytest.approx(make_shape(name, seed, 128).mean(), rel=0.12)


def test_an_unknown_class_and_a_negative_seed_are_refused_by_name():
    with pytest.raises(ValueError, match=r"'sofa'.*couch"):
        make_shape("sofa", 0, 32)
    with pytest.raises(ValueError, match="-1"):
        make_shape("chair", -1, 32)


def _run_with(python: Path | str, checkout: Path) -> str:
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "from unrender.data.procedural import CLASSES, make_shape\n"
        "from unrender.data.procedural.meshes import make_mesh\n"
        "assert not {'torch', 'scipy', 'skimage', 'jaxtyping'} & set(sys.modules), 'numpy only'\n"
        "shapes = b''.join(make_shape(c, s, 24).tobytes() for c in CLASSES for s in range(20))\n"
        "print(hashlib.sha256(shapes).hexdigest(), len(make_mesh('chair', 0, 32)[1]))"
    )
    command = [str(python), "-c", code, str(checkout / "backend")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_shapes_need_numpy_only(checkout):
    assert _run_with(sys.executable, checkout)


def test_blenders_python_makes_the_very_same_shapes(checkout, blender_python):
    assert _run_with(blender_python, checkout) == _run_with(sys.executable, checkout)
