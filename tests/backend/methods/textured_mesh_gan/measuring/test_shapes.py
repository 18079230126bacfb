# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from unrender.data.known_objects import KnownObjects
from unrender.data.procedural.meshes import make_mesh
from unrender.geometry.cameras import Cameras
from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.measuring import shapes as shapes_module
from unrender.methods.textured_mesh_gan.measuring.shapes import SeenShapes, picture_figures, set_figures
from unrender.training.progress import ignore_progress, never_cancelled
from unrender.training.work import Work

WORK = Work(ignore_progress, never_cancelled)


def _cameras(*angles: tuple[float, float], width: float = 1.0, field_of_view: float | None = None) -> Cameras:
    azimuth, elevation = torch.tensor(angles).T
    return Cameras(azimuth, elevation, width, field_of_view)


def _sphere(radius: float = 0.3) -> Mesh:
    sphere = octahedral_sphere(12)
    return Mesh(radius * sphere.vertices, sphere.faces)


def _mushroom(seed: int = 3, turn: float = 0.0) -> Mesh:
    vertices, faces = make_mesh("mushroom", seed, 24)
    c, s = math.cos(turn), math.sin(turn)
    return Mesh((vertices @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])).astype(np.float32), faces)


def test_a_sphere_is_the_sphere_that_fits_its_mask() -> None:
    seen = SeenShapes([_sphere()], _cameras((0.0, 0.2)), 64, WORK)
    figures = picture_figures(seen, seen)
    assert figures["shape_depth_error"] == pytest.approx(0.0, abs=1e-6)
    assert figures["shape_depth_error_sphere"] < 0.004
    assert figures["shape_iou"] == 1.0
    assert figures["shape_iou_sphere"] > 0.93
    assert figures["shape_mask_iou"] == 1.0


def test_the_right_shape_beats_the_sphere_whatever_frame_it_lives_in() -> None:
    """Found in a frame of its own: turned, through another lens, with another width."""
    true = SeenShapes([_mushroom()], _cameras((0.4, 0.1), width=1.1), 64, WORK)
    other = _mushroom(turn=0.9)
    lens = math.radians(10.0)
    found = SeenShapes([other], _cameras((1.3, 0.1), width=1.1, field_of_view=lens), 64, WORK)
    figures = picture_figures(found, true)
    assert figures["shape_iou"] > 0.85 > 0.7 > figures["shape_iou_sphere"]
    assert figures["shape_beats_sphere"] == 1.0
    assert figures["shape_depth_error"] < 0.4 * figures["shape_depth_error_sphere"]
    assert figures["shape_mask_iou"] > 0.9


def test_a_flat_shape_has_the_error_of_flatness() -> None:
    true = SeenShapes([_sphere()], _cameras((0.0, 0.0)), 64, WORK)
    flattened = Mesh(_sphere().vertices * np.array([1.0, 1e-3, 1.0], np.float32), _sphere().faces)
    figures = picture_figures(SeenShapes([flattened], _cameras((0.0, 0.0)), 64, WORK), true)
    # Of a half sphere of radius r over its disc the mean depth is 2 r / 3; the mean deviation from it, with
    # u = depth / r of density 2 u, is 2 * int_{2/3}^1 (u - 2/3) 2 u du = 28 / 81 ... / r.
    expected = 0.3 * 2.0 * (2.0 / 3.0 * (1.0 - (2.0 / 3.0) ** 3) - 2.0 / 3.0 * (1.0 - (2.0 / 3.0) ** 2))
    assert figures["shape_depth_error_flat"] == pytest.approx(expected, rel=0.05)
    assert figures["shape_iou"] < 0.35


@pytest.fixture
def few_known(monkeypatch: pytest.MonkeyPatch) -> KnownObjects:
    monkeypatch.setattr(shapes_module, "RESOLUTION", 16)
    return KnownObjects(("a.png",), (0,), _cameras((0.0, 0.0), width=1.1), "mushroom", 16)


def test_the_class_itself_beats_spheres_as_a_set(few_known: KnownObjects) -> None:
    mushrooms = [_mushroom(seed, turn=0.5 * seed) for seed in range(3)]
    figures = set_figures(mushrooms, 1.1, few_known, WORK)
    assert figures["set_shapes"] == 3
    assert figures["set_mmd_iou"] < figures["set_sphere_iou"]
    assert figures["set_mmd_chamfer"] < figures["set_sphere_chamfer"]


def test_spheres_come_no_nearer_than_spheres(few_known: KnownObjects) -> None:
    figures = set_figures([_sphere(0.1 + 0.05 * k) for k in range(3)], 1.1, few_known, WORK)
    assert figures["set_mmd_iou"] > figures["set_sphere_iou"]
    assert figures["set_1nna_iou"] > 0.5


def test_generated_objects_themselves_are_covered(few_known: KnownObjects) -> None:
    own = [Mesh(*make_mesh("mushroom", shapes_module.HELD_OUT_SEED + k, 16)) for k in range(3)]
    figures = set_figures(own, 1.1, few_known, WORK)
    assert figures["set_mmd_iou"] == pytest.approx(0.0, abs=1e-6)
    assert figures["set_coverage_iou"] == 1.0


def test_without_volumes_there_are_no_sets(few_known: KnownObjects) -> None:
    nothing = Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.int32))
    assert set_figures([nothing], 1.1, few_known, WORK) == {}
