# SPDX-License-Identifier: GPL-3.0-or-later
"""File formats that this Blender can write, under the names that its exporters have in this version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import bpy


@dataclass(frozen=True, slots=True)
class Exporter:
    """An operator of Blender's, its arguments besides the file path, and how the format is called."""

    operator: str
    arguments: Mapping[str, Any]
    suffix: str
    label: str
    description: str
    picture_beside: bool = False  # it names packed pictures, and does not write them


# Of those with the same key, the first that this Blender has is taken; wm.* are written in C, and replaced the others.
_EXPORTERS: tuple[tuple[str, Exporter], ...] = (
    (
        "GLB",
        Exporter(
            "export_scene.gltf",
            {"export_format": "GLB", "use_selection": True, "export_yup": True, "export_extras": True},
            ".glb",
            "GLB",
            "glTF: for the web, game engines and viewers",
        ),
    ),
    (
        "OBJ",
        Exporter(
            "wm.obj_export",
            {"export_selected_objects": True},
            ".obj",
            "OBJ",
            "For almost every 3D program",
            picture_beside=True,
        ),
    ),
    ("STL", Exporter("wm.stl_export", {"export_selected_objects": True}, ".stl", "STL", "For 3D printers")),
    ("STL", Exporter("export_mesh.stl", {"use_selection": True}, ".stl", "STL", "For 3D printers")),
    ("PLY", Exporter("wm.ply_export", {"export_selected_objects": True}, ".ply", "PLY", "For scans and science")),
    ("PLY", Exporter("export_mesh.ply", {"use_selection": True}, ".ply", "PLY", "For scans and science")),
    (
        "USD",
        Exporter(
            "wm.usd_export",
            {"selected_objects_only": True},
            ".usdc",
            "USD",
            "For Omniverse and other film pipelines",
        ),
    ),
)


def exporter_named(key: str) -> Exporter | None:
    """The exporter of a format; None where this Blender has none."""
    return next((exporter for name, exporter in _EXPORTERS if name == key and _exists(exporter.operator)), None)


def operator_of(exporter: Exporter) -> Callable[..., set[str]]:
    """The operator to call."""
    module, name = exporter.operator.split(".")
    return getattr(getattr(bpy.ops, module), name)


@cache
def available_formats() -> tuple[tuple[str, str, str], ...]:
    """The formats that this Blender can write, for a menu; GLB always, since its add-on can be enabled later."""
    keys = list(dict.fromkeys(key for key, exporter in _EXPORTERS if key == "GLB" or _exists(exporter.operator)))
    found = {key: exporter_named(key) or next(other for name, other in _EXPORTERS if name == key) for key in keys}
    return tuple((key, exporter.label, exporter.description) for key, exporter in found.items())


def _exists(operator: str) -> bool:
    module, name = operator.split(".")
    return name in dir(getattr(bpy.ops, module))
