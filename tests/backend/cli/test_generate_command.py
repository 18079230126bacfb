# SPDX-License-Identifier: Apache-2.0
"""Meshes from the command line, and what is said when there can be none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trimesh

from unrender.atomic_file import write_atomically
from unrender.errors import DiskFullError

Unrender = Callable[..., Any]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_watertight_files(unrender: Unrender, model: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        made = unrender("generate", "--model", "stools-8", "--seed", 7, "--count", 3, "--out", tmp_path / folder)
        assert made.code == 0, made.err
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert list(contents(tmp_path / "a")) == ["stool_0007.glb", "stool_0008.glb", "stool_0009.glb"]
    assert made.out.split() == [str(tmp_path / "b" / name) for name in contents(tmp_path / "b")]
    assert len(set(contents(tmp_path / "a").values())) == 3
    for path in (tmp_path / "a").iterdir():
        mesh = trimesh.load_mesh(path)
        mesh.merge_vertices()
        assert mesh.is_watertight
        assert mesh.volume > 0


def test_a_shape_depends_on_its_own_seed_only(unrender: Unrender, model: Path, tmp_path: Path) -> None:
    unrender("generate", "--model", "stools-8", "--seed", 7, "--count", 2, "--out", tmp_path / "two")
    unrender("generate", "--model", model, "--seed", 8, "--out", tmp_path / "one")
    assert contents(tmp_path / "two")["stool_0008.glb"] == contents(tmp_path / "one")["stool_0008.glb"]


@pytest.mark.parametrize("suffix", ["obj", "ply", "stl"])
def test_other_formats_and_a_report_for_programs(unrender: Unrender, model: Path, tmp_path: Path, suffix: str) -> None:
    made = unrender("generate", "--model", "stools-8", "--format", suffix, "--out", tmp_path / "out", "--json")
    report = json.loads(made.out)
    assert report["model"] == "stools-8"
    (file,) = report["files"]
    assert file["path"] == str(tmp_path / "out" / f"stool_0000.{suffix}")
    assert len(trimesh.load_mesh(file["path"]).faces) == file["faces"] > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--count", "0"], "greater than or equal to 1"),
        (["--format", "fbx"], "'fbx' is not one of"),
        (["--threshold", "2"], "less than or equal to 0.99"),
        (["--sed", "7"], "No such option"),
    ],
)
def test_wrong_usage_is_exit_code_two(unrender: Unrender, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    outcome = unrender("generate", "--model", "stools-8", "--out", tmp_path / "out", *arguments)
    assert outcome.code == 2
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err


def fails_with_a_sentence(outcome: Any, *words: str) -> None:
    assert outcome.code == 1, outcome
    said = [line for line in outcome.err.splitlines() if not line.startswith("generate: ")]  # progress
    assert len(said) == 1
    assert said[0].startswith("unrender: ")
    assert "Traceback" not in outcome.err
    assert "internal error" not in outcome.err
    for word in words:
        assert word in outcome.err


def test_a_missing_model_is_named_with_those_that_are_there(unrender: Unrender, model: Path, tmp_path: Path) -> None:
    outcome = unrender("generate", "--model", "sofas", "--out", tmp_path / "out")
    fails_with_a_sentence(outcome, "no model 'sofas'", "stools-8")
    assert not (tmp_path / "out").exists()


def test_a_run_without_a_checkpoint(unrender: Unrender, model: Path, tmp_path: Path) -> None:
    (model / "model.safetensors").unlink()
    fails_with_a_sentence(unrender("generate", "--model", "stools-8", "--out", tmp_path / "out"), "no checkpoint")


@pytest.mark.parametrize("keep", [0, 7, 0.5, 0.99])
def test_a_truncated_checkpoint(unrender: Unrender, model: Path, tmp_path: Path, keep: float) -> None:
    weights = model / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    fails_with_a_sentence(unrender("generate", "--model", "stools-8", "--out", tmp_path / "out"), "model.safetensors")
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_another_version(unrender: Unrender, model: Path, tmp_path: Path) -> None:
    weights = model / "model.safetensors"
    header_size = int.from_bytes(weights.read_bytes()[:8], "little")
    header = json.loads(weights.read_bytes()[8 : 8 + header_size])
    header["__metadata__"]["unrender_format"] = "99"
    changed = json.dumps(header).encode()
    changed += b" " * (-len(changed) % 8)
    weights.write_bytes(len(changed).to_bytes(8, "little") + changed + weights.read_bytes()[8 + header_size :])
    fails_with_a_sentence(unrender("generate", "--model", "stools-8", "--out", tmp_path / "out"), "format 99")


def test_a_full_disk(unrender: Unrender, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out"
    out.mkdir()
    (out / "stool_0000.glb").write_bytes(b"an older one")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(DiskFullError):
            write_atomically(out / "x", lambda path: full())
        outcome = unrender("generate", "--model", "stools-8", "--out", out)
    fails_with_a_sentence(outcome, "disk is full")
    assert contents(out) == {"stool_0000.glb": b"an older one"}
