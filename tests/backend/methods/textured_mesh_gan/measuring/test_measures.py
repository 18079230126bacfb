# SPDX-License-Identifier: Apache-2.0
"""What `unrender evaluate` measures of a textured-mesh GAN, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.backend.methods.textured_mesh_gan.measuring.scenes_for_tests import untrained_run
from unrender.data.procedural.meshes import make_mesh
from unrender.errors import CancelledError, CheckpointError, ConfigurationError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.geometry.meshes import Mesh
from unrender.methods.models import Model
from unrender.methods.textured_mesh_gan.measuring import measures as measures_module
from unrender.methods.textured_mesh_gan.measuring.inversion import InversionSettings
from unrender.methods.textured_mesh_gan.measuring.measures import measure
from unrender.methods.textured_mesh_gan.measuring.metric_list import FIGURES
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer

QUICK = InversionSettings(bank=16, starts=1, trial=1, steps=2)
COUNT = 16


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures_module, "_TURNED", 3)
    monkeypatch.setattr(measures_module, "_MOST_IN_SETS", 4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return untrained_run(tmp_path_factory.mktemp("measured") / "run")


@pytest.fixture(scope="module")
def mushrooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set as `unrender render-dataset` makes it, of mushrooms that are cut out."""
    folder = tmp_path_factory.mktemp("mushrooms")
    (folder / "images").mkdir()
    meshes = [Mesh(*make_mesh("mushroom", seed, 12)) for seed in range(COUNT)]
    azimuth = 0.3 * torch.arange(COUNT)
    images = MeshRenderer(24).render(meshes, Cameras(azimuth, torch.full_like(azimuth, 0.2)), IGGAN_LIGHTING)
    rgba = torch.cat([images.rgb, images.alpha], dim=1).clamp(0.0, 1.0)
    records = []
    for index, image in enumerate((rgba * 255.0).byte().permute(0, 2, 3, 1).numpy()):
        name = f"images/{index:06d}.png"
        Image.fromarray(np.ascontiguousarray(image), "RGBA").save(folder / name)
        angles = {"azimuth": float(azimuth[index]), "elevation": 0.2}
        records.append(
            {"index": index, "file": name, "class": "mushroom", "object": index, "shape_seed": index} | angles
        )
    (folder / "manifest.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    plan = {"source": "mushroom", "resolution": 12, "width": 1.1, "field_of_view": 0.0}
    (folder / "dataset.json").write_text(json.dumps({"fingerprint": "f", "plan": plan}), encoding="utf-8")
    return folder


def test_everything_of_a_run_on_known_objects(run: Model, mushrooms: Path) -> None:
    record = measure(run, mushrooms, ("all",), COUNT, inverted=2, inversion=QUICK)
    assert "skipped" not in record
    monitors = {"mask_area", "depth_range", "hollowness", "view_variance"}
    about = {"model", "hash", "count", "seed", "features", "real"}
    assert set(FIGURES) | monitors | about == set(record)
    assert record["real"] == {"pictures": str(mushrooms), "count": COUNT}
    assert record["kid"] > 0.05, "fresh networks make no mushrooms"
    assert json.loads(json.dumps(record)) == record


def test_the_same_seed_gives_the_same_figures(run: Model, mushrooms: Path) -> None:
    first, second = (measure(run, mushrooms, ("fid", "kid", "identity"), COUNT) for _ in range(2))
    assert first == second


def test_without_pictures_the_default_is_what_needs_none(run: Model) -> None:
    record = measure(run, count=COUNT)
    assert set(record["skipped"]) == {"fid", "kid"}
    assert {"mask_area", "identity_share", "view_turn_degrees"} <= set(record)
    assert "kid" not in record


def test_pictures_of_unknown_things_have_no_shapes(run: Model, pictures: Path) -> None:
    record = measure(run, pictures, ("all",), COUNT)
    assert set(record["skipped"]) == {"shape"}
    assert "shape_iou" not in record
    with pytest.raises(ConfigurationError, match="'shape' cannot be taken"):
        measure(run, pictures, ("shape",), COUNT)


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [(("fidd",), "no metric 'fidd'"), ((), "No metric"), (("fid",), "add --data FOLDER")],
)
def test_what_cannot_be_taken_is_one_sentence(run: Model, metrics: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        measure(run, None, metrics, COUNT)


def test_a_learned_law_of_views_and_a_light_are_read_with_the_generator(tmp_path: Path) -> None:
    learned = untrained_run(tmp_path / "learned", "views.learned=true", "generator.light=true")
    assert {"mask_area", "identity_share"} <= set(measure(learned, metrics=("monitors", "identity")))


def test_weights_of_another_topology_are_refused(tmp_path: Path) -> None:
    model = untrained_run(tmp_path / "run")
    config = model.path / "config.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("latent = 8", "latent = 16"), encoding="utf-8")
    with pytest.raises(CheckpointError, match="do not fit"):
        measure(model, metrics=("monitors",))


def test_it_can_be_stopped(run: Model, mushrooms: Path) -> None:
    with pytest.raises(CancelledError):
        measure(run, mushrooms, ("shape",), COUNT, inversion=QUICK, cancelled=lambda: True)
