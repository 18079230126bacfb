# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the rasteriser, small: what it reports is complete and adds up. How fast it was is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from unrender.cli.benchmarks.raster_workload import Scene, moved_bytes, peak_memory, refined, timed, wavy_ball

CPU = torch.device("cpu")
TINY = ["--voxels", "8", "--pixels", "16", "--batch", "1", "--rounds", "2"]


def rows(unrender: Callable[..., Any], *flags: str) -> list[dict[str, Any]]:
    ran = unrender("bench", "raster", "--json", "--device", "cpu", *flags)
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def test_a_row_has_both_rates_their_ratio_its_limit_and_the_clock(unrender: Callable[..., Any]) -> None:
    (row,) = rows(unrender, "--only", "reference", *TINY)
    assert row["row"] == "reference-16-1"
    assert row["rounds"] == 2
    assert row["ok"] is (row["ratio"] >= row["at_least"])
    assert 0 < row["lowest_ratio"] <= row["ratio"] <= row["highest_ratio"]
    settings = row["settings"]
    assert (settings["pixels"], settings["batch"], settings["device"]) == (16, 1, "cpu")
    assert settings["wall"]["ratio"] > 0


def test_the_scaling_table_has_times_and_memory_over_faces_and_pixels(unrender: Callable[..., Any]) -> None:
    table = rows(unrender, "--only", "scaling", "--largest", "64", "--most-faces", "2000")
    assert [(row["faces"], row["pixels"]) for row in table] == [(1044, 64)]
    for row in table:
        for name in ("rasterise", "learn"):
            assert row[name]["milliseconds"] > 0
            assert row[name]["processor_milliseconds"] > 0
            assert row[name]["megabytes"] >= 0


@pytest.mark.peer
def test_pytorch3d_is_measured_where_it_is_installed(unrender: Callable[..., Any]) -> None:
    pytest.importorskip("pytorch3d")
    kinds = ["rasterize", "soft-1", "soft-10"]
    found = rows(unrender, *(flag for kind in kinds for flag in ("--only", kind)), *TINY)
    assert [row["row"] for row in found] == [f"{kind}-16-1" for kind in kinds]
    assert [row["at_least"] for row in found] == [300.0, 50.0, 120.0]


@pytest.mark.parametrize(("flags", "named"), [(["--only", "faster"], "scaling"), (["--device", "abacus"], "auto, cpu")])
def test_what_is_not_known_is_refused_with_what_is(flags: list[str], named: str, unrender: Callable[..., Any]) -> None:
    ran = unrender("bench", "raster", *flags)
    assert ran.code == 2
    assert flags[1] in ran.err
    assert named in ran.err


def test_the_mesh_is_the_same_closed_one_every_time_and_stays_closed_when_it_is_refined() -> None:
    vertices, faces = wavy_ball(10)
    again = wavy_ball(10)
    assert np.array_equal(vertices, again[0])
    assert np.array_equal(faces, again[1])
    finer, parts = refined(vertices, faces)
    assert len(parts) == 4 * len(faces)
    assert len(finer) - len(parts) // 2 == 2  # Euler, of a closed surface without holes

    def area(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
        a, b, c = (points[corners[:, k]].astype(np.float64) for k in range(3))
        return np.cross(b - a, c - a).sum(axis=0), np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()

    assert area(finer, parts)[1] == pytest.approx(area(vertices, faces)[1], rel=1e-5)
    assert np.allclose(area(finer, parts)[0], 0.0, atol=1e-5)


def test_a_scene_draws_and_learns_on_every_backend_and_leaves_no_gradient_behind() -> None:
    mesh = wavy_ball(6)
    scene = Scene(mesh, 12, 2, CPU)
    slow = Scene(mesh, 12, 2, CPU, backend="reference")
    assert torch.equal(scene.rasterise().face, slow.rasterise().face)
    scene.learn()
    assert scene.mesh.vertices.grad is None
    fragments = scene.rasterise()
    pixels = 2 * 12 * 12
    assert moved_bytes(scene, fragments) == 2 * len(mesh[0]) * 12 + len(mesh[1]) * 12 + pixels * (4 + 12 + 4)


def test_timings_are_per_call_and_the_least() -> None:
    calls: list[int] = []
    timing = timed(lambda: calls.append(sum(range(20_000))), CPU, least=0.05)
    assert len(calls) > 1
    assert timing.processor > 0
    assert 0 < timing.wall < 0.05


def test_the_highest_memory_counts_not_the_last() -> None:
    with peak_memory(CPU) as peak:
        for _ in range(3):
            np.ones(8 << 20).sum()  # 64 MiB, given back at once
    assert peak.megabytes > 40
