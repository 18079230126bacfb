# SPDX-License-Identifier: Apache-2.0
"""Training pictures, as the discriminator sees them: a folder of pictures, or renders of objects."""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxtyping import Float, Int64
from torch import Tensor

from unrender.data.datasets import view_settings
from unrender.data.image_cache import ImageCache
from unrender.data.image_folder import LEAST_IMAGES, ImageSet, ImageSettings, load_images
from unrender.data.paper_sets import SetSize, known_views, set_size
from unrender.data.photo_clean_up import CleanUpSettings, suppress_texture
from unrender.data.photo_groups import group_photos, held_out_groups
from unrender.data.photo_masks import MaskSettings
from unrender.data.photo_tone import unify_means
from unrender.data.procedural import CLASSES
from unrender.data.rendered_pictures import render_still
from unrender.data.shape_files import ShapeFile, Split, UpAxis, category_of, find_shape_files
from unrender.data.shape_folder import load_shape_folder
from unrender.data.shape_sets import ProceduralShapes, ShapeSet
from unrender.data.training_pictures import RerenderedPictures, StillPictures, TrainingPictures, spread
from unrender.errors import ConfigurationError, DataError
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.renderers.differentiable.volumetric import VolumetricRenderer
from unrender.renderers.off_the_shelf.discovery import find_blender
from unrender.storage import data_home
from unrender.training.progress import CancelCheck, Progress, ProgressCallback, ignore_progress, never_cancelled

_CHANNELS = 2  # grey and alpha
# A study has many small sets: three classes of three sizes for four renderers.
_MOST_RENDERED_SETS, _MOST_RENDERED_BYTES = 256, 8 * 2**30

_log = logging.getLogger(__name__)


def load_pictures(folder: Path, config: VoxelGanConfig, split: Split | None = None) -> ImageSet:
    """(grey, alpha) images `[N, 2, image_size, image_size]` of a folder; raises DataError.

    split: with `photos.held_out`, only photos of the things that are trained on, or only of those that are kept for
    evaluation (see `data.photo_groups`); otherwise all.
    """
    photos = config.photos
    masks = MaskSettings(smallest_part=photos.thinnest_part)
    settings = ImageSettings(config.image_size, "grey_alpha", photos.encoding, photos.framing, photos.fill, masks)
    pictures = load_images(folder, settings, ImageCache(data_home() / "cache" / "images"))
    if photos.suppress_texture and pictures.framed_by_object > 0:
        cleaned = suppress_texture(pictures.images, CleanUpSettings(), photos.encoding)
        pictures = dataclasses.replace(pictures, images=cleaned)
    if photos.unify_mean:
        pictures = dataclasses.replace(pictures, images=unify_means(pictures.images))
    if split is None or photos.held_out == 0.0:
        return pictures
    groups = group_photos(pictures.sources)
    held_out = held_out_groups(groups, photos.held_out)
    chosen = [index for index, group in enumerate(groups) if (group in held_out) == (split == "held_out")]
    if len(chosen) < LEAST_IMAGES:
        raise DataError(
            f"photos.held_out = {photos.held_out:g} divides {len(pictures)} photos of {len(set(groups))} things into "
            f"{len(pictures) - len(chosen)} and {len(chosen)}, but at least {LEAST_IMAGES} of each are needed.",
            "Choose another share, or put the photos of each thing into a folder of its own.",
        )
    return pictures.chosen(chosen)


def load_config_for_data(name_or_path: str, data: Path | None, overrides: tuple[str, ...]) -> VoxelGanConfig:
    """The settings of a new training: where neither preset, file nor overrides say where views are taken from, what
    the pictures or the class of the objects are known for; a folder of shapes by its whole path.

    Raises ConfigurationError, DataError.
    """
    config = load_config(name_or_path, overrides)
    folder = picture_folder(data, config)
    known = known_views(_category(config)) if folder is None else view_settings(folder)
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


