# SPDX-License-Identifier: Apache-2.0
"""Rendered data sets: the same images through every door, split and interruption."""

import hashlib
import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from blender_addon.rendering import dataset_flags
from unrender.cli.main import main
from unrender.cli.render_dataset import command
from unrender.data.dataset_rendering import DatasetRequest, render_dataset
from unrender.data.image_files import linear_light
from unrender.data.procedural.meshes import make_coloured_mesh
from unrender.errors import CancelledError, DataError, RenderError
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

REQUEST = DatasetRequest("chair", count=12, views=2, seed=5, size=32, samples=2, resolution=24)


@pytest.fixture(scope="module")
def blender(blender_python: Path) -> BlenderInstallation:
    return BlenderInstallation("module", (str(blender_python),), "5.0")


@pytest.fixture(scope="module")
def whole(blender: BlenderInstallation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set, rendered by one Blender in one go."""
    out = tmp_path_factory.mktemp("whole") / "chairs"
    assert render_dataset(REQUEST, out, workers=1, threads=1, blender=blender) == 0
    return out


def digests(out: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (out / "images").iterdir()}


def test_the_folder_holds_images_cameras_and_a_sheet(whole: Path) -> None:
    records = [json.loads(line) for line in (whole / "manifest.jsonl").read_text().splitlines()]
    assert [record["index"] for record in records] == list(range(24))
    assert {record["object"] for record in records} == set(range(12))
    views = json.loads((whole / "cameras.json").read_text())["views"]
    assert len({(view["azimuth"], view["elevation"]) for view in views}) == 24
    for record in records:
        image = np.asarray(Image.open(whole / record["file"]))
        assert image.shape == (32, 32, 4)
        assert 0.02 < (image[..., 3] > 127).mean() < 0.8
    assert len(set(digests(whole).values())) == 24
    assert Image.open(whole / "contact_sheet.png").size == (5 * 32, 5 * 32)


def test_colours_of_procedural_shapes_are_shown_where_they_are_kept(
    whole: Path, blender: BlenderInstallation, tmp_path: Path
) -> None:
    cars = DatasetRequest("car", count=2, seed=3, size=48, samples=16, resolution=48, lights="three-point", width=1.0)
    for name, materials in (("coloured", "keep"), ("white", "auto")):
        request = replace(cars, materials=materials)
        assert render_dataset(request, tmp_path / name, workers=1, threads=1, blender=blender) == 0
    for line in (tmp_path / "coloured" / "manifest.jsonl").read_text().splitlines():
        record = json.loads(line)
        coloured, white = (np.asarray(Image.open(tmp_path / name / record["file"])) for name in ("coloured", "white"))
        assert (np.abs(coloured[..., 3].astype(int) - white[..., 3]) > 64).mean() < 0.02  # the same outline
        seen = (coloured[..., 3] == 255) & (white[..., 3] == 255)
        # Both are lit in closed form, so what is left after division is the colour of the part.
        albedo = linear_light(coloured[seen][:, :3]) / linear_light(white[seen][:, :3])
        palette = make_coloured_mesh("car", record["shape_seed"], 24)[2]
        paint = np.unique(palette.round(3), axis=0, return_counts=True)
        most = paint[0][paint[1].argmax()]
        assert (np.abs(albedo - most).max(axis=1) < 0.05).mean() > 0.15
        assert albedo.max() < 1.15
    chair = replace(REQUEST, materials="keep", only_images="0")  # has none, and is as white as ever
    assert render_dataset(chair, tmp_path / "chair", workers=1, threads=1, blender=blender) == 0
    assert digests(tmp_path / "chair")["000000.png"] == digests(whole)["000000.png"]


def test_shards_and_a_killed_run_give_the_very_same_images(
    whole: Path, blender: BlenderInstallation, tmp_path: Path
) -> None:
    out = tmp_path / "chairs"
    seen: list[dict] = []
    with pytest.raises(CancelledError):
        render_dataset(
            REQUEST, out, workers=2, threads=1, blender=blender, on_record=seen.append, cancelled=lambda: len(seen) > 4
        )
    time.sleep(0.5)
    assert 0 < len(digests(out)) < 24 or len(seen) >= 24
    assert render_dataset(REQUEST, out, workers=1, threads=1, resume=True, blender=blender) == 0
    assert digests(out) == digests(whole)
    assert not [path for path in (out / "images").iterdir() if path.name.startswith(".")]


def test_a_used_folder_is_refused_without_resume(whole: Path, blender: BlenderInstallation) -> None:
    with pytest.raises(DataError, match=re.escape("Add --resume")):
        render_dataset(REQUEST, whole, blender=blender)
    other = DatasetRequest("chair", count=12, views=2, seed=6, size=32, samples=2, resolution=24)
    with pytest.raises(DataError, match="seed 5, now 6"):
        render_dataset(other, whole, resume=True, blender=blender)


def test_a_blender_that_dies_is_reported(tmp_path: Path) -> None:
    false = shutil.which("false")
    if false is None:
        pytest.skip("needs a program that fails")
    with pytest.raises(RenderError, match="exit code 1"):
        render_dataset(REQUEST, tmp_path / "x", blender=BlenderInstallation("module", (false,), "5.0"))


def test_the_command_refuses_unknown_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render-dataset", "--source", "teapot", "--out", str(tmp_path / "x")]) == 4
    assert "There is no source teapot" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_plain_blender_makes_the_same_data_set(whole: Path, checkout: Path, tmp_path: Path) -> None:
    """`blender -b -P`: no backend, no torch; outlines may differ by samples, shapes and views may not."""
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("no Blender executable on the PATH: Debian's package gives one")
    out = tmp_path / "chairs"
    script = str(checkout / "scripts" / "render_dataset.py")
    flags = [*REQUEST.arguments(), "--out", str(out), "--json"]
    done = subprocess.run(
        [blender, "-b", "-P", script, "--", *flags],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [line["index"] for line in lines[:-1]] == list(range(24))
    assert lines[-1] == {"finished": 24, "failures": {}}
    assert (out / "manifest.jsonl").read_text() == (whole / "manifest.jsonl").read_text()
    for name in digests(whole):
        one, other = (np.asarray(Image.open(path / "images" / name), np.float32) for path in (whole, out))
        assert np.abs(one[..., 3] - other[..., 3]).mean() < 12.0
    wrong = subprocess.run(
        [blender, "-b", "-P", script, "--", "--source", "teapot", "--out", str(out)],
        capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert wrong.returncode == 4
    assert "teapot" in wrong.stderr


def test_the_lights_are_the_ones_that_training_uses(checkout: Path) -> None:
    """The add-on cannot import the backend's constants; its own must stay equal."""
    source = (checkout / "blender_addon" / "rendering" / "lights.py").read_text(encoding="utf-8")
    assert '"light_directions": ((-0.5, -math.sqrt(0.5), 0.5), (0.5, -math.sqrt(0.5), 0.5))' in source
    assert IGGAN_LIGHTING.directions == ((-0.5, -(0.5**0.5), 0.5), (0.5, -(0.5**0.5), 0.5))
    assert f'"light_intensities": {IGGAN_LIGHTING.intensities}' in source
    assert f'"ambient": {IGGAN_LIGHTING.ambient}' in source


def test_both_doors_have_the_same_flags() -> None:
    # Two are between the doors, objects come from the server, and a cluster needs the backend.
    own = {"blender", "exit-with-parent", "objects", "ray"}
    parser = dataset_flags._parser(("chair",))
    script = {flag.lstrip("-") for action in parser._actions for flag in action.option_strings} - {"h"} - own
    application = typer.Typer(add_completion=False)
    application.command()(command)
    backend = {flag.lstrip("-") for parameter in typer.main.get_command(application).params for flag in parameter.opts}
    assert script - {"help"} == backend - {"help"} - own


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--engine", "povray"], 2, "povray"),
        (["--shard", "3/2"], 2, "no shard"),
        (["--passes", "rgb,shine"], 4, "no pass shine"),
        (["--device", "hip"], 5, "finds no HIP device"),
        (["--config", "KEY"], 2, "colour"),
    ],
)
def test_the_command_answers_with_the_codes_of_the_script(
    blender_python: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, words: str
) -> None:
    (tmp_path / "key.toml").write_text('colour = "red"\n', encoding="utf-8")
    ready = [str(tmp_path / "key.toml") if flag == "KEY" else flag for flag in flags]
    assert main(["render-dataset", "--source", "chair", "--count", "1", "--out", str(tmp_path / "x"), *ready]) == code
    assert words in capsys.readouterr().err


def test_shapes_of_a_model_are_generated_and_rendered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--source", "run:chairs-32", "--count", "2", "--size", "32", "--out", str(tmp_path / "set"), "--json"]
    assert main(["render-dataset", *flags]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(record["class"], record["object"]) for record in shown] == [("chairs-32", 0), ("chairs-32", 1)]
    assert len(list((tmp_path / "set" / "shapes" / "chairs-32").glob("*.obj"))) == 2
    assert main(["render-dataset", *flags, "--resume"]) == 0
    assert capsys.readouterr().out == ""
