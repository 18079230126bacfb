# SPDX-License-Identifier: Apache-2.0
"""The worked example at toy size: a painted ellipsoid, photographed by our own rasteriser, is found again."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from unrender.geometry.cameras import Cameras
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.renderers.differentiable.rasterizer import antialias, interpolate, project, rasterize

SCRIPTS = Path(__file__).parents[4] / "scripts"
SIDE, VIEWS = 32, 10


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    module = importlib.import_module("fit_mesh")
    stages = (
        module.Stage("outlines", 32, 6, 40, 0.02, 1.0, False),
        module.Stage("texture", 32, 6, 25, 0.003, 1.0, True),
    )
    monkeypatch.setattr(module, "STAGES", stages)
    return module


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as `unrender render-dataset` makes it: red above, green below."""
    folder = tmp_path / "views"
    (folder / "images").mkdir(parents=True)
    draw = torch.Generator().manual_seed(3)
    azimuth = 2.0 * math.pi * torch.rand(VIEWS, generator=draw)
    elevation = torch.asin(2.0 * torch.rand(VIEWS, generator=draw) - 1.0)
    sphere = octahedral_sphere(8)
    points = torch.from_numpy(sphere.vertices)[None] * torch.tensor([0.45, 0.25, 0.3])
    colours = torch.where(points[..., 2:] > 0, torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))
    faces = torch.from_numpy(sphere.faces)
    screen = project(points, Cameras(azimuth, elevation), (SIDE, SIDE))
    fragments = rasterize(screen, faces, (SIDE, SIDE), perspective=False)
    image = torch.cat([interpolate(colours, fragments, faces), fragments.covered.float()], dim=1)
    rgb, alpha = antialias(image, screen, faces, fragments).split((3, 1), dim=1)
    straight = torch.cat([rgb / alpha.clamp(min=1e-6), alpha], dim=1).clamp(0.0, 1.0)
    views = []
    for index, picture in enumerate(straight):
        file = f"images/{index:06d}.png"
        Image.fromarray((255 * picture).round().byte().permute(1, 2, 0).contiguous().numpy()).save(folder / file)
        views.append({"file": file, "azimuth": float(azimuth[index]), "elevation": float(elevation[index])})
    record = {"projection": "orthographic", "width": 1.1, "views": views}
    (folder / "cameras.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def run(example: ModuleType, data: Path, out: Path, *flags: str) -> int:
    tiny = ["--held-out", "3", "--size", str(SIDE), "--detail", "8", "--texels", "32"]
    code: int = example.main(["--data", str(data), "--out", str(out), *tiny, *flags])
    return code


def test_shape_and_colours_are_found_and_written(example: ModuleType, data: Path, tmp_path: Path) -> None:
    assert run(example, data, tmp_path / "out") == 0
    result = json.loads((tmp_path / "out" / "fit.json").read_text(encoding="utf-8"))
    assert result["iou"] > 0.95
    assert result["colour_error"] < 0.05
    assert result["views"] == VIEWS - 3
    assert Image.open(tmp_path / "out" / "fit.png").size == (3 * SIDE, 3 * SIDE)
    (surface,) = trimesh.load(tmp_path / "out" / "fit.glb", process=False).geometry.values()
    extent = surface.vertices[:, [0, 2, 1]].max(axis=0) - surface.vertices[:, [0, 2, 1]].min(axis=0)
    assert extent == pytest.approx([0.9, 0.5, 0.6], abs=0.06)
    texture = np.asarray(surface.visual.material.baseColorTexture.convert("RGB")).astype(int)
    above, below = texture[2:14].mean(axis=(0, 1)), texture[18:30].mean(axis=(0, 1))
    assert above[0] > above[1] + 60
    assert below[1] > below[0] + 60


def test_the_same_seed_gives_the_same_fit(example: ModuleType, data: Path, tmp_path: Path) -> None:
    stages = tuple(stage.__class__(**{**vars(stage), "steps": 3}) for stage in example.STAGES)
    example.STAGES = stages
    for name in ("a", "b"):
        assert run(example, data, tmp_path / name) == 0
    assert (tmp_path / "a" / "fit.glb").read_bytes() == (tmp_path / "b" / "fit.glb").read_bytes()


def test_a_folder_without_cameras_is_refused_in_a_sentence(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(example, tmp_path, tmp_path / "out") == 1
    assert "no data set" in capsys.readouterr().err


def test_too_few_pictures_are_refused(
    example: ModuleType, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(example, data, tmp_path / "out", "--held-out", str(VIEWS)) == 1
    assert "kept back" in capsys.readouterr().err
