# SPDX-License-Identifier: Apache-2.0
"""The kinds of jobs that clients may ask for, and the parameters they accept."""

from dataclasses import replace
from typing import Any

import pytest

from unrender.errors import UserError
from unrender.meshing import FINEST
from unrender.serving.handlers import GenerateParameters, TrainParameters, job_kinds, shape_name

TRAIN = {"method": "voxel_gan", "config": "iggan-32", "name": "my-run"}


def test_the_list_of_kinds_is_closed() -> None:
    assert sorted(job_kinds()) == ["generate", "render_dataset", "train"]


def test_generate_takes_what_the_panel_sends() -> None:
    sent = {"model": "chairs-32", "seed": 7, "count": 9, "threshold": 0.4, "variety": 1, "max_faces": None}
    expected = GenerateParameters("chairs-32", 7, 9, 0.4, 1.0, None, True)
    assert job_kinds()["generate"].check(sent) == expected
    finer = {**sent, "smoothing": 0.5, "resolution": FINEST}
    assert job_kinds()["generate"].check(finer) == replace(expected, smoothing=0.5, resolution=FINEST)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count": 0}, "count is 0, but 1 to 64"),
        ({"count": 65}, "count is 65, but 1 to 64"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1 << 40}, "seed is"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"variety": float("inf")}, "variety is inf"),
        ({"max_faces": 3}, "max_faces is 3"),
        ({"smoothing": 1.5}, "smoothing is 1.5, but 0.0 to 1.0"),
        ({"resolution": FINEST + 1}, f"resolution is {FINEST + 1}, but 1 to {FINEST}"),
        ({"smooth": 1}, "'smooth' is 1, but a value of type bool"),
        ({"model": 5}, "'model' is 5"),
        ({"path": "../../secret"}, "Unknown setting 'path'"),
    ],
)
def test_generate_refuses_what_it_cannot_do(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        job_kinds()["generate"].check({"model": "chairs-32", **change})
    assert caught.value.tag == "bad_request"


def test_train_takes_a_preset_and_settings() -> None:
    overrides = {"total_images": 20000, "views.elevation_degrees": [15.0, 60.0], "renderer.kind": "ray_march"}
    checked = job_kinds()["train"].check({**TRAIN, "overrides": overrides})
    assert checked == TrainParameters(**TRAIN, overrides=overrides)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../elsewhere"},
        {"name": ""},
        {"name": "a" * 65},
        {"config": "/etc/passwd"},
        {"config": "evil.toml"},
        {"method": "os.system"},
        {"overrides": {"x y": 1}},
        {"overrides": {"a": "../../b"}},
        {"overrides": {"a": 'b"\nc=1'}},
        {"overrides": {"a": float("nan")}},
        {"overrides": {"a": {"b": 1}}},
        {"overrides": [1]},
    ],
)
def test_train_takes_no_paths_and_no_code(change: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        job_kinds()["train"].check({**TRAIN, **change})
    assert caught.value.tag == "bad_request"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("chairs-32", "chair_0007"),
        ("bathtubs-32", "bathtub_0007"),
        ("glass", "glass_0007"),
        ("tomatoes", "tomato_0007"),
        ("cherries-64", "cherry_0007"),
        ("pies", "pie_0007"),
        ("64x", "shape_0007"),
    ],
)
def test_objects_are_named_after_their_model_and_seed(model: str, name: str) -> None:
    assert shape_name(model, 7) == name
