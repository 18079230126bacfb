# SPDX-License-Identifier: Apache-2.0
"""What `unrender evaluate` measures: every metric, every route, thresholds, sanity rows, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from tests.backend.methods.voxel_gan.game_for_tests import tiny_config
from unrender.configuration import dump_toml
from unrender.errors import CancelledError, ConfigurationError, DataError
from unrender.geometry.cameras import ViewLaw
from unrender.methods.models import Model, append_evaluation, find_model
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.game.players import build_networks
from unrender.methods.voxel_gan.measuring import reference as reference_module
from unrender.methods.voxel_gan.measuring.figures import Figures
from unrender.methods.voxel_gan.measuring.measures import measure
from unrender.methods.voxel_gan.measuring.metric_list import FIGURES, METRICS, chosen_metrics
from unrender.methods.voxel_gan.measuring.reference import HELD_OUT_SEED, Reference, load_reference
from unrender.methods.voxel_gan.measuring.report import write_report
from unrender.methods.voxel_gan.measuring.samples import GridSamples
from unrender.methods.voxel_gan.measuring.sanity import measure_sanity
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.sampling import GENERATOR_KIND, TRAINING_KIND
from unrender.metrics.features import ImageFeatures
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer
from unrender.training.checkpoint import save_checkpoint
from unrender.training.devices import Devices
from unrender.training.progress import Progress, ignore_progress, never_cancelled
from unrender.training.run_folder import RunFolder
from unrender.training.work import Work

COUNT = 16
THRESHOLD = 0.13  # an untrained generator is near its bias


@pytest.fixture(autouse=True)
def few_real_ones(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr(reference_module, "_MOST", COUNT)
    monkeypatch.setattr("unrender.methods.voxel_gan.measuring.report._MOST_TRAINED_ON", COUNT)
    monkeypatch.setattr("unrender.methods.voxel_gan.measuring.measures._VALIDATED", COUNT)
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path_factory.getbasetemp() / "home"))


def untrained_run(folder: Path, *overrides: str) -> Model:
    """A run folder whose checkpoint holds fresh networks."""
    config = tiny_config("data.shapes=bathtub", "data.objects=16", *overrides)
    run = RunFolder(folder)
    run.write_config(dump_toml(config))
    networks = build_networks(config, Devices.single("float32", torch.device("cpu")))
    method = {
        "average": networks.average.state_dict(),
        "discriminator": networks.discriminator.state_dict(),
        "proxy": None if networks.proxy is None else networks.proxy.state_dict(),
    }
    path = run.checkpoint_path(0)
    path.parent.mkdir(parents=True)
    save_checkpoint(path, {"method": method}, TRAINING_KIND)
    for images, kid in ((0, 9.0), (32, 3.0)):
        run.append_metrics({"images": images, "kid": kid, "fid": 10 * kid, "step_seconds": 0.5})
    return find_model(str(folder))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return untrained_run(tmp_path_factory.mktemp("measured") / "tubs-16")


@pytest.fixture(scope="module")
def images_run(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return untrained_run(tmp_path_factory.mktemp("measured") / "images-16", "route=image")


def test_all_metrics_of_a_run_with_a_proxy(run: Model) -> None:
    record = measure(run, metrics=("all",), count=COUNT, threshold=THRESHOLD)
    assert "skipped" not in record
    for name in ("fid", "kid", "kid_deviation", "fid_over_thresholds", "proxy_psnr", "pieces", "visual_hull_gap"):
        assert math.isfinite(record[name]), name
    assert record["fid"] > 0.0
    for share in ("precision", "recall", "full_share", "grey_share", "floater_share", "empty_share"):
        assert 0.0 <= record[share] <= 1.0, share
    assert record["visual_hull_gap_real"] > 0.2, "tubs are hollow"
    assert record["coverage_shapes"] == COUNT
    assert 0.0 < record["mmd_iou"] <= 1.0
    assert record["1nna_chamfer"] > 0.5, "untrained"
    assert record["real"] == {"shapes": "bathtub", "first_seed": HELD_OUT_SEED, "count": COUNT}
    assert record["band_audit"]["samples"] == COUNT
    figures = {name for name, value in record.items() if isinstance(value, int | float)} - {
        "count",
        "seed",
        "threshold",
    }
    assert figures == set(FIGURES)
    json.dumps(record)


def test_the_same_seed_gives_the_same_figures(run: Model) -> None:
    first, second = (measure(run, count=COUNT, threshold=THRESHOLD) for _ in range(2))
    assert first == second
    assert first["kid"] != measure(run, count=COUNT, threshold=THRESHOLD, seed=5)["kid"]


def test_best_threshold_reports_both(run: Model) -> None:
    record = measure(run, metrics=("kid", "grids"), count=COUNT, threshold="best")
    assert record["threshold"] == 0.5
    tried = record["kid_by_threshold"]
    assert str(record["best_threshold"]) in tried
    assert tried[str(record["best_threshold"])] == min(tried.values())
    at_best = measure(run, metrics=("kid", "grids"), count=COUNT, threshold=record["best_threshold"])
    assert record["kid_best"] == at_best["kid"]
    assert record["full_share_best"] == at_best["full_share"]


@pytest.mark.parametrize("route", ["visual_hull", "absorption"])
def test_routes_without_a_proxy_leave_it_out(route: str, tmp_path: Path) -> None:
    model = untrained_run(tmp_path / "run", f"route={route}")
    record = measure(model, metrics=("all",), count=COUNT, threshold=THRESHOLD)
    assert set(record["skipped"]) == {"proxy", "band-audit"}
    assert route in record["skipped"]["proxy"]
    assert math.isfinite(record["kid"])
    with pytest.raises(ConfigurationError, match="has no proxy"):
        measure(model, metrics=("kid", "proxy"), count=COUNT)


def test_images_are_measured_as_images(images_run: Model) -> None:
    record = measure(images_run, count=COUNT, threshold="best")
    assert math.isfinite(record["fid"])
    assert "best_threshold" not in record
    assert set(record["skipped"]) == {"grids"}
    with pytest.raises(ConfigurationError, match=r"'visual-hull'.*has no shapes"):
        measure(images_run, metrics=("visual-hull",), count=COUNT)


def test_a_folder_of_pictures_has_no_shapes(run: Model, pictures: Path) -> None:
    record = measure(run, data=pictures, metrics=("all",), count=COUNT, threshold=THRESHOLD)
    assert "--shapes" in record["skipped"]["coverage"]
    assert record["real"] == {"pictures": str(pictures), "count": COUNT}
    assert "visual_hull_gap_real" not in record
    with pytest.raises(ConfigurationError, match="not known"):
        measure(run, data=pictures, metrics=("coverage",), count=COUNT)


def test_a_folder_of_shapes_is_compared_by_those_that_are_kept_for_it(run: Model, tmp_path: Path) -> None:
    for split, count in (("train", 16), ("test", 3)):
        for index in range(count):
            path = tmp_path / "box" / split / f"box_{index:04d}.off"
            path.parent.mkdir(parents=True, exist_ok=True)
            trimesh.creation.box((1.0, 0.4 + 0.03 * index, 0.3)).export(path)
    record = measure(run, shapes=str(tmp_path), metrics=("kid", "coverage"), count=COUNT, threshold="best")
    assert record["real"] == {"shapes": str(tmp_path), "objects": 3, "count": COUNT}
    assert record["coverage_shapes"] in (0, 1, 2, 3)
    assert "best_threshold" in record
    for path in list((tmp_path / "box" / "test").glob("*.off"))[1:]:
        path.unlink()
    with pytest.raises(DataError, match=r"1 shapes that are kept for evaluation, too few"):
        measure(run, shapes=str(tmp_path), metrics=("kid",), count=COUNT)


def test_a_bundled_model_is_measured_without_its_proxy(run: Model, tmp_path: Path) -> None:
    folder = tmp_path / "bundled"
    folder.mkdir()
    config = tiny_config()
    (folder / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    average = build_networks(config, Devices.single("float32", torch.device("cpu"))).average
    save_checkpoint(folder / "model.safetensors", average.state_dict(), GENERATOR_KIND)
    model = find_model(str(folder))
    record = measure(model, shapes="chair", count=COUNT, threshold=THRESHOLD)
    assert math.isfinite(record["kid"])
    append_evaluation(model, record)
    assert not (folder / "evaluations.jsonl").exists()
    with pytest.raises(ConfigurationError, match="only its generator"):
        measure(model, shapes="chair", metrics=("proxy",), count=COUNT)
    with pytest.raises(ConfigurationError, match="No pictures were named"):
        measure(model, count=COUNT)


def test_sanity_rows_are_in_the_order_that_they_must_be(run: Model) -> None:
    rows = {
        record["row"]: record
        for record in measure_sanity(run, metrics=("kid", "fid", "visual-hull", "coverage", "proxy"), count=COUNT)
    }
    assert list(rows) == ["real", "visual hulls", "untrained"]
    assert rows["real"]["kid"] < rows["visual hulls"]["kid"] < rows["untrained"]["kid"]
    assert rows["real"]["visual_hull_gap"] > 0.2
    assert rows["visual hulls"]["visual_hull_gap"] == pytest.approx(0.0, abs=0.02)
    assert rows["real"]["mmd_iou"] < rows["visual hulls"]["mmd_iou"]


def test_sanity_rows_of_pictures_and_of_a_model_of_images(images_run: Model, pictures: Path) -> None:
    rows = measure_sanity(images_run, data=pictures, count=COUNT)
    assert [record["row"] for record in rows] == ["real", "untrained"]
    assert all("full_share" not in record and math.isfinite(record["fid"]) for record in rows)


def test_evaluations_are_kept_beside_the_run(run: Model) -> None:
    record = measure(run, metrics=("kid",), count=COUNT)
    append_evaluation(run, record)
    append_evaluation(run, record)
    lines = (run.path / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines[-2:]] == [record, record]


@pytest.mark.parametrize("kind", ["run", "images_run"])
def test_a_report_holds_figures_curves_and_pictures(kind: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(kind)
    records = [measure(model, count=COUNT, threshold=0.5), *measure_sanity(model, metrics=("kid",), count=COUNT)]
    page = write_report(model, None, "", records).read_text(encoding="utf-8")
    assert "http" not in page.replace("http-equiv", "")
    for heading in ("Figures", "Training", "Samples", "Nearest to them", "Settings"):
        assert f"<h2>{heading}</h2>" in page
    assert ("From every side" in page) == (kind == "run")
    assert page.count("<svg") == 3  # kid, fid, step_seconds
    assert "untrained" in page


def test_unknown_metrics_and_none() -> None:
    with pytest.raises(ConfigurationError, match=r"'fidd'.*precision-recall"):
        chosen_metrics(("fid", "fidd"))
    with pytest.raises(ConfigurationError, match="No metric"):
        chosen_metrics(())
    assert chosen_metrics(("kid", "fid")) == ("fid", "kid")
    assert chosen_metrics(("all",)) == tuple(METRICS)


def test_inception_without_weights_is_told(run: Model, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no Inception weights.*torch-fidelity"):
        measure(run, count=COUNT, inception=tmp_path / "none.pth")
    (tmp_path / "other.pth").write_bytes(b"not weights")
    with pytest.raises(ConfigurationError, match=r"torch-fidelity"):
        measure(run, count=COUNT, inception=tmp_path / "other.pth")


def test_two_references_and_too_few_pictures(run: Model, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Compare with one of them"):
        measure(run, data=pictures, shapes="chair", count=COUNT)
    for path in sorted(pictures.iterdir())[:5]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"5 images .* at least 16"):
        measure(run, data=tmp_path, count=COUNT)


def test_it_stops_when_it_is_told_to(run: Model) -> None:
    reports: list[Progress] = []
    with pytest.raises(CancelledError, match="Stopped after"):
        measure(run, count=4 * COUNT, progress=reports.append, cancelled=lambda: len(reports) >= 1)


def test_the_threshold_that_real_shapes_were_faded_to_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # Real tubs whose occupancies are .15 inside, in a haze of .05: only thresholds between are right.
    config: VoxelGanConfig = dataclasses.replace(tiny_config(), views=ViewLaw())
    black_box = BlackBox(RayMarchRenderer(config.image_size), config.lighting, "linear")
    work = Work(ignore_progress, never_cancelled)
    reference: Reference = load_reference(config, None, "bathtub", COUNT, COUNT, black_box, work)
    assert reference.other_shapes is not None
    solids = reference.grids(COUNT).numpy()
    cameras = config.views.sample(COUNT, torch.Generator().manual_seed(0))
    faded = GridSamples(np.where(solids, 0.15, 0.05).astype(np.float32), cameras, black_box, work)
    best, tried = Figures(reference, ImageFeatures("linear"), work).best_threshold(faded)
    assert best in (0.05, 0.1)  # nothing lies above .05 but what is solid
    assert tried["0.1"] == tried["0.05"] < tried["0.02"]
