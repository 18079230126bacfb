# SPDX-License-Identifier: Apache-2.0
"""A small folder of photographs to train on, and settings with which a training shows a new sheet every second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PHOTOS = 24
SETTINGS = (
    "resolution=16 image_size=32 batch_size=4 total_images=40000 evaluate_images=16 sample_minutes=0.02"
    " torch_threads=1 generator.latent=8 generator.channels=[8,8] discriminator.channels=[8,8,8]"
    " proxy.width=8 proxy.pretrain_images=16 renderer.kind=ray_march"
)


def write_photos(folder: Path) -> Path:
    """Shaded plums of many proportions on white paper, as JPEG files of 80x80 pixels; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:80j, -1:1:80j]
    for index in range(PHOTOS):
        width, height = random.uniform(0.4, 0.8, 2)
        depth = np.sqrt(np.clip(1 - (columns / width) ** 2 - (rows / height) ** 2, 0, None))
        shade = 0.2 + 0.6 * np.clip(depth * 0.7 - rows / height * 0.5, 0, 1)
        colour = np.where(depth[..., None] > 0, shade[..., None] * [0.9, 0.3, 0.5], 1.0)
        Image.fromarray((255 * colour).astype(np.uint8)).save(folder / f"plum {index}.jpg", quality=95)
    return folder
