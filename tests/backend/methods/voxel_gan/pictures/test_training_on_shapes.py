# SPDX-License-Identifier: Apache-2.0
"""Training on renders of objects that the settings name: views by class, still sets, and new views in every pass."""

from pathlib import Path

import pytest
import torch
import trimesh

from unrender.errors import CancelledError, ConfigurationError, DataError
from unrender.methods import train
from unrender.methods.voxel_gan.config import load_config
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.loading import (
    load_config_for_data,
    open_folder,
    open_shapes,
    render_examples,
    render_pictures,
    voxelise_pretraining_shapes,
)
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.methods.voxel_gan.proxy.replay import ProxyReplay
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.training.checkpoint import load_checkpoint
from unrender.training.devices import Devices
from unrender.training.progress import Progress
from unrender.training.run_folder import RunFolder

BATHTUBS = ("data.shapes=bathtub", "data.objects=10", "data.views_per_object=2")
UNLIMITED = ("data.shapes=bathtub", "data.objects=5", "data.rerender=true")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_checkpoint(run.newest_checkpoint(), TRAINING_KIND, ("method", "average"))


def test_a_class_brings_its_views_unless_they_are_stated(tmp_path: Path, tiny: tuple[str, ...]) -> None:
    config = load_config_for_data("iggan-32", None, (*tiny, *BATHTUBS))
    assert config.views.elevation_degrees == (15.0, 60.0)
    stated = load_config_for_data("iggan-32", None, (*tiny, *BATHTUBS, "views.elevation_degrees=[0,10]"))
    assert stated.views.elevation_degrees == (0.0, 10.0)
    preset = load_config_for_data("iggan-photos-32", None, ("data.shapes=bathtub",))
    assert preset.views.elevation_degrees == (-20.0, 60.0)
    file = tmp_path / "mine.toml"
    file.write_text('[data]\nshapes = "couch"\n[views]\nwidth = 1.2\n', encoding="utf-8")
    assert load_config_for_data(str(file), None, ()).views.elevation_degrees == (15.0, 60.0)
    assert load_config_for_data(str(file), None, ()).views.width == 1.2


def test_training_on_a_class_needs_no_folder_and_renders_its_set_once(
    tmp_path: Path, home: Path, tiny: tuple[str, ...]
) -> None:
    reports: list[Progress] = []
    settings = (*tiny, *BATHTUBS, "total_images=8")
    first = train("voxel_gan", "iggan-32", None, tmp_path / "first", settings, progress=reports.append)
    pictures = [report for report in reports if report.phase == "pictures"]
    assert (pictures[-1].done, pictures[-1].total) == (20, 20)
    assert len(list((home / "cache" / "renders").iterdir())) == 1
    reports.clear()
    again = train("voxel_gan", "iggan-32", None, tmp_path / "again", settings, progress=reports.append)
    assert not [report for report in reports if report.phase == "pictures"]
    expected = weights(first)
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())
    assert 'shapes = "bathtub"' in first.config_path.read_text(encoding="utf-8")


def test_new_views_in_every_pass_resume_exactly(tmp_path: Path, tiny: tuple[str, ...]) -> None:
    settings = (*tiny, *UNLIMITED, "total_images=20")  # four passes, stopped in the third
    whole = train("voxel_gan", "iggan-32", None, tmp_path / "whole", settings)
    reports: list[Progress] = []
    with pytest.raises(CancelledError):
        train(
            "voxel_gan",
            "iggan-32",
            None,
            tmp_path / "parts",
            settings,
            progress=reports.append,
            cancelled=lambda: sum(report.phase == "adversarial" for report in reports) >= 3,
        )
    parts = train("voxel_gan", "iggan-32", None, tmp_path / "parts", (), resume=True)
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(parts).items())


def test_unlimited_pictures_change_from_pass_to_pass(tiny: tuple[str, ...]) -> None:
    config = load_config("iggan-32", (*tiny, *UNLIMITED))
    renderer = build_renderer(config)
    pictures = render_pictures(config, BlackBox(renderer, config.lighting, "linear"))
    item, first, second = torch.tensor([2]), torch.tensor([0]), torch.tensor([1])
    assert not torch.equal(pictures.batch(item, first), pictures.batch(item, second))
    pictures.close()


