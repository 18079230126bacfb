# SPDX-License-Identifier: Apache-2.0
"""`unrender train`, `evaluate` and `bench train-step`, called as a user calls them, at toy size and without Blender."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from unrender.cli.main import main
from unrender.configuration import dump_toml
from unrender.methods.models import find_model
from unrender.methods.voxel_gan.config import load_config
from unrender.methods.voxel_gan.measuring.turnaround import render_turnaround


def settings(tiny: tuple[str, ...]) -> list[str]:
    return [word for assignment in tiny for word in ("--set", assignment)]


@pytest.fixture(scope="module")
def run(tiny: tuple[str, ...], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "toy"
    assert main(["train", "voxel_gan", "--data", str(pictures), "--out", str(out), *settings(tiny)]) == 0
    return out


def test_train_prints_where_everything_is(
    tiny: tuple[str, ...], pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["train", "voxel_gan", "--config", "iggan-paper-32", "--data", str(pictures), "--out", str(out)]
    assert main([*arguments, "--json", *settings(tiny), "--set", "total_images=8"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["run"] == str(out)
    assert printed["images"] == 24
    assert math.isfinite(printed["kid"])
    assert 'gradient = "continuous"' in (out / "config.toml").read_text(encoding="utf-8")


def test_train_without_pictures_and_over_an_old_run(
    run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "voxel_gan", "--out", str(run)]) == 1
    assert "Add --data FOLDER" in capsys.readouterr().err
    assert main(["train", "voxel_gan", "--data", str(pictures), "--out", str(run)]) == 1
    error = capsys.readouterr().err
    assert "--resume" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--data", "missing"], "missing", id="missing-folder"),
        pytest.param(["--data", "."], "image", id="empty-folder"),
        pytest.param([], "--data", id="no-folder"),
        pytest.param(["--data", ".", "--set", "resolutoin=16"], "resolutoin", id="unknown-setting"),
        pytest.param(["--data", ".", "--config", "iggan-9000"], "iggan-photos-32", id="unknown-preset"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "voxel_gan", *arguments, "--out", "run"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_resuming_a_finished_run_changes_nothing(run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "metrics.jsonl").read_text(encoding="utf-8")
    assert main(["train", "voxel_gan", "--data", str(pictures), "--out", str(run), "--resume"]) == 0
    assert (run / "metrics.jsonl").read_text(encoding="utf-8") == before
    assert "KID" in capsys.readouterr().out


def test_evaluate_measures_renders_and_grids(run: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--data", str(pictures), "--count", "16", "--threshold", "0.05"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["count"] == 16
    assert math.isfinite(measured["kid"])
    assert 0.0 <= measured["empty_share"] <= 1.0
    assert 0.0 < measured["full_share"] < 1.0
    assert measured["pieces"] >= 1.0 - measured["empty_share"]


def test_turnaround_has_a_row_per_shape_and_eight_sides(run: Path) -> None:
    picture = render_turnaround(find_model(str(run)), 7, 2, threshold=0.05)
    assert picture.shape == (2 * 68 - 4, 8 * 68 - 4, 3)
    assert picture.max() > 100


def test_bench_train_step_reports_the_ratio_of_one_run(
    tiny: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(dump_toml(load_config("iggan-32", tiny)), encoding="utf-8")
    assert main(["bench", "train-step", "--config", str(path), "--steps", "5", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    parts = result["network_seconds"] + result["render_seconds"]
    assert result["ratio"] == pytest.approx(result["step_seconds"] / parts)
    assert result["limit"] == "network + render"
    split = result["split_of_step"]
    assert all(split[name] > 0.0 for name in ("generator", "discriminator", "proxy"))
    assert sum(split.values()) == pytest.approx(result["step_seconds"], rel=0.01)
    assert result["images_per_second"] == pytest.approx(result["batch_size"] / result["step_seconds"])
    assert result["peak_memory_bytes"] > 1e6
    assert result["overlap"]["ours"] > 0.0
    assert result["precision"]["other"] > 0.0
    proxy = result["proxy"]
    assert proxy["share_of_peak"] == pytest.approx(
        proxy["operations"] / proxy["seconds"] / proxy["peak_operations_per_second"]
    )


def test_a_camera_law_that_does_not_exist_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["render-dataset", "--source", "chair", "--out", str(tmp_path / "set")]
    assert main([*arguments, "--cameras", "nonsense"]) == 2
    assert "'nonsense' is none of iggan, above, iggan-lvp" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
