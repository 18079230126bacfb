# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from unrender.errors import CheckpointError, DiskFullError
from unrender.training import checkpoint
from unrender.training.checkpoint import load_checkpoint, save_checkpoint

STATE = {
    "step": 3,
    "rate": 0.1,
    "name": "a",
    "none": None,
    "optimizer": {
        "state": {0: {"exp_avg": torch.arange(4.0)}, 1: {}},
        "param_groups": [{"lr": 1e-3, "params": [0, 1]}],
    },
    "random": torch.Generator().get_state(),
}


def test_round_trip_keeps_types_and_integer_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, STATE, "test")
    loaded = load_checkpoint(path, "test")
    assert loaded["optimizer"]["param_groups"] == STATE["optimizer"]["param_groups"]
    assert torch.equal(loaded["optimizer"]["state"][0]["exp_avg"], torch.arange(4.0))
    assert (loaded["step"], loaded["rate"], loaded["name"], loaded["none"]) == (3, 0.1, "a", None)
    assert torch.equal(load_checkpoint(path, "test", ("optimizer", "state", 0))["exp_avg"], torch.arange(4.0))


@pytest.mark.parametrize("kept", [0, 7, 100])
def test_truncated_file_is_one_sentence(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, STATE, "test")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"a\.safetensors is truncated or damaged"):
        load_checkpoint(path, "test")


def test_foreign_file_other_kind_and_other_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"not a checkpoint of Unrender"):
        load_checkpoint(path, "test")
    save_checkpoint(path, STATE, "test")
    with pytest.raises(CheckpointError, match=r"'test', but 'other' was expected"):
        load_checkpoint(path, "other")
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
    save_checkpoint(path, STATE, "test")
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"format 2, this Unrender reads format 1.*Update Unrender"):
        load_checkpoint(path, "test")


def test_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, STATE, "test")
    before = path.read_bytes()

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(DiskFullError, match=r"disk is full"):
        save_checkpoint(path, STATE, "test")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_state_that_is_not_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"/function"):
        save_checkpoint(tmp_path / "a.safetensors", {"function": print}, "test")
