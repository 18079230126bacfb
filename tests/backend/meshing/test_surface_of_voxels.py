# SPDX-License-Identifier: Apache-2.0
"""Voxels to meshes: closed, oriented, in place, without stairs, with thin parts, within a number of faces."""

import math

import numpy as np
import pytest

from unrender.data.procedural import make_shape
from unrender.geometry.meshes import Mesh
from unrender.meshing import clean_up, decimate, is_watertight, signed_volume, voxels_to_mesh
from unrender.meshing.extraction import upsample
from unrender.meshing.topology import count_components, face_normals


def grid_of(resolution):
    centre = (np.arange(resolution) + 0.5) / resolution - 0.5
    return np.meshgrid(centre, centre, centre, indexing="ij")


def ball(resolution, radius=0.4):
    x, y, z = grid_of(resolution)
    return x**2 + y**2 + z**2 < radius**2


def assert_sound(mesh):
    assert is_watertight(mesh)
    assert count_components(mesh) == 1
    assert signed_volume(mesh) > 0.0
    assert face_normals(mesh.vertices, mesh.faces)[1].min() > 0.0


def test_a_ball_has_its_radius_volume_and_outward_normals():
    mesh = voxels_to_mesh(ball(32))
    assert_sound(mesh)
    radius = np.linalg.norm(mesh.vertices, axis=1)
    assert radius.mean() == pytest.approx(0.4, abs=0.01)
    assert radius.std() < 0.2 / 32  # voxels' stairs alone have .29
    assert signed_volume(mesh) == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.05)
    normals, _ = face_normals(mesh.vertices, mesh.faces)
    outward = mesh.vertices[mesh.faces].mean(1)
    assert ((normals * outward).sum(1) > 0).all()


def test_a_box_keeps_flat_faces_its_place_and_its_volume():
    occupancy = np.zeros((32, 32, 32), np.float32)
    occupancy[4:20, 8:24, 10:28] = 1.0
    mesh = voxels_to_mesh(occupancy)
    assert_sound(mesh)
    assert signed_volume(mesh) == pytest.approx(occupancy.mean(), rel=0.06)
    assert mesh.vertices.min(0) == pytest.approx(np.array([4, 8, 10]) / 32 - 0.5, abs=0.006)
    assert mesh.vertices.max(0) == pytest.approx(np.array([20, 24, 28]) / 32 - 0.5, abs=0.006)
    top = mesh.vertices[mesh.vertices[:, 2] > 28 / 32 - 0.5 - 0.5 / 32]
    inner = top[(np.abs(top[:, :2] - [-0.125, 0.0]) < 0.15).all(1)]
    assert len(inner) > 20
    assert np.ptp(inner[:, 2]) < 0.06 / 32


def test_smoothing_takes_the_stairs_off_a_slope():
    x, y, z = grid_of(32)
    slope = (np.abs(x) < 0.3) & (np.abs(y) < 0.3) & (z < 0.25 * x) & (z > -0.3)
    true = np.array([-0.25, 0.0, 1.0]) / math.hypot(0.25, 1.0)

    def roughness(mesh):
        normals, areas = face_normals(mesh.vertices, mesh.faces)
        middle = mesh.vertices[mesh.faces].mean(1)
        upper = (np.abs(middle[:, :2]) < 0.2).all(1) & (middle[:, 2] > -0.15)
        angle = np.degrees(np.arccos(np.clip(normals[upper] @ true, -1, 1)))
        return float((angle * areas[upper]).sum() / areas[upper].sum())

    assert roughness(voxels_to_mesh(slope)) < 0.5 * roughness(voxels_to_mesh(slope, smoothing=0.0))


@pytest.mark.parametrize("thickness", [1, 2])
def test_thin_legs_survive(thickness):
    occupancy = np.zeros((32, 32, 32), bool)
    occupancy[6:26, 6:26, 18:22] = True
    for corner in (6, 26 - thickness):
        for other in (6, 26 - thickness):
            occupancy[corner : corner + thickness, other : other + thickness, 4:18] = True
    mesh = voxels_to_mesh(occupancy)
    assert_sound(mesh)
    assert mesh.vertices[:, 2].min() == pytest.approx(4 / 32 - 0.5, abs=0.5 / 32)
    legs = mesh.vertices[(mesh.vertices[:, 2] < -0.1) & (mesh.vertices[:, 0] < 0) & (mesh.vertices[:, 1] < 0)]
    assert np.ptp(legs[:, 0]) > 0.4 * thickness / 32


@pytest.mark.parametrize(("smoothing", "resolution"), [(1.0, 1), (0.0, 1), (1.0, 2), (0.3, 2)])
@pytest.mark.parametrize("name", ["chair", "bathtub", "couch"])
def test_noisy_generators_give_sound_meshes(name, smoothing, resolution):
    noise = np.random.default_rng(0)
    for seed in range(4 if resolution == 1 else 1):
        shape = make_shape(name, seed, 32)
        occupancy = np.clip(shape + noise.normal(0.0, 0.3, shape.shape), 0.0, 1.0).astype(np.float32)
        assert_sound(voxels_to_mesh(occupancy, 0.6, smoothing, resolution=resolution))


