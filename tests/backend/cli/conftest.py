# SPDX-License-Identifier: Apache-2.0
"""A data home of its own for every test, a small model in it, and the command line as a function."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from unrender.cli.main import main
from unrender.configuration import dump_toml
from unrender.methods.voxel_gan.config import DiscriminatorConfig, GeneratorConfig, VoxelGanConfig
from unrender.methods.voxel_gan.networks import build_generator
from unrender.methods.voxel_gan.sampling import GENERATOR_KIND
from unrender.training.checkpoint import save_checkpoint


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    monkeypatch.setenv("UNRENDER_HOME", str(path))
    monkeypatch.delenv("UNRENDER_DEBUG", raising=False)
    return path


@pytest.fixture
def unrender(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def model(home: Path) -> Path:
    """A generator of 8^3 voxels, of random shapes, as a run of this user, called `stools-8`."""
    config = VoxelGanConfig(
        resolution=8,
        image_size=8,
        generator=GeneratorConfig(latent=4, channels=(8,)),
        discriminator=DiscriminatorConfig(channels=(8,)),
    )
    folder = home / "runs" / "stools-8"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    (folder / "card.toml").write_text('method = "voxel_gan"\ndescription = "Stools for tests"\n', encoding="utf-8")
    torch.manual_seed(3)
    weights = build_generator(config).state_dict()
    weights["to_logits.weight"] *= 30.0  # an untrained generator leaves all voxels empty
    weights["to_logits.bias"].fill_(0.0)
    save_checkpoint(folder / "model.safetensors", weights, GENERATOR_KIND)
    return folder
