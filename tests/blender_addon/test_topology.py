# SPDX-License-Identifier: Apache-2.0
"""Edges found by numpy, against what can be counted by hand; Blender's own are compared in scene_cases.py."""

from __future__ import annotations

import numpy as np

from blender_addon.connection.shapes import read_shapes
from blender_addon.connection.topology import find_topology
from tests.blender_addon.fake_server import cube


def test_every_edge_of_a_box_is_found_once_and_its_corners_are_sharp() -> None:
    vertices, faces = cube(1.0, 2.0)
    topology = find_topology(vertices, faces)
    assert topology.edges.dtype == topology.corner_edges.dtype == np.int32
    assert len(topology.edges) == 18
    assert (topology.edges[:, 0] < topology.edges[:, 1]).all()
    assert len({tuple(edge) for edge in topology.edges.tolist()}) == 18
    assert (np.bincount(topology.corner_edges) == 2).all()
    along_one_axis = (vertices[topology.edges[:, 0]] != vertices[topology.edges[:, 1]]).sum(axis=1) == 1
    assert np.array_equal(topology.sharp, along_one_axis), "the diagonals of its sides are flat"


def test_each_corner_leads_to_the_edge_to_the_next_corner_of_its_face() -> None:
    vertices, faces = cube(1.0, 1.0)
    topology = find_topology(vertices, faces)
    pairs = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    assert np.array_equal(topology.edges[topology.corner_edges], np.sort(pairs, axis=1))


def test_an_edge_of_three_faces_or_of_faces_that_disagree_is_sharp_and_a_border_is_not() -> None:
    flat = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 0.1]], np.float32)
    for faces, expected in (
        ([[0, 1, 2], [2, 1, 3]], []),
        ([[0, 1, 2], [1, 2, 3]], [(1, 2)]),
        ([[0, 1, 2], [2, 1, 3], [2, 1, 4]], [(1, 2)]),
    ):
        topology = find_topology(flat, np.array(faces, np.int32))
        assert [tuple(edge) for edge in topology.edges[topology.sharp].tolist()] == expected


def test_faces_that_are_lines_are_left_out_of_a_result() -> None:
    vertices, faces = cube(1.0, 2.0)
    arrays = {"vertices_0": vertices, "faces_0": np.concatenate([faces, np.array([[3, 3, 1]], np.int32)])}
    (shape,) = read_shapes({"shapes": [{"index": 0, "seed": 1, "name": "box_0001"}]}, arrays)
    assert np.array_equal(shape.faces, faces)
    assert shape.size == (1.0, 1.0, 2.0)
