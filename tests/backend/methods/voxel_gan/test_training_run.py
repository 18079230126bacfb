# SPDX-License-Identifier: Apache-2.0
"""A whole run at toy size: resume, cancel, divergence, bad data, and generation from what came out."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unrender.errors import (
    CancelledError,
    CheckpointError,
    ConfigurationError,
    DataError,
    DivergedError,
    UnknownModelError,
    UserError,
)
from unrender.meshing import MeshSettings, is_watertight
from unrender.methods import train
from unrender.methods.generate import generate_shapes
from unrender.methods.models import find_model, list_models
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.sampling import TRAINING_KIND, export_generator, load_generator, sample_occupancy
from unrender.training.checkpoint import load_checkpoint
from unrender.training.progress import Progress
from unrender.training.run_folder import RunFolder


class StopAfter:
    """Cancels once so many reports have come."""

    def __init__(self, reports: int) -> None:
        self.left = reports
        self.phases: list[str] = []

    def progress(self, report: Progress) -> None:
        self.left -= 1
        self.phases.append(report.phase)

    def cancelled(self) -> bool:
        return self.left <= 0


@pytest.fixture(scope="module")
def finished(tiny: tuple[str, ...], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train("voxel_gan", "iggan-32", pictures, tmp_path_factory.mktemp("runs") / "chairs-16", tiny)


def newest_state(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_checkpoint(run.newest_checkpoint(), TRAINING_KIND, ("method", "average"))


def test_run_folder_holds_what_the_design_says(finished: RunFolder) -> None:
    assert finished.config_path.is_file()
    assert finished.newest_checkpoint().name == "images-000000048.safetensors"
    records = [json.loads(line) for line in finished.metrics_path.read_text(encoding="utf-8").splitlines()]
    assert [record["images"] for record in records] == [0, 48]
    assert all(math.isfinite(record["kid"]) and record["seconds"] >= 0 for record in records)
    assert {"step_seconds", "network_seconds", "render_seconds"} <= set(records[-1])
    sheet = finished.newest_sample()
    assert sheet is not None
    with Image.open(sheet) as image:
        assert image.size == (8 * 68 - 4, 4 * 68 - 4)
    assert (finished.path / "log.txt").stat().st_size > 0


@pytest.mark.parametrize("stop_after", [1, 7])  # in either phase; the next test stops in the middle of the first
def test_resume_continues_exactly(
    stop_after: int, finished: RunFolder, tiny: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    stop = StopAfter(stop_after)
    with pytest.raises(CancelledError, match=r"--resume"):
        train("voxel_gan", "iggan-32", pictures, tmp_path / "run", tiny, False, stop.progress, stop.cancelled)
    assert set(stop.phases) == ({"proxy"} if stop_after <= 4 else {"proxy", "adversarial"})
    resumed = train("voxel_gan", "iggan-32", pictures, tmp_path / "run", (), True)
    expected, actual = newest_state(finished), newest_state(resumed)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        assert torch.equal(value, actual[name]), name
    kids = [[record["kid"] for record in run.metrics()][-1] for run in (finished, resumed)]
    assert kids[0] == kids[1]


def test_resume_falls_back_to_the_checkpoint_before_a_damaged_one(
    finished: RunFolder, tiny: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    for resume in (False, True):
        stop = StopAfter(3)
        with pytest.raises(CancelledError):
            train("voxel_gan", "iggan-32", pictures, tmp_path / "run", tiny, resume, stop.progress, stop.cancelled)
    run = RunFolder(tmp_path / "run")
    newest = run.newest_checkpoint()
    newest.write_bytes(newest.read_bytes()[:200])
    resumed = train("voxel_gan", "iggan-32", pictures, run.path, (), True)
    assert all(torch.equal(value, newest_state(resumed)[name]) for name, value in newest_state(finished).items())
    assert "damaged" in (run.path / "log.txt").read_text(encoding="utf-8")


def test_a_resumed_run_with_other_networks_is_refused_and_left_as_it_was(
    tiny: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    stop = StopAfter(6)
    with pytest.raises(CancelledError):
        train("voxel_gan", "iggan-32", pictures, tmp_path / "run", tiny, False, stop.progress, stop.cancelled)
    run = RunFolder(tmp_path / "run")
    settings = run.config_path.read_bytes()
    with pytest.raises(
        CheckpointError, match=r"generator\.latent = 8, but the settings say 12\. Leave generator\.latent"
    ):
        train("voxel_gan", "iggan-32", pictures, run.path, ("generator.latent=12",), True)
    assert run.config_path.read_bytes() == settings
    stop = StopAfter(2)
    with pytest.raises(CancelledError):
        train("voxel_gan", "", pictures, run.path, ("proxy.learning_rate=0.001",), True, stop.progress, stop.cancelled)
    assert run.config_path.read_bytes() != settings


def test_a_baseline_run_of_images_is_a_model_without_shapes(
    tiny: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    run = train("voxel_gan", "iggan-32", pictures, tmp_path / "run", (*tiny, "route=image", "total_images=8"))
    assert math.isfinite(run.metrics()[-1]["kid"])
    with pytest.raises(CheckpointError, match=r"route = \"image\": it makes images, and has no shapes"):
        generate_shapes(find_model(str(run.path)), 0, 1)


def test_a_second_run_does_not_overwrite_the_first(finished: RunFolder, tiny: tuple[str, ...], pictures: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds a run already.*--resume"):
        train("voxel_gan", "iggan-32", pictures, finished.path, tiny)


def test_nan_stops_with_advice_and_keeps_the_last_good_checkpoint(
    tiny: tuple[str, ...], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = VoxelGan.step

    def step(self: VoxelGan, phase: object, shown: int, real: torch.Tensor) -> dict[str, float]:
        statistics = healthy(self, phase, shown, real)  # type: ignore[arg-type]
        return statistics | {"generator_loss": math.nan} if getattr(phase, "name", "") == "adversarial" else statistics

    stop = StopAfter(6)  # in the adversarial phase
    with pytest.raises(CancelledError):
        train("voxel_gan", "iggan-32", pictures, tmp_path / "run", tiny, False, stop.progress, stop.cancelled)
    run = RunFolder(tmp_path / "run")
    good = run.newest_checkpoint().read_bytes()
    monkeypatch.setattr(VoxelGan, "step", step)
    with pytest.raises(DivergedError, match=r"generator_loss is not a finite number.*Lower generator\.learning_rate"):
        train("voxel_gan", "iggan-32", pictures, run.path, (), True)
    assert run.newest_checkpoint().read_bytes() == good


def test_empty_shapes_are_reported_as_a_collapse(
    tiny: tuple[str, ...], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unrender.methods.voxel_gan.game import collapse

    monkeypatch.setattr(collapse, "_PATIENCE_IMAGES", 8)
    settings = (*tiny, "generator.learning_rate=0.0")  # never leaves its empty start
    with pytest.raises(DivergedError, match=r"empty shapes for 8 images"):
        train("voxel_gan", "iggan-32", pictures, tmp_path / "run", settings)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: None, "no folder"),
        (lambda folder: folder.mkdir(), "no image|empty|holds no"),
    ],
)
def test_bad_data_is_one_sentence(make: object, complaint: str, tiny: tuple[str, ...], tmp_path: Path) -> None:
    make(tmp_path / "photos")  # type: ignore[operator]
    with pytest.raises(DataError, match=f"(?i){complaint}"):
        train("voxel_gan", "iggan-32", tmp_path / "photos", tmp_path / "run", tiny)
    assert not (tmp_path / "run" / "config.toml").exists()


def test_unknown_method_names_the_known_ones(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no method 'voxelgan'.*voxel_gan"):
        train("voxelgan", "iggan-32", pictures, tmp_path / "run")


def test_paper_route_trains_as_well(tiny: tuple[str, ...], pictures: Path, tmp_path: Path) -> None:
    run = train("voxel_gan", "iggan-paper-32", pictures, tmp_path / "run", (*tiny, "total_images=8"))
    assert math.isfinite(run.metrics()[-1]["proxy_loss"])


def test_generation_is_deterministic_watertight_and_per_seed(finished: RunFolder) -> None:
    model = find_model(str(finished.path))
    threshold = float(np.quantile(sample_occupancy(load_generator(model.path, model.weights), 7), 0.9))
    first = generate_shapes(model, 7, 3, settings=MeshSettings(threshold))
    again = generate_shapes(model, 8, 2, settings=MeshSettings(threshold))
    assert len(first) == 3
    for mesh in first:
        assert is_watertight(mesh)
        assert np.abs(mesh.vertices).max() <= 0.55
    for a, b in zip(first[1:], again, strict=True):
        assert np.array_equal(a.vertices, b.vertices)
        assert np.array_equal(a.faces, b.faces)
    assert not np.array_equal(first[0].vertices[:50], first[1].vertices[:50])


def test_empty_shape_says_so(finished: RunFolder) -> None:
    with pytest.raises(UserError, match=r"Seed 7 gives an empty shape at threshold 0\.999.*Lower the threshold"):
        generate_shapes(find_model(str(finished.path)), 7, 1, settings=MeshSettings(0.999))


def test_runs_and_bundled_models_are_found_by_name(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    (tmp_path / "runs").mkdir()
    shutil.copytree(finished.path, tmp_path / "runs" / "mine")
    assert "mine" in [model.name for model in list_models()]
    assert find_model("mine").hash == find_model(str(finished.path)).hash
    with pytest.raises(UnknownModelError, match=r"no model 'yours'.*Known:"):
        find_model("yours")
    (tmp_path / "runs" / "begun").mkdir()
    (tmp_path / "runs" / "begun" / "config.toml").write_text("", encoding="utf-8")
    assert "begun" not in [model.name for model in list_models()]
    with pytest.raises(CheckpointError, match=r"no checkpoint yet"):
        find_model("begun")


def test_exported_generator_makes_the_same_shapes(finished: RunFolder, tmp_path: Path) -> None:
    export_generator(finished.newest_checkpoint(), tmp_path / "model.safetensors")
    (tmp_path / "config.toml").write_text(finished.config_path.read_text(encoding="utf-8"), encoding="utf-8")
    exported = find_model(str(tmp_path))
    ours = sample_occupancy(load_generator(exported.path, exported.weights), 5)
    theirs = sample_occupancy(load_generator(finished.path, finished.newest_checkpoint()), 5)
    assert np.array_equal(ours, theirs)
    assert exported.weights.stat().st_size < finished.newest_checkpoint().stat().st_size / 2
