# SPDX-License-Identifier: Apache-2.0
"""Commands with a model of textured meshes: files and films of it, and sentences for what it has no use for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image, ImageSequence

from tests.blender_addon.textured_model import make_textured_model
from unrender.methods.models import Model
from unrender.methods.textured_mesh_gan.measuring import measures
from unrender.methods.textured_mesh_gan.measuring.metric_list import DEFAULT

Unrender = Callable[..., Any]


@pytest.fixture
def plums(home: Path) -> Path:
    """Fresh networks as a run of this user, called `plums-16`."""
    folder = home / "runs" / "plums-16"
    make_textured_model(folder)
    return folder


def said(outcome: Any) -> str:
    """The one sentence of a command that failed."""
    assert outcome.code == 1, outcome
    lines = [line for line in outcome.err.splitlines() if line.startswith("unrender: ")]
    assert len(lines) == 1
    assert "Traceback" not in outcome.err
    return str(lines[0])


def test_models_know_their_method_without_a_card(unrender: Unrender, plums: Path) -> None:
    listed = {entry["name"]: entry for entry in json.loads(unrender("models", "list", "--json").out)["models"]}
    assert listed["plums-16"]["method"] == "textured_mesh_gan"
    assert {entry["method"] for name, entry in listed.items() if name != "plums-16"} <= {
        "voxel_gan",
        "textured_mesh_gan",
    }
    assert "method: textured_mesh_gan" in unrender("models", "show", plums).out


def test_the_same_seed_gives_the_same_closed_and_textured_files(
    unrender: Unrender, plums: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        made = unrender("generate", "--model", "plums-16", "--seed", 4, "--count", 2, "--out", tmp_path / folder)
        assert made.code == 0, made.err
    names = [path.name for path in sorted((tmp_path / "a").iterdir())]
    assert names == ["plum_0004.glb", "plum_0005.glb"]
    contents = [[(tmp_path / folder / name).read_bytes() for name in names] for folder in ("a", "b")]
    assert contents[0] == contents[1]
    assert contents[0][0] != contents[0][1]
    (surface,) = trimesh.load(tmp_path / "a" / names[0], process=False).geometry.values()
    texture = np.asarray(surface.visual.material.baseColorTexture.convert("RGB"))
    assert len(np.unique(texture.reshape(-1, 3), axis=0)) > 10
    surface.merge_vertices(merge_tex=True, merge_norm=True)
    assert surface.is_watertight
    assert surface.volume > 0


def test_shapes_between_two_seeds(unrender: Unrender, plums: Path, tmp_path: Path) -> None:
    words = ["generate", "--model", "plums-16", "--seed", 4, "--towards", 9, "--out", tmp_path / "out"]
    files = json.loads(unrender(*words, "--count", 3, "--json").out)["files"]
    assert [Path(file["path"]).name for file in files] == [f"plum_0004_0009_{index:02d}.glb" for index in range(3)]
    assert [(file["seed"], file["towards"], file["share"]) for file in files] == [
        (4, 9, share / 2) for share in range(3)
    ]
    assert "at least 2 were expected" in said(unrender(*words))


def test_obj_has_its_picture_and_stl_says_that_it_has_none(unrender: Unrender, plums: Path, tmp_path: Path) -> None:
    made = unrender("generate", "--model", "plums-16", "--format", "obj", "--out", tmp_path / "obj", "--json")
    (file,) = json.loads(made.out)["files"]
    assert file["texture"] == [18, 18]
    assert sorted(path.suffix for path in (tmp_path / "obj").iterdir()) == [".mtl", ".obj", ".png"]
    made = unrender("generate", "--model", "plums-16", "--format", "stl", "--out", tmp_path / "stl")
    assert made.code == 0
    assert ".stl carries no texture" in made.err
    assert [path.name for path in (tmp_path / "stl").iterdir()] == ["plum_0000.stl"]


@pytest.mark.parametrize(
    "option", [["--threshold", "0.4"], ["--resolution", "2"], ["--no-smooth"], ["--max-faces", "500"]]
)
def test_settings_of_voxels_are_refused(unrender: Unrender, plums: Path, tmp_path: Path, option: list[str]) -> None:
    outcome = unrender("generate", "--model", "plums-16", "--out", tmp_path / "out", *option)
    assert "plums-16 makes surfaces with a texture and no voxels" in said(outcome)
    assert not (tmp_path / "out").exists()


def test_films(unrender: Unrender, plums: Path, tmp_path: Path) -> None:
    film = ["generate", "--model", "plums-16", "--frames", "8", "--size", "32"]
    made = unrender(*film, "--count", "2", "--film", "turn", "--out", tmp_path / "turn.gif", "--json")
    assert made.code == 0, made.err
    (file,) = json.loads(made.out)["files"]
    assert file == {"path": str(tmp_path / "turn.gif"), "film": "turn", "seeds": [0, 1], "frames": 8}
    with Image.open(tmp_path / "turn.gif") as read:
        frames = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(read)]
    assert [frame.shape for frame in frames] == [(32, 64, 3)] * 8
    steps = [np.abs(frames[index] - frames[index - 1]).mean() for index in range(8)]
    assert steps[0] < 1.5 * max(steps[1:]), "the last frame is as far from the first as any from the next"

    made = unrender(*film, "--count", "2", "--film", "identity", "--out", tmp_path / "seeds.gif")
    assert made.out.split() == [str(tmp_path / "seeds.gif")]
    alone = unrender(*film, "--film", "identity", "--out", tmp_path / "alone.gif")
    assert "of 1 shapes" in said(alone)
    assert "'.avi'" in said(unrender(*film, "--film", "turn", "--out", tmp_path / "film.avi"))
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["seeds.gif", "turn.gif"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--film", "turn", "--out", "."], "is a folder"),
        (["--frames", "9", "--out", "out"], "add --film"),
        (["--out", "film.gif"], "would be a film"),
        (["--out", "file"], "is a file"),
        (["--film", "dance", "--out", "film.gif"], "'dance' is not one of"),
    ],
)
def test_wrong_usage_of_films(
    unrender: Unrender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    outcome = unrender("generate", "--model", "plums-16", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.err


@pytest.mark.parametrize("option", [["--threshold", "0.4"], ["--shapes", "chair"], ["--sanity"], ["--report"]])
def test_measures_of_voxels_are_refused(unrender: Unrender, plums: Path, option: list[str]) -> None:
    sentence = said(unrender("evaluate", "plums-16", *option))
    assert f"{option[0]} is of models of voxels, but plums-16 makes surfaces with a texture" in sentence


def test_evaluate_takes_the_measures_of_the_method(
    unrender: Unrender, plums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def measure(model: Model, *arguments: Any) -> dict[str, Any]:
        asked.append((model.name, *arguments[:5]))
        return {"kid": 0.25}

    assert "'grids'" in said(unrender("evaluate", "plums-16", "--metrics", "grids"))
    monkeypatch.setattr(measures, "measure", measure)
    assert json.loads(unrender("evaluate", "plums-16", "--count", "16", "--data", tmp_path).out) == {"kid": 0.25}
    assert unrender("evaluate", "plums-16", "--metrics", "kid, identity", "--seed", "3").code == 0
    assert asked == [
        ("plums-16", tmp_path, DEFAULT, 16, 0, None),
        ("plums-16", None, ("kid", "identity"), 400, 3, None),
    ]


def test_training_a_run_of_the_other_method_is_a_sentence(unrender: Unrender, plums: Path, tmp_path: Path) -> None:
    before = (plums / "config.toml").read_bytes()
    sentence = said(unrender("train", "voxel_gan", "--data", tmp_path, "--out", plums, "--resume"))
    assert "holds a run of textured_mesh_gan" in sentence
    assert "Name that method" in sentence
    assert (plums / "config.toml").read_bytes() == before
    sentence = said(unrender("train", "textured_mesh_gan", "--shapes", "chair", "--out", tmp_path / "run"))
    assert "unrender render-dataset --source" in sentence
    assert "Add --data" in said(unrender("train", "textured_mesh_gan", "--out", tmp_path / "run"))
    assert not (tmp_path / "run").exists()
