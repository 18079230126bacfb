# SPDX-License-Identifier: Apache-2.0
"""The real add-on, enabled as the extension that users install, in Blender's own Python without a window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.blender_addon.case_runs import CASES, names_of_cases, run_cases
from tests.blender_addon.textured_model import MODEL, backend_pictures, blender_picture, make_textured_model

ADDON_CASES = CASES / "addon_cases.py"


@pytest.fixture(scope="module")
def results(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return run_cases(ADDON_CASES, blender_python, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("case", [*names_of_cases(ADDON_CASES), "exit"])
def test_case(results: Mapping[str, str], case: str) -> None:
    assert not results[case], results[case]


def test_the_add_on_starts_the_real_backend_generates_survives_its_death_and_stops_it(
    blender_python: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "home" / "runs"
    make_model(runs / "stools-8")
    make_textured_model(runs / MODEL)
    environment = os.environ | {
        "UNRENDER_HOME": str(tmp_path / "home"),
        "UNRENDER_BACKEND": sys.executable,
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    command = [str(blender_python), str(CASES / "runner.py"), str(CASES / "backend_cases.py")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [outcome["failure"] for outcome in outcomes] == [""], ran.stderr[-3000:]
    assert ran.returncode == 0
    for view, (expected, coverage) in enumerate(backend_pictures(runs / MODEL)):
        check_picture(read_picture(blender_picture(tmp_path / "home", view)), expected, coverage)


def read_picture(path: Path) -> np.ndarray:
    """[H, W, 4] in [0, 1], straight alpha."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA"), np.float32) / 255.0


def check_picture(seen: np.ndarray, expected: np.ndarray, coverage: np.ndarray) -> None:
    """Blender shows what the backend shows, and neither its mirror image nor what is upside down."""
    inside = (seen[..., 3] > 0.99) & (coverage > 0.99)
    both, either = ((seen[..., 3] > 0.5) & (coverage > 0.5)).sum(), ((seen[..., 3] > 0.5) | (coverage > 0.5)).sum()
    assert both > 0.93 * either, "the same outline"
    differences = {}
    for name, turned in {"as it is": (1, 1), "mirrored": (1, -1), "upside down": (-1, 1)}.items():
        there = inside & inside[:: turned[0], :: turned[1]]
        differences[name] = float(np.abs(seen[:: turned[0], :: turned[1], :3] - expected)[there].mean())
    assert differences["as it is"] < 0.03, differences
    assert min(differences["mirrored"], differences["upside down"]) > 4 * differences["as it is"], differences


def make_model(folder: Path) -> None:
    """A generator of 8^3 voxels that makes random shapes, as a run of this user."""
    import torch

    from unrender.configuration import dump_toml
    from unrender.methods.voxel_gan.config import DiscriminatorConfig, GeneratorConfig, VoxelGanConfig
    from unrender.methods.voxel_gan.networks import build_generator
    from unrender.methods.voxel_gan.sampling import GENERATOR_KIND
    from unrender.training.checkpoint import save_checkpoint

    config = VoxelGanConfig(
        resolution=8,
        image_size=8,
        generator=GeneratorConfig(latent=4, channels=(8,)),
        discriminator=DiscriminatorConfig(channels=(8,)),
    )
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    torch.manual_seed(3)
    weights = build_generator(config).state_dict()
    weights["to_logits.weight"] *= 30.0  # an untrained generator leaves all voxels empty
    weights["to_logits.bias"].fill_(0.0)
    save_checkpoint(folder / "model.safetensors", weights, GENERATOR_KIND)
