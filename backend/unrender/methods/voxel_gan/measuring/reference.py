# SPDX-License-Identifier: Apache-2.0
"""What generated things are compared with: renders of objects that no training saw, or the pictures of a folder."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.data.procedural import CLASSES
from unrender.data.shape_sets import ShapeSet
from unrender.data.training_pictures import spread
from unrender.errors import ConfigurationError, DataError
from unrender.methods.voxel_gan.config import DataConfig, VoxelGanConfig
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.loading import load_pictures, open_shapes, render_examples
from unrender.training.work import Work

HELD_OUT_SEED = 2_000_000
"""Seeds of procedural objects from here on are of no training, and the feature network was not trained on them."""

VALIDATION_SEED = 3_000_000
LEAST = 16
_MOST = 1000
_MOST_VIEWS = 8  # of an object of a folder
_VALIDATION_SHARE = 4  # every fourth picture of a folder, if it is not divided by things


@dataclass(frozen=True, slots=True)
class Reference:
    """images: to compare with. validation: others, that a threshold may be chosen on. shapes: those on the images, if
    they are known; other_shapes: further ones of the class, of a folder of shapes the same. facts: for the record."""

    images: Float[Tensor, "N 2 H W"]
    validation: Float[Tensor, "M 2 H W"]
    shapes: ShapeSet | None
    other_shapes: ShapeSet | None
    facts: dict[str, Any]

    def grids(self, count: int) -> Bool[Tensor, "N X Y Z"]:
        """At most `count` of the shapes, evenly spread; only where they are known."""
        assert self.shapes is not None
        return some_grids(self.shapes, count)


def some_grids(shapes: ShapeSet, count: int) -> Bool[Tensor, "N X Y Z"]:
    """At most `count` shapes of a set, evenly spread."""
    return shapes.grids(spread(len(shapes), count))[:, 0]


def load_reference(
    config: VoxelGanConfig, data: Path | None, shapes: str, count: int, validation: int, black_box: BlackBox, work: Work
) -> Reference:
    """Real images for a model: of the folder `data`, or of `shapes` (a procedural class or a folder of shapes), or,
    where neither is named, of what the model was trained on.

    None of it was trained on, where that can be: procedural objects have seeds outside every training, whatever the
    size of the training's set; of folders it is what `data.held_out` and `photos.held_out` keep, or, of pictures
    without such a share, all. At most `count`, or 1000 if that is more. validation: how many others, which are training
    objects for a folder of shapes; 0 for none. Raises DataError, ConfigurationError, CancelledError, RenderError.
    """
    if data is not None and shapes:
        raise ConfigurationError(
            f"Pictures ({data}) were named as well as shapes ({shapes}).", "Compare with one of them."
        )
    shapes = shapes or ("" if data is not None else config.data.shapes)
    if data is not None:
        return _of_pictures(config, data, count, validation)
    if not shapes:
        raise ConfigurationError(
            "No pictures were named, and the model does not know what it was trained on.",
            "Add --data FOLDER, the pictures to compare with, or --shapes with a procedural class or a folder.",
        )
    if shapes not in CLASSES:
        return _of_shape_folder(config, shapes, count, validation, black_box, work)
    seen = _with_objects(config, shapes, max(count, _MOST), HELD_OUT_SEED)
    images = render_examples(seen, black_box, seen.data.objects, work.progress, work.cancelled)
    others = _with_objects(config, shapes, max(validation, LEAST), VALIDATION_SEED)
    extra = images[:0]
    if validation:
        extra = render_examples(others, black_box, others.data.objects, work.progress, work.cancelled)
    facts = {"shapes": shapes, "first_seed": HELD_OUT_SEED, "count": len(images)}
    return Reference(images, extra, open_shapes(seen), open_shapes(others), facts)


def _with_objects(config: VoxelGanConfig, class_name: str, objects: int, first_seed: int) -> VoxelGanConfig:
    return dataclasses.replace(config, data=DataConfig(shapes=class_name, objects=objects, first_seed=first_seed))


def _of_shape_folder(
    config: VoxelGanConfig, folder: str, count: int, validation: int, black_box: BlackBox, work: Work
) -> Reference:
    most = max(count, _MOST)
    chosen = dataclasses.replace(config.data, shapes=folder, set="", objects=most, views_per_object=1, rerender=False)
    settings = dataclasses.replace(config, data=chosen)
    kept = open_shapes(settings, "held_out", work.progress, work.cancelled)
    views = min(_MOST_VIEWS, -(-most // len(kept)))
    seen = dataclasses.replace(settings, data=dataclasses.replace(chosen, views_per_object=views))
    images = render_examples(seen, black_box, most, work.progress, work.cancelled, "held_out")
    if len(images) < LEAST:
        raise DataError(
            f"{folder} has {len(kept)} shapes that are kept for evaluation, too few to compare with.",
            "Raise data.held_out, or name a folder with more of them.",
        )
    facts = {"shapes": folder, "objects": len(kept), "count": len(images)}
    others = (
        render_examples(settings, black_box, validation, work.progress, work.cancelled) if validation else images[:0]
    )
    return Reference(images, others, kept, open_shapes(settings), facts)


def _of_pictures(config: VoxelGanConfig, folder: Path, count: int, validation: int) -> Reference:
    images = load_pictures(folder, config, "held_out").images
    others = images[:0]
    if validation and config.photos.held_out > 0.0:
        others = load_pictures(folder, config, "train").images
    elif validation:
        held = torch.arange(len(images)) % _VALIDATION_SHARE == _VALIDATION_SHARE - 1
        images, others = images[~held], images[held]
    images, others = images[spread(len(images), max(count, _MOST))], others[spread(len(others), validation)]
    return Reference(images, others, None, None, {"pictures": str(folder), "count": len(images)})
