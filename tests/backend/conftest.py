# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unrender.data.procedural import make_shape
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer

TINY = (
    "resolution=16",
    "image_size=32",
    "generator.channels=[8,8]",
    "generator.latent=8",
    "discriminator.channels=[4,8,8]",
    "proxy.width=8",
    "proxy.pretrain_images=16",
    "batch_size=4",
    "total_images=32",
    "evaluate_images=16",
    "audit_samples=2",
    "renderer.kind=ray_march",
    "torch_threads=1",
)


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Overrides that make a run of twelve steps take seconds and need no Blender."""
    return TINY


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four renders of chairs with alpha."""
    import torch

    folder = tmp_path_factory.mktemp("pictures")
    grids = torch.from_numpy(np.stack([make_shape("chair", seed, 16) for seed in range(24)])[:, None])
    views = ViewLaw().sample(24, torch.Generator().manual_seed(0))
    rendered = RayMarchRenderer(32).render(grids, views, IGGAN_LIGHTING)
    rgba = torch.cat([rendered.rgb, rendered.alpha], dim=1).permute(0, 2, 3, 1)
    for index, image in enumerate((rgba * 255).round().to(torch.uint8).numpy()):
        Image.fromarray(image, "RGBA").save(folder / f"{index:03d}.png")
    return folder
