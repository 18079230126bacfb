# SPDX-License-Identifier: Apache-2.0
"""A whole run at toy size: resume, divergence, collapse, bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.backend.methods.textured_mesh_gan.textured_game_for_tests import photographs
from unrender.errors import CancelledError, CheckpointError, ConfigurationError, DataError, DivergedError
from unrender.methods import train
from unrender.methods.textured_mesh_gan import collapse
from unrender.methods.textured_mesh_gan.method import TexturedMeshGan
from unrender.methods.textured_mesh_gan.sampling import TRAINING_KIND
from unrender.training.checkpoint import load_checkpoint
from unrender.training.progress import Progress
from unrender.training.run_folder import RunFolder

SHORT = ("total_images=48", "precision=float32")


class StopAfter:
    """Cancels once so many reports have come."""

    def __init__(self, reports: int) -> None:
        self.left = reports

    def progress(self, report: Progress) -> None:
        self.left -= 1

    def cancelled(self) -> bool:
        return self.left <= 0


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four discs on white."""
    folder = tmp_path_factory.mktemp("photos")
    for index, picture in enumerate(photographs(24)):
        pixels = (picture.permute(1, 2, 0) * 255).round().byte().numpy().repeat(2, 0).repeat(2, 1)
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")
    return folder


@pytest.fixture(scope="module")
def finished(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return train("textured_mesh_gan", "textured-16", photos, tmp_path_factory.mktemp("runs") / "discs", SHORT)


def newest_state(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_checkpoint(run.newest_checkpoint(), TRAINING_KIND, ("method", "average"))


def test_run_folder_holds_what_the_design_says(finished: RunFolder) -> None:
    assert finished.newest_checkpoint().name == "images-000000048.safetensors"
    records = [json.loads(line) for line in finished.metrics_path.read_text(encoding="utf-8").splitlines()]
    assert [record["images"] for record in records] == [0, 48]
    signs = {"kid", "fid", "mask_area", "depth_range", "hollowness", "view_variance"}
    assert all(math.isfinite(record[name]) for record in records for name in signs)
    assert {"generator_forward_seconds", "rasterizer_backward_seconds", "discriminator_update_seconds"} <= set(
        records[-1]
    )
    sheet = finished.newest_sample()
    assert sheet is not None
    with Image.open(sheet) as image:
        assert image.size == (9 * 132 - 4, 6 * 132 - 4)
    assert "only 24 training pictures" in (finished.path / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("stop_after", [1, 7])
def test_resume_continues_exactly(stop_after: int, finished: RunFolder, photos: Path, tmp_path: Path) -> None:
    stop = StopAfter(stop_after)
    run = tmp_path / "run"
    with pytest.raises(CancelledError, match="--resume"):
        train("textured_mesh_gan", "textured-16", photos, run, SHORT, False, stop.progress, stop.cancelled)
    resumed = train("textured_mesh_gan", "textured-16", photos, run, (), True)
    expected, actual = newest_state(finished), newest_state(resumed)
    assert expected.keys() == actual.keys()
    assert all(torch.equal(value, actual[name]) for name, value in expected.items())
    kids = [[record["kid"] for record in each.metrics()][-1] for each in (finished, resumed)]
    assert kids[0] == kids[1]


def test_a_checkpoint_of_another_topology_is_one_sentence(photos: Path, tmp_path: Path) -> None:
    stop = StopAfter(2)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(CancelledError):
        train("textured_mesh_gan", "textured-16", photos, run.path, SHORT, False, stop.progress, stop.cancelled)
    settings = run.config_path.read_bytes()
    with pytest.raises(CheckpointError, match=r"mesh_cells = 8, but the settings say 12\. Leave generator\.mesh_cells"):
        train("textured_mesh_gan", "", photos, run.path, ("generator.mesh_cells=12",), True)
    assert run.config_path.read_bytes() == settings


def test_nan_stops_with_advice_and_keeps_the_last_good_checkpoint(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopAfter(3)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(CancelledError):
        train("textured_mesh_gan", "textured-16", photos, run.path, SHORT, False, stop.progress, stop.cancelled)
    good = run.newest_checkpoint()
    content = good.read_bytes()
    healthy = TexturedMeshGan.step

    def step(self: TexturedMeshGan, phase: object, shown: int, real: torch.Tensor) -> dict[str, float]:
        return healthy(self, phase, shown, real) | {"generator_loss": math.nan}  # type: ignore[arg-type]

    monkeypatch.setattr(TexturedMeshGan, "step", step)
    with pytest.raises(DivergedError, match=rf"generator_loss is not a finite number.*{good.name}.*learning_rate"):
        train("textured_mesh_gan", "textured-16", photos, run.path, (), True)
    assert run.newest_checkpoint().read_bytes() == content


def test_a_collapse_keeps_the_last_checkpoint_from_before_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopAfter(3)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(CancelledError):
        train("textured_mesh_gan", "textured-16", photos, run.path, SHORT, False, stop.progress, stop.cancelled)
    good = run.newest_checkpoint()
    flat = collapse.Failure("diversity", lambda value: True, "it is flat")
    monkeypatch.setitem(collapse.FAILURES, "one picture", flat)
    settings = ("watch.patience_images=24", "checkpoint_minutes=0.0", "sample_minutes=1.0")
    with pytest.raises(DivergedError, match=rf"for 24 images it is flat; .*{good.name}"):
        train("textured_mesh_gan", "textured-16", photos, run.path, settings, True)
    assert good in run.checkpoints()
    monkeypatch.undo()
    again = train("textured_mesh_gan", "textured-16", photos, run.path, ("checkpoint_minutes=1.0",), True)
    assert again.newest_checkpoint().name == "images-000000048.safetensors"


def test_bad_input_is_one_sentence(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"No pictures were named\. Add --data"):
        train("textured_mesh_gan", "textured-16", None, tmp_path / "run")
    with pytest.raises(DataError):
        train("textured_mesh_gan", "textured-16", tmp_path / "nowhere", tmp_path / "run")
    for setting, said in {
        "image_size=32": r"discriminator\.channels has 3 widths, which take 16\^2 pixels, but image_size is 32",
        "batch_size=3": r"batch_size is 3, but a multiple of discriminator\.group \(2\)",
        "photos.background=plaid": r"photos: background is 'plaid', but a colour's name",
        "watch.views=1": r"watch: interval is 4, shapes 2 and views 1",
        "laplacian=-1.0": r"laplacian is -1\.0",
        "evenness=-1.0": r"evenness is -1\.0",
        "discriminator.r1_gamma=-1.0": r"discriminator: r1_gamma is -1\.0",
        "evaluate_images=1": r"evaluate_images is 1",
    }.items():
        with pytest.raises(ConfigurationError, match=said):
            train("textured_mesh_gan", "textured-16", photos, tmp_path / "run", (setting,))
    assert not (tmp_path / "run" / "config.toml").exists()


def test_views_wider_than_the_data_are_warned_of(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for path in photos.iterdir():
        (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
    plan = {"azimuth_degrees": [-45.0, 45.0], "elevation_degrees": [0.0, 10.0], "width": 1.1}
    (tmp_path / "data" / "dataset.json").write_text(json.dumps({"plan": plan}), encoding="utf-8")
    given = train("textured_mesh_gan", "textured-16", tmp_path / "data", tmp_path / "given", ("total_images=4",))
    assert "will be shown from sides" not in (given.path / "log.txt").read_text(encoding="utf-8")
    assert "azimuth_degrees = [\n    -45.0,\n    45.0,\n]" in given.config_path.read_text(encoding="utf-8")
    wide = ("total_images=4", "views.azimuth_degrees=[-90,90]")
    wider = train("textured_mesh_gan", "textured-16", tmp_path / "data", tmp_path / "wider", wide)
    assert "azimuth_degrees is -90 to 90, but the pictures were rendered from -45 to 45" in (
        wider.path / "log.txt"
    ).read_text(encoding="utf-8")


def test_pictures_of_any_size_with_alpha_are_put_on_the_background_that_the_settings_name(tmp_path: Path) -> None:
    folder = tmp_path / "cut-outs"
    folder.mkdir()
    for index in range(16):
        pixels = np.zeros((30 + index, 40, 4), np.uint8)
        pixels[8:20, 8:20] = (200, 30, 30, 255)
        Image.fromarray(pixels, "RGBA").save(folder / f"{index:02d}.png")
    settings = ("total_images=4", "photos.background=#00ff00")
    run = train("textured_mesh_gan", "textured-16", folder, tmp_path / "run", settings)
    sheet = run.newest_sample()
    assert sheet is not None
    corner = np.asarray(Image.open(sheet))[-1, 0]
    assert corner.tolist() == [0, 255, 0]
