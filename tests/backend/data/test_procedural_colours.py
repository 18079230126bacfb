# SPDX-License-Identifier: Apache-2.0
"""Colours of procedural shapes: each point has that of the part it lies on, and a seed is a look."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unrender.data.procedural import CLASSES, COLOURED, make_colours, make_solids
from unrender.data.procedural.meshes import make_coloured_mesh, make_mesh
from unrender.data.procedural.solids import box, nearest_surface, sweep, turned

RANDOM = np.random.default_rng(0)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def points(count: int = 4000) -> np.ndarray:
    return RANDOM.uniform(-0.5, 0.5, (count, 3))


def test_the_distance_to_a_box_is_that_to_a_box() -> None:
    middle, half = np.array([0.05, -0.1, 0.1]), np.array([0.2, 0.1, 0.15])
    solid, where = box((middle - half).tolist(), (middle + half).tolist()), points()
    over = np.abs(where - middle) - half
    expected = np.linalg.norm(np.maximum(over, 0.0), axis=1) + np.minimum(over.max(axis=1), 0.0)
    np.testing.assert_allclose(solid.distance(where), expected, atol=1e-12)


def test_the_distance_to_a_ball_has_its_sign_and_is_near_at_its_surface() -> None:
    heights = np.linspace(-0.3, 0.3, 61)
    ball, where = turned(heights, np.sqrt(np.maximum(0.09 - heights**2, 0.0))), points()
    expected = np.linalg.norm(where, axis=1) - 0.3
    found = ball.distance(where)
    clear = np.abs(expected) > 0.002
    assert (np.sign(found) == np.sign(expected))[clear].all()
    directions = where / np.linalg.norm(where, axis=1, keepdims=True)
    for radius in (0.29, 0.3, 0.31):  # poles included, where the sections shrink to nothing
        np.testing.assert_allclose(ball.distance(radius * directions), radius - 0.3, atol=0.006)


def test_the_distance_to_a_rounded_bar_is_nought_on_its_sections() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 50)
    u = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / 7)
    v = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / 7)
    bar = sweep(1, (-0.4, 0.4), [(0.1, 0.0)] * 2, [(0.2, 0.1)] * 2, 7.0)
    edge = np.stack([0.1 + 0.2 * u, np.zeros(50), 0.1 * v], 1)
    np.testing.assert_allclose(bar.distance(edge), 0.0, atol=1e-12)
    assert bar.distance(np.array([[0.1, 0.0, 0.0]]))[0] == pytest.approx(-0.1)
    assert bar.distance(np.array([[0.1, 0.45, 0.0]]))[0] == pytest.approx(0.05)


def test_a_point_belongs_to_the_nearest_surface_cuts_included_and_to_the_later_one_of_two() -> None:
    body = box((-0.3, -0.3, -0.3), (0.3, 0.3, 0.3))
    hole = box((-0.1, -0.1, 0.0), (0.1, 0.1, 0.4)).as_cut()
    lid = box((-0.3, -0.3, 0.3), (0.3, 0.3, 0.4))
    where = np.array([(0.3, 0.0, 0.0), (0.1, 0.0, 0.15), (0.0, 0.05, 0.0), (0.2, 0.2, 0.4), (0.3, 0.1, 0.3)])
    assert nearest_surface([body, hole, lid], where).tolist() == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("name", COLOURED)
def test_every_part_of_many_shapes_is_made_of_something(name: str) -> None:
    for seed in range(30):
        assert all(solid.material for solid in make_solids(name, seed)), seed
        colours = make_colours(name, seed, points(100).astype(np.float32))  # whichever part they are next to
        assert colours.shape == (100, 3)
        assert colours.dtype == np.float32
        assert colours.min() >= 0.0
        assert colours.max() <= 1.0


@pytest.mark.parametrize("name", COLOURED)
def test_a_seed_is_a_look_and_seeds_look_different(name: str) -> None:
    where = points(200)
    assert np.array_equal(make_colours(name, 3, where), make_colours(name, 3, where))
    means = np.stack([make_colours(name, seed, make_mesh(name, seed, 16)[0]).mean(axis=0) for seed in range(20)])
    assert (means.std(axis=0) > 0.04).all()


@pytest.mark.parametrize("name", COLOURED)
def test_the_coloured_mesh_is_the_mesh(name: str) -> None:
    vertices, faces, colours = make_coloured_mesh(name, 5, 24)
    assert np.array_equal(vertices, make_mesh(name, 5, 24)[0])
    assert np.array_equal(faces, make_mesh(name, 5, 24)[1])
    assert np.array_equal(colours, make_colours(name, 5, vertices))


def test_cars_stand_on_dark_tyres_and_have_lamps_at_the_right_ends() -> None:
    for seed in range(8):
        vertices, _, colours = make_coloured_mesh("car", seed, 48)
        _, y, z = vertices.T
        lowest = z < z.min() + 0.01
        assert (colours[lowest] @ LUMINANCE).max() < 0.06, seed
        red = (colours[:, 0] > 0.35) & (colours[:, 1:].max(axis=1) < 0.02)  # rear lamps: no paint is that pure
        assert red.any(), seed
        assert y[red].min() > 0.25, seed
        front = y < y.min() + 0.04
        assert (colours[front] @ LUMINANCE).max() > 0.7, seed


def test_stems_are_paler_than_caps_of_fly_agarics() -> None:
    reds = 0
    for seed in range(40):
        vertices, _, colours = make_coloured_mesh("mushroom", seed, 24)
        height = (vertices[:, 2] - vertices[:, 2].min()) / np.ptp(vertices[:, 2])
        top, foot = colours[height > 0.85], colours[(height > 0.1) & (height < 0.4)]
        median = np.median(top, axis=0)
        if median[0] > 4 * median[1]:  # red
            reds += 1
            assert np.median(foot @ LUMINANCE) > 2 * (median @ LUMINANCE), seed
    assert reds >= 3


def test_classes_without_colours_are_refused_by_name() -> None:
    assert set(COLOURED) < set(CLASSES)
    with pytest.raises(ValueError, match=r"'chair' have no colours; mushroom, car do"):
        make_colours("chair", 0, points(3))


def _run_with(python: Path | str, checkout: Path) -> str:
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "from unrender.data.procedural import make_colours\n"
        "import numpy as np\n"
        "where = np.random.Generator(np.random.PCG64(1)).random((500, 3)) - 0.5\n"
        "colours = [np.round(make_colours(c, s, where) * 255) for c in ('mushroom', 'car') for s in range(5)]\n"
        "assert not {'torch', 'scipy', 'jaxtyping'} & set(sys.modules), 'numpy only'\n"
        "print(hashlib.sha256(np.stack(colours).astype('uint8').tobytes()).hexdigest())"
    )
    command = [str(python), "-c", code, str(checkout / "backend")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_blenders_python_makes_the_very_same_colours(checkout: Path, blender_python: Path) -> None:
    own = _run_with(sys.executable, checkout)
    assert len(own.strip()) == hashlib.sha256().digest_size * 2
    assert _run_with(blender_python, checkout) == own
