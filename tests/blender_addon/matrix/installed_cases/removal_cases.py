# SPDX-License-Identifier: Apache-2.0
"""Cases for the end: the add-on is disabled and removed as in the preferences. Run after all others."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import bpy

PACKAGE = "bl_ext.user_default.unrender"
THREAD_SECONDS = 30.0


def case_1_disabling_takes_everything_away() -> None:
    thing = bpy.data.objects.new("kept", None)
    bpy.context.scene.collection.objects.link(thing)
    assert bpy.ops.preferences.addon_disable(module=PACKAGE) == {"FINISHED"}
    assert not [name for name in dir(bpy.types) if name.startswith("UNRENDER")]
    assert not [name for name in dir(bpy.types.WindowManager) if name.startswith("unrender")]
    assert not dir(bpy.ops.unrender)
    for thread in threading.enumerate():  # one that sees a generator to its end may outlive the session by that long
        if thread.name.startswith(("unrender", "folder-render")):
            thread.join(THREAD_SECONDS)
            assert not thread.is_alive(), thread
    assert "kept" in bpy.data.objects


def case_2_removing_leaves_no_file() -> None:
    extensions = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions"
    assert (extensions / "user_default" / "unrender" / "blender_manifest.toml").is_file()
    repositories = [repository.module for repository in bpy.context.preferences.extensions.repos]
    index = repositories.index("user_default")
    assert "FINISHED" in bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="unrender")
    assert not (extensions / "user_default" / "unrender").exists()
    left = sorted(
        path.relative_to(extensions).as_posix()
        for path in extensions.rglob("*")
        if path.is_file() and any(name in path.as_posix() for name in ("unrender", "zmq", "msgpack"))
        if ".cache" not in path.parts and ".blender_ext" not in path.parts  # Blender's own index of what is installed
    )
    assert left == []


def case_3_it_cannot_be_enabled_any_more() -> None:
    try:
        outcome = bpy.ops.preferences.addon_enable(module=PACKAGE)
    except RuntimeError:
        outcome = {"CANCELLED"}
    assert outcome == {"CANCELLED"}
