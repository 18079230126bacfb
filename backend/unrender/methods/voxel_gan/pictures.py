# SPDX-License-Identifier: Apache-2.0
"""Training pictures, as the discriminator sees them: a folder of pictures, or renders of objects."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxtyping import Float, Int64
from torch import Tensor

from unrender.data.datasets import view_settings
from unrender.data.image_cache import ImageCache
from unrender.data.image_folder import ImageSet, ImageSettings, load_images
from unrender.data.paper_sets import SetSize, known_views, set_size
from unrender.data.photo_clean_up import CleanUpSettings, suppress_texture
from unrender.data.procedural import CLASSES
from unrender.data.rendered_pictures import render_still
from unrender.data.shape_sets import ProceduralShapes, ShapeSet
from unrender.data.training_pictures import RerenderedPictures, StillPictures, TrainingPictures, spread
from unrender.errors import ConfigurationError
from unrender.methods.voxel_gan.black_box import BlackBox
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config
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


def load_config_for_data(name_or_path: str, data: Path | None, overrides: tuple[str, ...]) -> VoxelGanConfig:
    """The settings of a new training: where neither preset, file nor overrides say where views are taken from, what
    the pictures or the class of the objects are known for; a folder of shapes by its whole path.

    Raises ConfigurationError, DataError.
    """
    config = load_config(name_or_path, overrides)
    folder = picture_folder(data, config)
    known = known_views(open_shapes(config).category) if folder is None else view_settings(folder)
    config = load_config(name_or_path, overrides, known)
    if folder is None and config.data.shapes not in CLASSES:
        shapes = str(Path(config.data.shapes).expanduser().resolve())
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, shapes=shapes))
    return config


def picture_folder(data: Path | None, config: VoxelGanConfig) -> Path | None:
    """The folder to train on, None for renders of the objects of `config.data`; raises ConfigurationError."""
    if data is not None and config.data.shapes:
        raise ConfigurationError(
            f"Pictures ({data}) were named as well as objects to render (data.shapes = {config.data.shapes!r}).",
            "Train on one of them.",
        )
    if data is None and not config.data.shapes:
        raise ConfigurationError(
            "No pictures were named.",
            "Add --data FOLDER, or --shapes with a procedural class or a folder of shapes, which are rendered.",
        )
    return data


def open_shapes(config: VoxelGanConfig) -> ShapeSet:
    """The objects of `config.data` at the resolution of the model; raises DataError, ConfigurationError."""
    size = _size(config)
    return ProceduralShapes(config.data.shapes, size.objects or 1, config.resolution, config.data.first_seed)


def render_pictures(
    config: VoxelGanConfig,
    black_box: BlackBox,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> TrainingPictures:
    """Pictures of the objects of `config.data`, still ones from the cache where they are there.

    Those of a volumetric route are made with its own renderer, as the paper does for its baselines. Raises DataError,
    ConfigurationError, CancelledError, RenderError.
    """
    shapes, size = open_shapes(config), _size(config)
    renderer = picture_renderer(config, black_box)
    if size.rerender:
        shape = (_CHANNELS, config.image_size, config.image_size)
        seed = config.data.first_seed
        return RerenderedPictures(shapes, size.views_per_object, config.views, seed, renderer, shape)
    return _render_still(config, shapes, renderer, None, progress, cancelled)


def render_examples(
    config: VoxelGanConfig,
    black_box: BlackBox,
    count: int,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> Float[Tensor, "N C H W"]:
    """At most `count` renders of the objects of `config.data`, evenly spread, by the black box, which all routes are
    scored with; from the cache where they are there. Raises as `render_pictures`."""
    shapes = open_shapes(config)
    if not _size(config).rerender and picture_renderer(config, black_box) is black_box:
        return _render_still(config, shapes, black_box, None, progress, cancelled).examples(count)  # all are needed
    items = spread(len(shapes) * _size(config).views_per_object, count)
    return _render_still(config, shapes, black_box, items, progress, cancelled).images


def _render_still(
    config: VoxelGanConfig,
    shapes: ShapeSet,
    renderer: BlackBox,
    items: Int64[Tensor, " N"] | None,
    progress: ProgressCallback,
    cancelled: CancelCheck,
) -> StillPictures:
    return render_still(
        shapes,
        _size(config).views_per_object,
        config.views,
        config.data.first_seed,
        renderer,
        _identity(config, renderer),
        ImageCache(data_home() / "cache" / "renders"),
        _reported(progress),
        cancelled,
        items,
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
