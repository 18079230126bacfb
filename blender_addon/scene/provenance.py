# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written on a generated object about where it comes from: enough to make it again, or to mesh it again.

Panels read it while they draw, so it is imported without numpy.
"""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ..connection.remeshing import MeshSettings, ShapeSource

if TYPE_CHECKING:
    from ..connection.shapes import Shape

UUID_PROPERTY = "unrender_uuid"
TEXTURED_PROPERTY = "unrender_textured"
MOST_LOOKED_AT = 500  # selected objects; looking at more takes too long while a panel is drawn


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a shape was made."""

    source: ShapeSource
    settings: MeshSettings | None  # None: it came with its texture, and is not meshed anew
    job: str
    versions: Mapping[str, str] = field(default_factory=dict)


def write_provenance(target: bpy.types.Object, shape: Shape, title: str, provenance: Provenance) -> None:
    """Write it as custom properties. `title`: the word that shapes of this kind are called by."""
    target["unrender_class"] = title
    target["unrender_model"] = provenance.source.model
    target["unrender_model_hash"] = provenance.source.model_hash
    target["unrender_seed"] = shape.seed
    target["unrender_index"] = shape.index
    target["unrender_variety"] = provenance.source.variety
    target["unrender_job"] = provenance.job
    target["unrender_versions"] = dict(provenance.versions)
    target[UUID_PROPERTY] = str(uuid.uuid4())
    if provenance.settings is None:
        target[TEXTURED_PROPERTY] = True
    else:
        write_settings(target, provenance.settings)


def write_settings(target: bpy.types.Object, settings: MeshSettings) -> None:
    """Write how an object is meshed."""
    target["unrender_threshold"] = settings.threshold
    target["unrender_smoothing"] = settings.smoothing
    target["unrender_resolution"] = settings.resolution


def source_of(target: bpy.types.Object) -> ShapeSource | None:
    """Which shape an object is; None where that cannot be read, since properties can be edited."""
    try:
        return ShapeSource(
            str(target["unrender_model"]),
            str(target["unrender_model_hash"]),
            int(target["unrender_seed"]),
            float(target.get("unrender_variety", 1.0)),
        )
    except (KeyError, TypeError, ValueError):
        return None


def settings_of(target: bpy.types.Object) -> MeshSettings:
    """How an object is meshed; the usual where nothing is written that can be read."""
    usual = MeshSettings()
    return MeshSettings(
        _number(target, "unrender_threshold", usual.threshold),
        _number(target, "unrender_smoothing", usual.smoothing),
        int(_number(target, "unrender_resolution", usual.resolution)),
    )


def generated_objects(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """Those of `objects` that Unrender made."""
    return [candidate for candidate in objects if UUID_PROPERTY in candidate]


def is_textured(target: bpy.types.Object) -> bool:
    """Whether a generated object came with a texture: its mesh is as it is, and cannot be made anew."""
    return TEXTURED_PROPERTY in target


def selected_shapes(context: bpy.types.Context) -> Iterator[bpy.types.Object]:
    """The selected generated objects, the active one first; of very many selected objects only some are looked at."""
    layer = context.view_layer
    active = layer.objects.active
    if active is not None and UUID_PROPERTY in active and active.select_get():
        yield active
    for candidate in itertools.islice(layer.objects.selected, MOST_LOOKED_AT):
        if UUID_PROPERTY in candidate and candidate != active:
            yield candidate


def _number(target: bpy.types.Object, name: str, usual: float) -> float:
    value: Any = target.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return usual
    return float(value)
