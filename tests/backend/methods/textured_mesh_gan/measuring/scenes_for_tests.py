# SPDX-License-Identifier: Apache-2.0
"""Runs of fresh networks, and scenes that nobody trained."""

from __future__ import annotations

from pathlib import Path

import torch

from unrender.configuration import dump_toml
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.models import Model, find_model
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.config.settings import load_config
from unrender.methods.textured_mesh_gan.players import build_players
from unrender.methods.textured_mesh_gan.sampling import TRAINING_KIND
from unrender.networks.scene_generator import Scene
from unrender.training.checkpoint import save_checkpoint
from unrender.training.devices import Devices
from unrender.training.run_folder import RunFolder


def tiny_config(*overrides: str) -> TexturedMeshGanConfig:
    return load_config("textured-16", overrides)


def untrained_run(folder: Path, *overrides: str) -> Model:
    """A run folder whose checkpoint holds fresh networks."""
    config = tiny_config(*overrides)
    run = RunFolder(folder)
    run.write_config(dump_toml(config))
    players = build_players(config, Devices.single("float32", torch.device("cpu")))
    path = run.checkpoint_path(0)
    path.parent.mkdir(parents=True)
    state = {name: network.state_dict() for name, network in players.by_name().items()}
    save_checkpoint(path, {"method": state}, TRAINING_KIND)
    return find_model(str(folder))


def spheres(colours: torch.Tensor, cells: int = 8, radius: float = 0.3) -> Scene:
    """Plain spheres, one for each colour [B, 3]: all views of one are the same."""
    vertices = radius * torch.from_numpy(octahedral_sphere(cells // 2).vertices)
    texture = colours[:, :, None, None].expand(-1, -1, 16, 16).contiguous()
    return Scene(vertices.expand(len(colours), -1, -1).contiguous(), texture, torch.rand(len(colours), 3, 12, 12))