def test_voxels_that_touch_by_an_edge_or_a_corner_give_a_sound_mesh():
    checkerboard = np.indices((8, 8, 8)).sum(0) % 2 == 0
    assert_sound(voxels_to_mesh(checkerboard))
    assert_sound(voxels_to_mesh(np.eye(8, dtype=bool)[:, :, None] & np.eye(8, dtype=bool)[:, None, :]))


def test_only_the_largest_piece_and_no_hidden_cavity_is_meshed():
    occupancy = ball(32)
    occupancy[14:18, 14:18, 14:18] = False
    occupancy[0:2, 0:2, 0:2] = True
    mesh = voxels_to_mesh(occupancy)
    assert count_components(mesh) == 1
    assert np.linalg.norm(mesh.vertices, axis=1).max() < 0.45


@pytest.mark.parametrize("resolution", [1, 2])
def test_a_shape_that_touches_the_border_is_closed(resolution):
    mesh = voxels_to_mesh(np.ones((8, 8, 8), np.float32), resolution=resolution)
    assert_sound(mesh)
    assert mesh.vertices.max(0) == pytest.approx(np.full(3, 0.5), abs=0.5 / 8)


def test_twice_the_resolution_finds_the_surface_between_the_voxels():
    x, y, z = grid_of(16)
    soft = np.clip(0.5 + (0.35 - np.sqrt(x**2 + y**2 + z**2)) * 16, 0.0, 1.0).astype(np.float32)  # a ball of radius .35
    coarse, fine = (voxels_to_mesh(soft, resolution=factor) for factor in (1, 2))
    off = [abs(np.linalg.norm(mesh.vertices, axis=1) - 0.35).mean() for mesh in (coarse, fine)]
    assert off[1] < 0.7 * off[0]
    assert 3 * len(coarse.faces) < len(fine.faces) < 5 * len(coarse.faces)
    assert_sound(fine)


def test_upsampling_is_trilinear_between_the_centres_of_voxels():
    ramp = np.broadcast_to(np.array([0.0, 0.4, 0.8], np.float32)[:, None, None], (3, 2, 2))
    fine = upsample(ramp, 2)
    assert fine.shape == (6, 4, 4)
    assert fine[:, 1, 1] == pytest.approx(np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.6]))


@pytest.mark.parametrize(("blur_passes", "resolution"), [(0, 1), (0, 2), (2, 1), (2, 2)])
def test_smoothing_from_none_to_full_takes_more_and_more_of_the_steps_off(blur_passes, resolution):
    noise = np.random.default_rng(2).random((16, 16, 16)) < 0.05
    rough = ball(16) ^ (noise & ball(16, 0.45))

    def spread(smoothing):
        mesh = voxels_to_mesh(rough, 0.5, smoothing, None, blur_passes, resolution)
        return np.linalg.norm(mesh.vertices, axis=1).std()

    none, half, full = (spread(smoothing) for smoothing in (0.0, 0.5, 1.0))
    assert full <= half < none


def test_nothing_above_the_threshold_is_an_empty_mesh():
    mesh = voxels_to_mesh(np.full((8, 8, 8), 0.4, np.float32), threshold=0.5)
    assert (mesh.vertices.shape, mesh.faces.shape) == ((0, 3), (0, 3))
    assert not is_watertight(mesh)


def test_the_same_voxels_give_the_same_mesh():
    first, second = (voxels_to_mesh(make_shape("chair", 3, 32), max_faces=800) for _ in range(2))
    assert np.array_equal(first.vertices, second.vertices)
    assert np.array_equal(first.faces, second.faces)


@pytest.mark.parametrize("name", ["chair", "table", "mushroom"])
def test_decimation_keeps_to_its_bound_and_the_mesh_sound(name):
    for seed in range(3):
        mesh = voxels_to_mesh(make_shape(name, seed, 32))
        fewer = decimate(mesh, 1001)
        assert_sound(fewer)
        assert len(fewer.faces) <= 1001 < len(mesh.faces)
        assert signed_volume(fewer) == pytest.approx(signed_volume(mesh), rel=0.1)


def test_decimation_leaves_small_meshes_alone_and_refuses_nonsense():
    mesh = voxels_to_mesh(ball(8))
    assert decimate(mesh, 10**6) is mesh
    with pytest.raises(ValueError, match="at least 4"):
        decimate(mesh, 3)


def test_clean_up_welds_turns_outward_and_keeps_the_largest_piece():
    big, small = voxels_to_mesh(ball(16)), voxels_to_mesh(ball(16, 0.2))
    soup = np.concatenate([big.vertices[big.faces[:, ::-1]].reshape(-1, 3), small.vertices[small.faces].reshape(-1, 3)])
    faces = np.arange(len(soup), dtype=np.int32).reshape(-1, 3)
    clean = clean_up(Mesh(soup + np.float32(0.0), faces))
    assert_sound(clean)
    assert len(clean.vertices) == len(big.vertices)
    assert signed_volume(clean) == pytest.approx(signed_volume(big), rel=1e-5)
    assert len(clean_up(clean, smoothing=0.01, max_faces=200).faces) <= 200
