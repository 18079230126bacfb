# SPDX-License-Identifier: Apache-2.0
"""The benchmark of a textured-mesh GAN's step, small: its report is complete and adds up. How fast is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


def test_a_step_is_split_into_its_parts(unrender: Callable[..., Any]) -> None:
    flags = ("--method", "textured_mesh_gan", "--config", "textured-16", "--steps", "16", "--json")
    ran = unrender("bench", "train-step", *flags)
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    assert result["steps"] == 16
    ways = {
        "generator": {"forward", "backward"},
        "rasterizer": {"forward", "backward"},
        "discriminator": {"update", "verdict"},
    }
    assert {part: set(seconds) for part, seconds in result["seconds"].items()} == ways
    assert all(value > 0.0 for seconds in result["seconds"].values() for value in seconds.values())
    assert sum(result["shares"].values()) == pytest.approx(1.0, abs=1e-6)
    spent = sum(result["seconds"]["rasterizer"].values())
    assert result["rasterizer_share"] == pytest.approx(spent / result["step_seconds"])
    assert result["ok"] is (result["rasterizer_share"] <= result["rasterizer_share_allowed"] == 0.25)
    assert result["images_per_second"] == pytest.approx(result["batch_size"] / result["step_seconds"])
    assert result["peak_memory_bytes"] > 1e6
    assert result["faces"] == 2 * 8 * 8


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--method", "mesh_gan"], "no method 'mesh_gan'"),
        (["--method", "textured_mesh_gan", "--compile"], "is not compiled"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    flags: list[str], sentence: str, unrender: Callable[..., Any]
) -> None:
    ran = unrender("bench", "train-step", *flags)
    assert ran.code == 2
    assert sentence in " ".join(ran.err.split())
