# SPDX-License-Identifier: GPL-3.0-or-later
"""`nerf/OBJECT/transforms.json`: the views of each object as NeRF programs read them, on the images of the folder."""

from __future__ import annotations

import json
import math
from itertools import groupby
from pathlib import Path

from ..manifest import DatasetError
from ..plan import DatasetPlan, Views
from ..png import replace_file


def write_nerf(out: Path, plan: DatasetPlan, records: list[dict], views: Views) -> None:
    """Write one file per object; matrices are camera to world in Blender's (OpenGL's) convention."""
    for index, group in groupby(records, key=lambda record: record["object"]):
        frames = []
        for record in group:
            view = views.view(record["index"], record["class"])
            if not view.lens.is_perspective:
                raise DatasetError("The writer nerf needs perspective cameras; this cameras.json has others.")
            frame = {
                "file_path": f"../../{record['file']}",
                "fl_x": view.lens.focal,
                "fl_y": view.lens.focal,
                "cx": view.lens.centre[0],
                "cy": view.lens.centre[1],
                "transform_matrix": view.facts()["blender_camera_to_world"],
            }
            if "depth" in record.get("passes", {}):
                frame["depth_file_path"] = f"../../{record['passes']['depth']}"
            frames.append(frame)
        first = frames[0]
        facts = {
            "camera_model": "PINHOLE",
            "camera_angle_x": 2.0 * math.atan(0.5 * plan.size / first["fl_x"]),
            "w": plan.size,
            "h": plan.size,
            "aabb_scale": 1,
            "frames": frames,
        }
        folder = out / "nerf" / f"{index:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / "transforms.json", json.dumps(facts, indent=1).encode())
