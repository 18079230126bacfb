# SPDX-License-Identifier: Apache-2.0
"""The real add-on, enabled as the extension that users install, in Blender's own Python without a window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.blender_addon.case_runs import CASES, names_of_cases, run_cases

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
    make_model(tmp_path / "home" / "runs" / "stools-8")
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
