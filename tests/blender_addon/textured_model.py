# SPDX-License-Identifier: Apache-2.0
"""A small textured model, what its shapes look like in the backend, and where Blender puts the same pictures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

MODEL = "plums-16"
SEED = 3
PIXELS = 96
FIELD_OF_VIEW = math.radians(10.0)
WIDTH = 1.1  # world units across the frame, at the origin
VIEWS_DEGREES = ((0.0, 0.0), (110.0, 25.0))  # azimuth and elevation


def blender_picture(home: Path, view: int) -> Path:
    """Where Blender's picture from one of VIEWS_DEGREES is put, with alpha, in the generator's folder `home`."""
    return home / "pictures" / f"view_{view}.png"


def make_textured_model(folder: Path) -> None:
    """A generator with random weights, as a run of this user: lumps without symmetry, in many colours."""
    import torch

    from unrender.configuration import dump_toml
    from unrender.methods.textured_mesh_gan.config import load_config
    from unrender.methods.textured_mesh_gan.networks import build_generator
    from unrender.methods.textured_mesh_gan.sampling import GENERATOR_KIND
    from unrender.training.checkpoint import save_checkpoint

    config = load_config("textured-16")
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    torch.manual_seed(5)
    save_checkpoint(folder / "model.safetensors", build_generator(config).state_dict(), GENERATOR_KIND)


def backend_pictures(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the shape SEED from VIEWS_DEGREES: sRGB [H, W, 3] of the object on black, and how much it covers [H, W]."""
    import torch

    from unrender.geometry.cameras import Cameras
    from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
    from unrender.methods.textured_mesh_gan.sampling import load_generator, read_model_config, sample_style

    generator = load_generator(folder, folder / "model.safetensors")
    made = []
    with torch.no_grad():
        scene = generator.scene(sample_style(generator, SEED))
        scene.background.zero_()
        for azimuth, elevation in VIEWS_DEGREES:
            angles = (torch.tensor([math.radians(angle)]) for angle in (azimuth, elevation))
            camera = Cameras(*angles, WIDTH, FIELD_OF_VIEW)
            pictures = PictureMaker(read_model_config(folder), PIXELS).render(scene, camera)
            made.append((pictures.rgb[0].permute(1, 2, 0).numpy(), pictures.alpha[0, 0].numpy()))
    return made
