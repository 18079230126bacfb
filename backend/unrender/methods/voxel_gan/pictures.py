# SPDX-License-Identifier: Apache-2.0
"""Training pictures, as the discriminator sees them."""

import dataclasses
from pathlib import Path

from unrender.data.image_cache import ImageCache
from unrender.data.image_folder import ImageSet, ImageSettings, load_images
from unrender.data.photo_clean_up import CleanUpSettings, suppress_texture
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.storage import data_home


def load_pictures(folder: Path, config: VoxelGanConfig) -> ImageSet:
    """(grey, alpha) images `[N, 2, image_size, image_size]` of a folder; raises DataError."""
    settings = ImageSettings(config.image_size, "grey_alpha", config.photos.encoding, fill=config.photos.fill)
    pictures = load_images(folder, settings, ImageCache(data_home() / "cache" / "images"))
    if config.photos.suppress_texture and pictures.framed_by_object > 0:
        cleaned = suppress_texture(pictures.images, CleanUpSettings(), config.photos.encoding)
        pictures = dataclasses.replace(pictures, images=cleaned)
    return pictures
