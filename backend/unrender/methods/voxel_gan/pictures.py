# SPDX-License-Identifier: Apache-2.0
"""Training pictures, as the discriminator sees them: a folder of pictures, or renders of objects."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unrender.data.image_cache import ImageCache
from unrender.data.image_folder import ImageSet, ImageSettings, load_images
from unrender.data.paper_sets import SetSize, set_size
from unrender.data.photo_clean_up import CleanUpSettings, suppress_texture
from unrender.data.procedural import CLASSES
from unrender.data.rendered_pictures import render_still
from unrender.data.shape_sets import ProceduralShapes, ShapeSet
from unrender.data.training_pictures import RerenderedPictures, TrainingPictures
from unrender.methods.voxel_gan.black_box import BlackBox
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.renderers.differentiable.volumetric import VolumetricRenderer
from unrender.renderers.off_the_shelf.discovery import find_blender
from unrender.storage import data_home
from unrender.training.progress import CancelCheck, Progress, ProgressCallback, ignore_progress, never_cancelled

_CHANNELS = 2  # grey and alpha


def load_pictures(folder: Path, config: VoxelGanConfig) -> ImageSet:
    """(grey, alpha) images `[N, 2, image_size, image_size]` of a folder; raises DataError."""
    settings = ImageSettings(config.image_size, "grey_alpha", config.photos.encoding, fill=config.photos.fill)
    pictures = load_images(folder, settings, ImageCache(data_home() / "cache" / "images"))
    if config.photos.suppress_texture and pictures.framed_by_object > 0:
        cleaned = suppress_texture(pictures.images, CleanUpSettings(), config.photos.encoding)
        pictures = dataclasses.replace(pictures, images=cleaned)
    return pictures


def open_training_shapes(config: VoxelGanConfig) -> ShapeSet:
    """The objects of `config.data` at the resolution of the model; raises DataError, ConfigurationError."""
    size = _size(config)
    return ProceduralShapes(config.data.shapes, size.objects or 1, config.resolution, config.data.first_seed)


def render_pictures(
    config: VoxelGanConfig,
    black_box: BlackBox,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
    through_route: bool = True,
) -> TrainingPictures:
    """Pictures of the objects of `config.data`, still ones from the cache where they are there.

    through_route: those of a volumetric route are made with its own renderer, as the paper does for its baselines;
    otherwise with the black box, which is what all routes are scored with. Raises DataError, ConfigurationError,
    CancelledError, RenderError.
    """
    shapes, size = open_training_shapes(config), _size(config)
    renderer = picture_renderer(config, black_box) if through_route else black_box
    views, seed = size.views_per_object, config.data.first_seed
    if size.rerender:
        shape = (_CHANNELS, config.image_size, config.image_size)
        return RerenderedPictures(shapes, views, config.views, seed, renderer, shape)
    return render_still(
        shapes,
        views,
        config.views,
        seed,
        renderer,
        _identity(config, renderer),
        ImageCache(data_home() / "cache" / "renders"),
        _reported(progress),
        cancelled,
    )


def picture_renderer(config: VoxelGanConfig, black_box: BlackBox) -> BlackBox:
    """What renders the training pictures of known objects for a route."""
    if config.route == "proxy" or config.route == "image":
        return black_box
    return BlackBox(VolumetricRenderer(config.route, config.image_size), config.lighting, config.photos.encoding)


def _size(config: VoxelGanConfig) -> SetSize:
    data = config.data
    if data.set:
        return set_size(data.set, data.shapes, data.shapes not in CLASSES)
    return SetSize(data.objects, data.views_per_object, data.rerender)


def _reported(progress: ProgressCallback) -> Callable[[int, int], None]:
    """Reports of pictures that are rendered, with the time left."""
    started = time.monotonic()

    def report(done: int, total: int) -> None:
        progress(Progress("pictures", done, total, (time.monotonic() - started) / done * (total - done)))

    return report


def _identity(config: VoxelGanConfig, renderer: BlackBox) -> dict[str, Any]:
    """All that a renderer's pictures depend on besides shapes and views."""
    common: dict[str, Any] = {"size": config.image_size, "encoding": config.photos.encoding}
    if isinstance(renderer.renderer, VolumetricRenderer):
        return common | {"kind": renderer.renderer.kind, "density": renderer.renderer.density}
    settings = config.renderer
    facts = common | {
        "kind": settings.kind,
        "samples": settings.samples,
        "surface_blur": settings.surface_blur,
        "lighting": dataclasses.asdict(config.lighting),
    }
    if settings.kind == "blender":
        facts |= {"engine": settings.engine, "blender": "" if settings.ray else find_blender().version}
    return facts
