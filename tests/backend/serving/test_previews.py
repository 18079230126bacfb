# SPDX-License-Identifier: Apache-2.0
"""Pictures of models and trainings: small, square where they should be, and none rather than a broken one."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unrender.errors import UnknownModelError
from unrender.methods.models import find_model
from unrender.serving import descriptions as descriptions_module
from unrender.serving.descriptions import ServerDescriptions
from unrender.serving.devices import ComputeDevice
from unrender.serving.handlers import job_kinds
from unrender.serving.previews import model_picture, run_arrays, run_curves, run_scores, shrink, thumbnail
from unrender.training.run_folder import RunFolder
from unrender.training.sheet_grid import grid_cells
from unrender.training.sheets import picture_grid
from unrender_protocol.codec import encode
from unrender_protocol.messages import ModelList


def discs(radii: list[float], size: int = 64) -> torch.Tensor:
    """Grey and alpha images [N, 2, size, size] of discs; a radius of 0 is an empty picture."""
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    inside = np.stack([rows**2 + columns**2 < radius**2 for radius in radii]).astype(np.float32)
    return torch.from_numpy(np.stack([0.5 * inside, inside], axis=1))


def save_sheet(run: Path, radii: list[float], images: int = 100) -> np.ndarray:
    sheet = picture_grid(discs(radii), 8, "linear")
    RunFolder(run).save_sample(f"images-{images:09d}", sheet)
    return sheet


def test_a_sheet_is_taken_apart_as_it_was_put_together() -> None:
    radii = [0.05 * index for index in range(32)]
    cells = grid_cells(picture_grid(discs(radii, 16), 8, "linear"))
    assert [len(row) for row in cells] == [8, 8, 8, 8]
    alone = picture_grid(discs(radii, 16)[9:10], 8, "linear")[:32, :32]
    assert np.array_equal(cells[1][1], alone)
    photo = np.random.default_rng(0).integers(0, 80, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(grid_cells(photo)[0][0], photo)


def test_a_run_is_shown_by_its_most_ordinary_sample_not_by_an_empty_one_or_a_real_one(tmp_path: Path) -> None:
    save_sheet(tmp_path, [0.0] * 10 + [0.3] * 5 + [0.5] + [0.9] * 5 + [0.0] * 3 + [0.7] * 8)
    picture = model_picture(tmp_path)
    assert picture is not None
    assert picture.shape == (128, 128, 3)
    covered = (picture.max(axis=2) > 16).mean()
    assert covered == pytest.approx(np.pi * 0.5**2 / 4, abs=0.02)


def test_the_newest_sheet_counts_and_larger_cells_are_reduced(tmp_path: Path) -> None:
    save_sheet(tmp_path, [0.9] * 32, images=100)
    RunFolder(tmp_path).save_sample("images-000000200", picture_grid(discs([0.4] * 32, 96), 8, "linear"))
    picture = model_picture(tmp_path)
    assert picture is not None
    assert picture.shape == (128, 128, 3)
    assert (picture.max(axis=2) > 16).mean() == pytest.approx(np.pi * 0.4**2 / 4, abs=0.02)


def test_a_run_that_has_learnt_nothing_is_an_empty_picture(tmp_path: Path) -> None:
    save_sheet(tmp_path, [0.0] * 32)
    picture = model_picture(tmp_path)
    assert picture is not None
    assert picture.max() == 0


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"no picture"])
def test_without_a_picture_that_can_be_read_there_is_none(tmp_path: Path, content: bytes) -> None:
    assert model_picture(tmp_path) is None
    (tmp_path / "preview.png").write_bytes(content)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "images-000000001.png").write_bytes(content)
    assert model_picture(tmp_path) is None
    assert thumbnail(tmp_path) is None
    assert run_arrays(RunFolder(tmp_path)) == {}


def test_bundled_models_have_a_picture_and_a_thumbnail() -> None:
    for name in ("chairs-32", "bathtubs-32"):
        folder = find_model(name).path
        picture = model_picture(folder)
        assert picture is not None
        assert (picture.dtype, picture.shape) == (np.uint8, (256, 256, 3))
        assert picture.std() > 10.0
        content = thumbnail(folder)
        assert content is not None
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (64, 64)


def test_scores_are_all_evaluations_that_gave_a_number(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run_scores(run).shape == (0, 2)
    for record in (
        {"images": 0, "kid": 2.5},
        {"images": 16},
        {"images": 32, "kid": float("nan")},
        {"images": 48, "kid": 1.0},
    ):
        run.append_metrics(record)
    assert run_scores(run).tolist() == [[0.0, 2.5], [48.0, 1.0]]
    with run.metrics_path.open("a") as file:
        file.write('{"images": 64, "k')
    assert run_scores(run).shape == (0, 2), "half a line is no reason to fail"


def test_sheets_that_travel_keep_their_proportions() -> None:
    assert shrink(np.zeros((524, 1052, 3), np.uint8), 512).shape == (255, 512, 3)
    assert shrink(np.zeros((2000, 10, 4), np.uint8), 512).shape == (512, 3, 4)
    small = np.zeros((9, 9, 3), np.uint8)
    assert shrink(small, 512) is small


def descriptions() -> ServerDescriptions:
    return ServerDescriptions([ComputeDevice("CPU", "cpu", 1, 1)], job_kinds())


def test_a_preview_is_read_once_for_one_set_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    told = descriptions()
    hash, first = told.model_preview("chairs-32")
    assert hash == find_model("chairs-32").hash
    assert first is not None
    monkeypatch.setattr(descriptions_module, "model_picture", lambda *_: pytest.fail("read again"))
    told.expire()
    assert told.model_preview("chairs-32")[1] is first


@pytest.mark.parametrize("name", ["no-such", "", "../bundled/chairs-32", str(Path(__file__).parent)])
def test_what_is_not_on_the_list_has_no_preview(name: str) -> None:
    with pytest.raises(UnknownModelError, match="There is no model") as caught:
        descriptions().model_preview(name)
    assert "chairs-32" in caught.value.hint


def test_a_long_list_of_models_and_data_sets_fits_into_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    noise = np.random.default_rng(0)
    for index in range(80):
        run = RunFolder(tmp_path / "runs" / f"{index:03d}-{'r' * 60}")
        run.write_config("")
        run.checkpoint_path(1).parent.mkdir()
        run.checkpoint_path(1).write_bytes(bytes([index]))
        (run.path / "card.toml").write_text(f'description = "{"d" * 500}"')
        Image.fromarray(noise.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(run.path / "preview.png")
        dataset = tmp_path / "datasets" / f"{index:03d}-{'s' * 60}"
        dataset.mkdir(parents=True)
        (dataset / "dataset.json").write_text("{}")
        (dataset / "manifest.jsonl").touch()
    told = descriptions()
    assert len(told.datasets()) == 64
    encode(told.welcome(1))
    encode(ModelList(told.models(), told.datasets()))


def test_curves_are_what_the_records_hold_and_nothing_else(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run_curves(run) == {}
    run.append_metrics({"images": 0, "kid": 2.0})
    run.append_metrics({"images": 100, "kid": 1.0, "fid": 30.0, "generator_loss": 0.7, "step_seconds": 0.5})
    run.append_metrics({"images": 200, "fid": float("nan"), "generator_loss": 0.6})
    curves = run_curves(run)
    assert sorted(curves) == ["fid", "generator_loss"]
    assert curves["fid"].tolist() == [[100.0, 30.0]]
    assert curves["generator_loss"] == pytest.approx(np.array([[100.0, 0.7], [200.0, 0.6]]))
    assert sorted(run_arrays(run)) == ["curve_fid", "curve_generator_loss", "scores"]
    with run.metrics_path.open("a") as file:
        file.write('{"images": 300, "fi')
    assert run_curves(run) == {}, "half a line: the next report has them all"