@pytest.mark.parametrize("route", ["visual_hull", "absorption", "emission_absorption"])
def test_a_volumetric_route_sees_its_own_renders_and_is_compared_with_the_black_box(
    route: str, tiny: tuple[str, ...]
) -> None:
    config = load_config("iggan-32", (*tiny, *BATHTUBS, f"route={route}"))
    box = BlackBox(build_renderer(config), config.lighting, "linear")
    own = render_pictures(config, box)
    compared = render_examples(config, box, 6)
    assert (len(own), own.shape, len(compared)) == (20, (2, 32, 32), 6)
    mine, theirs = own.examples(6), compared
    assert torch.equal(mine[:, 0], mine[:, 1])  # volumetric renders are white
    assert not torch.equal(theirs[:, 0], theirs[:, 1])
    overlap = ((mine[:, 1] > 0.2) == (theirs[:, 1] > 0.2)).float().mean()
    assert overlap > 0.9  # the same objects from the same views


@pytest.fixture
def tubs(tmp_path: Path) -> Path:
    """Twelve tubs as files, eight to train on; of two of these nothing can be made."""
    folder = tmp_path / "ModelNet" / "bathtub"
    for index in range(12):
        path = folder / ("train" if index < 8 else "test") / f"bathtub_{index:04d}.off"
        path.parent.mkdir(parents=True, exist_ok=True)
        if index in (2, 5):
            path.write_text("OFF\n", encoding="ascii")
        else:
            trimesh.creation.annulus(0.3 + 0.02 * index, 0.5, 0.4).export(path)
    return folder.parent


def test_a_folder_of_shapes_trains_like_a_class(
    tubs: Path, tiny: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tubs.parent)
    config = load_config_for_data("iggan-32", None, (*tiny, "data.shapes=ModelNet", "data.set=one_per_model"))
    assert Path(config.data.shapes) == tubs.resolve()
    assert config.views.elevation_degrees == (15.0, 60.0)
    box = BlackBox(build_renderer(config), config.lighting, "linear")
    pictures = render_pictures(config, box)
    assert len(pictures) == 6 * 4  # four views of a bathtub, as in the paper
    assert "2 of 8 shapes are left out: bathtub/train/bathtub_0002" in caplog.text
    seen = pictures.batch(torch.arange(24), torch.zeros(24, dtype=torch.int64))
    assert bool((seen[:, 1].mean(dim=(1, 2)) > 0.05).all())
    held_out = open_shapes(config, "held_out")
    assert len(held_out) == 4
    assert len(render_examples(config, box, 100, split="held_out")) == 16


def test_a_proxy_is_pre_trained_on_a_folder_of_shapes(tubs: Path, tiny: tuple[str, ...]) -> None:
    config = load_config("iggan-32", (*tiny, f"proxy.pretrain_shapes=cubes, {tubs}"))
    box = BlackBox(build_renderer(config), config.lighting, "linear")
    replay = ProxyReplay(box, config.views, 16, 4, 1, 0, config.proxy.pretrain_shapes, Devices.single("float32"))
    voxelise_pretraining_shapes(config)
    grids, _, images = replay.batch(0)
    known = [grid.numpy().tobytes() for grid in open_folder(str(tubs), 16).grids(torch.arange(6))]
    assert [grid.numpy().tobytes() in known for grid in grids] == [False, True, False, True]
    assert images.shape == (4, 2, 32, 32)


def test_folders_that_give_too_little(tubs: Path, tiny: tuple[str, ...], tmp_path: Path) -> None:
    settings = (*tiny, f"data.shapes={tubs}")
    with pytest.raises(DataError, match=r"6 objects, 1 views of each, make 6 pictures.*at least 16"):
        train("voxel_gan", "iggan-32", None, tmp_path / "run", settings)
    with pytest.raises(DataError, match=r"no folder of shapes"):
        train("voxel_gan", "iggan-32", None, tmp_path / "other", (*tiny, "data.shapes=./nothing"))


def test_pictures_and_objects_exclude_each_other(pictures: Path, tmp_path: Path, tiny: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"as well as objects.*one of them"):
        train("voxel_gan", "iggan-32", pictures, tmp_path / "run", (*tiny, *BATHTUBS))
    with pytest.raises(ConfigurationError, match=r"Add --data FOLDER, or --shapes"):
        train("voxel_gan", "iggan-32", None, tmp_path / "run", tiny)
    with pytest.raises(DataError, match=r"'sofa'.*couch"):
        train("voxel_gan", "iggan-32", None, tmp_path / "run", (*tiny, "data.shapes=sofa"))
    with pytest.raises(ConfigurationError, match=r"not for 'table'"):
        train("voxel_gan", "iggan-32", None, tmp_path / "run", (*tiny, "data.shapes=table", "data.set=unlimited"))
    assert not (tmp_path / "run").exists()
