# SPDX-License-Identifier: Apache-2.0
"""`unrender evaluate`, called as a user calls it, on a run of fresh networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.backend.methods.voxel_gan.game_for_tests import tiny_config
from unrender.cli.main import main
from unrender.configuration import dump_toml
from unrender.methods.voxel_gan.game.players import build_networks
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.training.checkpoint import save_checkpoint
from unrender.training.devices import Devices
from unrender.training.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    config = tiny_config()
    folder = RunFolder(tmp_path / "run")
    folder.write_config(dump_toml(config))
    path = folder.checkpoint_path(0)
    path.parent.mkdir(parents=True)
    average = build_networks(config, Devices.single("float32", torch.device("cpu"))).average
    save_checkpoint(path, {"method": {"average": average.state_dict()}}, TRAINING_KIND)
    return folder.path


def test_lines_of_json_evaluations_and_a_report(run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(run), "--data", str(pictures), "--count", "16", "--metrics", "kid, grids"]
    assert main([*arguments, "--threshold", "best", "--sanity", "--report"]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line.get("row") for line in lines] == [None, "real", "untrained"]
    assert {"kid", "kid_best", "full_share", "best_threshold"} <= set(lines[0])
    assert "fid" not in lines[0]
    kept = (run / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in kept] == lines[:1]
    assert str(run / "report.html") in printed.err
    assert (run / "report.html").read_text(encoding="utf-8").count("<svg") == 1, "the thresholds; nothing was trained"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Add --data FOLDER"),
        (["--shapes", "chair", "--metrics", "fidd"], "'fidd'"),
        (["--shapes", "chair", "--metrics", ","], "No metric"),
        (["--shapes", "chair", "--threshold", "2"], "'2'"),
        (["--shapes", "chair", "--threshold", "half"], "'half'"),
        (["--shapes", "chair", "--inception", "nowhere.pth"], "no Inception weights at nowhere.pth"),
        (["--shapes", "no-such-class"], "no-such-class"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    run: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(run), *arguments]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
