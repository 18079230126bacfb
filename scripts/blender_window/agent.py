# SPDX-License-Identifier: Apache-2.0
"""Runs inside the observed Blender and answers questions about it; it presses nothing and changes nothing.

`blender -P agent.py -- FOLDER`: a question is FOLDER/question.json, its answer FOLDER/answer.json. Questions are a
closed set of names; nothing that comes in is executed. Works with Python 3.10 (Blender 3.4) and later.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import bpy

SECONDS_BETWEEN_LOOKS = 0.015


def buttons() -> list[str]:
    """What the button under the mouse does: an operator's call, or the path of a property; empty where there is none.

    Blender itself knows it: its own "copy Python command" and "copy data path" work on the button under the mouse.
    """
    manager = bpy.context.window_manager
    found = []
    for window in manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                with bpy.context.temp_override(window=window, area=area, region=region):
                    for copy, options in (
                        (bpy.ops.ui.copy_python_command_button, {}),
                        (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
                    ):
                        if copy.poll():
                            manager.clipboard = ""
                            copy(**options)
                            found.append(manager.clipboard)
    return found


def windows() -> list[dict[str, Any]]:
    """Windows with their areas and regions; pixels, with the origin at the lower left of the screen."""
    return [
        {
            "x": window.x,
            "y": window.y,
            "width": window.width,
            "height": window.height,
            "areas": [
                {
                    "type": area.type,
                    "regions": [
                        {"type": region.type, **{name: getattr(region, name) for name in ("x", "y", "width", "height")}}
                        for region in area.regions
                    ],
                }
                for area in window.screen.areas
            ],
        }
        for window in bpy.context.window_manager.windows
    ]


def scene() -> dict[str, Any]:
    """The open file and the objects of its scene."""
    return {
        "file": bpy.data.filepath,
        "dirty": bpy.data.is_dirty,
        "images": sorted(image.name for image in bpy.data.images),
        "materials": sorted(material.name for material in bpy.data.materials),
        "objects": {
            thing.name: {
                "type": thing.type,
                "faces": len(thing.data.polygons) if thing.type == "MESH" else 0,
                "collections": [collection.name for collection in thing.users_collection],
                "seed": thing.get("unrender_seed"),
                "model": thing.get("unrender_model"),
                "threshold": thing.get("unrender_threshold"),
                "place": list(thing.location),
                "rotation": list(thing.rotation_euler),
            }
            for thing in bpy.context.scene.objects
        },
    }


def session() -> dict[str, Any] | None:
    """The add-on's session and what is set in its panel; None while the add-on is not enabled."""
    manager = bpy.context.window_manager
    found = getattr(manager, "unrender_session", None)
    if found is None:
        return None
    state = found.state
    return {
        "status": state.status.value,
        "device": state.server.device if state.server else "",
        "models": [model.name for model in state.server.models] if state.server else [],
        "problem": _problem(state.problem),
        "model": manager.unrender.model,
        "log": list(found.log)[-20:],
        "jobs": [
            {
                "key": job.key,
                "kind": job.kind,
                "title": job.title,
                "status": job.status.value,
                "paused": bool(getattr(job, "paused", False)),
                "phase": job.phase,
                "done": job.done,
                "total": job.total,
                "adopted": job.adopted,
                "problem": _problem(job.problem),
                "sheet": list(found.previews[job.id].shape) if job.id in found.previews else None,
                "scores": len(found.scores[job.id]) if job.id in getattr(found, "scores", {}) else 0,
            }
            for job in found.jobs.values()
        ],
    }


def clipboard() -> str:
    """The text that was copied last; asking about buttons overwrites it."""
    return bpy.context.window_manager.clipboard


def addons() -> list[str]:
    """Modules of the enabled add-ons."""
    return sorted(bpy.context.preferences.addons.keys())


def _problem(problem: Any) -> dict[str, str] | None:
    if problem is None:
        return None
    return {"tag": problem.tag, "message": problem.message, "hint": problem.hint}


ANSWERS = {
    "buttons": buttons,
    "windows": windows,
    "scene": scene,
    "session": session,
    "addons": addons,
    "clipboard": clipboard,
}


def look(folder: Path) -> None:
    """Answer the question that lies in the folder, if one does."""
    question = folder / "question.json"
    if not question.exists():
        return
    name = json.loads(question.read_text(encoding="utf-8"))["about"]
    question.unlink()
    try:
        answer = {"answer": ANSWERS[name]()}
    except Exception as error:  # the observer says what went wrong; this Blender goes on
        answer = {"error": f"{type(error).__name__}: {error}"}
    written = folder / "answer.partial"
    written.write_text(json.dumps(answer), encoding="utf-8")
    written.replace(folder / "answer.json")


def main() -> None:
    folder = Path(sys.argv[sys.argv.index("--") + 1])

    seen = False

    def look_again() -> float:
        # A question is answered one look later: timers run before the events that came with them are handled.
        nonlocal seen
        if seen:
            look(folder)
        seen = (folder / "question.json").exists()
        return SECONDS_BETWEEN_LOOKS

    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(look_again, first_interval=SECONDS_BETWEEN_LOOKS, persistent=True)


main()
