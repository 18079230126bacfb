# SPDX-License-Identifier: Apache-2.0
"""What is odd about training pictures, as sentences for the user; what cannot work at all is an error elsewhere."""

from collections.abc import Mapping
from typing import Any

from unrender.data.image_folder import ImageSet
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.training.view_checks import view_complaints as view_range_complaints

FEW_PICTURES = 100
_BLACK = 0.004  # mean radiance inside the masks: below one level of 8 bits


def complaints(config: VoxelGanConfig, count: int, photos: ImageSet | None, known: Mapping[str, Any]) -> list[str]:
    """Sentences on `count` training pictures, most important first; empty where nothing is odd.

    photos: None for renders of objects. known: what the pictures say of their views, as `data.datasets.view_settings`.
    """
    sentences = view_complaints(config, known)
    if count < FEW_PICTURES and config.augmentation_target == 0.0:
        sentences.append(
            f"There are only {count} training pictures: the discriminator will soon know them by heart, and shapes "
            "will vary little. Set augmentation_target=0.6, or add pictures; some hundreds or more make good shapes."
        )
    return sentences + ([] if photos is None else _photo_complaints(config, photos))


def view_complaints(config: VoxelGanConfig, known: Mapping[str, Any]) -> list[str]:
    """Sentences on views that the training draws and that no picture shows."""
    sentences = view_range_complaints(config.views, known)
    width = known.get("views.width")
    if width is not None and abs(width - config.views.width) > 1e-3:
        sentences.append(
            f"views.width is {config.views.width:g}, but the pictures were rendered with {width:g}: generated shapes "
            f"will be of another size. Set views.width={width:g}."
        )
    return sentences


def _photo_complaints(config: VoxelGanConfig, photos: ImageSet) -> list[str]:
    sentences = []
    count, cropped = len(photos), photos.framed_by_object
    if 0 < cropped < count and config.photos.framing == "auto":
        sentences.append(
            f"{count - cropped} of {count} pictures have transparency and keep their frame, but {cropped} are "
            "photographs that are cropped to their object, so sizes do not fit together. "
            "Set photos.framing=object to crop all."
        )
    if photos.enlarged > count // 10:
        sentences.append(
            f"{photos.enlarged} of {count} pictures are smaller than {config.image_size} pixels and are enlarged: the "
            "discriminator will expect blurred renders. Give larger pictures, or use a preset of smaller images."
        )
    grey, alpha = photos.images[:, 0].sum(), photos.images[:, 1].sum()
    if float(grey / alpha.clamp(min=1.0)) < _BLACK:
        sentences.append(
            f"The objects in all {count} pictures are black: only outlines can be learned from them. Were they "
            "rendered without light?"
        )
    return sentences