def open_shapes(
    config: VoxelGanConfig,
    split: Split = "train",
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> ShapeSet:
    """The objects of `config.data` at the resolution of the model, those of a folder voxelised.

    split: of a folder's objects, those that are trained on, or those that are kept for evaluation; procedural objects
    for evaluation are those of other seeds. Raises DataError, ConfigurationError, CancelledError.
    """
    data, size = config.data, _size(config)
    if data.shapes in CLASSES:
        return ProceduralShapes(data.shapes, size.objects or 1, config.resolution, data.first_seed)
    return open_folder(data.shapes, config.resolution, split, data.held_out, size.objects, data.up, progress, cancelled)


def open_folder(
    folder: str,
    resolution: int,
    split: Split = "train",
    held_out: float = 0.0,
    most: int | None = None,
    up: UpAxis = "auto",
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> ShapeSet:
    """At most `most` objects of a split of a folder of shapes, evenly spread; voxelised once, then from the cache.

    Raises DataError, CancelledError.
    """
    files = tuple(file for file in find_shape_files(Path(folder).expanduser(), held_out) if file.split == split)
    if not files:
        raise DataError(
            f"No objects of {folder} are left for {'training' if split == 'train' else 'evaluation'}.",
            "Change data.held_out, the share that is kept for evaluation.",
        )
    if most is not None:
        files = tuple(files[index] for index in spread(len(files), most).tolist())
    cache = data_home() / "cache" / "shapes"
    shapes = load_shape_folder(files, resolution, cache, _reported(progress, "shapes"), cancelled, up)
    if shapes.skipped:
        examples = "; ".join(f"{name} {reason}" for name, reason in shapes.skipped[:3])
        _log.warning("%d of %d shapes are left out: %s", len(shapes.skipped), len(files), examples)
    return shapes


def voxelise_pretraining_shapes(
    config: VoxelGanConfig, progress: ProgressCallback = ignore_progress, cancelled: CancelCheck = never_cancelled
) -> None:
    """Bring the folders among `proxy.pretrain_shapes` into the cache, for that can take long; raises DataError."""
    if config.proxy.pretrain_images > 0:
        for source in config.proxy.pretrain_shapes:
            if source not in CLASSES:
                open_folder(source, config.resolution, progress=progress, cancelled=cancelled)


def _shape_files(config: VoxelGanConfig) -> tuple[ShapeFile, ...]:
    return find_shape_files(Path(config.data.shapes).expanduser(), config.data.held_out)


def _category(config: VoxelGanConfig) -> str:
    """The class of the objects, empty where it is not known; raises DataError, ConfigurationError."""
    _size(config)
    shapes = config.data.shapes
    if shapes in CLASSES:
        return shapes
    if not Path(shapes).expanduser().exists() and not {"/", "\\", "."}.intersection(shapes):
        raise DataError(
            f"There is neither a class of procedural shapes nor a folder {shapes!r}.",
            f"Classes: {', '.join(CLASSES)}.",
        )
    return category_of(_shape_files(config))


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
    shapes, size = open_shapes(config, "train", progress, cancelled), _size(config)
    count = len(shapes) * size.views_per_object
    if count < LEAST_IMAGES and not size.rerender:
        raise DataError(
            f"{len(shapes)} objects, {size.views_per_object} views of each, make {count} pictures, and training needs "
            f"at least {LEAST_IMAGES}.",
            "Raise data.objects or data.views_per_object; some hundreds of pictures or more make good shapes.",
        )
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
    split: Split = "train",
) -> Float[Tensor, "N C H W"]:
    """At most `count` renders of the objects of `config.data`, evenly spread, by the black box, which all routes are
    scored with; from the cache where they are there. split: as `open_shapes`. Raises as `render_pictures`."""
    shapes = open_shapes(config, split, progress, cancelled)
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
        ImageCache(data_home() / "cache" / "renders", _MOST_RENDERED_SETS, _MOST_RENDERED_BYTES),
        _reported(progress, "pictures"),
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
        if data.shapes in CLASSES:
            return set_size(data.set, data.shapes, is_folder=False)
        return set_size(data.set, category_of(_shape_files(config)), is_folder=True)
    return SetSize(data.objects, data.views_per_object, data.rerender)


def _reported(progress: ProgressCallback, phase: str) -> Callable[[int, int], None]:
    """Reports of a phase with the time left."""
    started = time.monotonic()

    def report(done: int, total: int) -> None:
        progress(Progress(phase, done, total, (time.monotonic() - started) / done * (total - done)))

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
