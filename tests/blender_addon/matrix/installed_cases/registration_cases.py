# SPDX-License-Identifier: Apache-2.0
"""Cases that switch the add-on off and on again: nothing is left behind, and nothing adds up."""

from __future__ import annotations

import gc
import sys
import threading
from collections import Counter
from typing import Any

import bpy

PACKAGE = "bl_ext.user_default.unrender"
TIMES = 20


def registered() -> Counter[str]:
    """How many there are of everything that an add-on can leave behind in Blender."""
    counts: Counter[str] = Counter()
    counts["classes"] = len(dir(bpy.types))
    for base in (bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup, bpy.types.AddonPreferences):
        counts[f"subclasses of {base.__name__}"] = sum(1 for cls in base.__subclasses__() if cls.is_registered)
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            counts[f"handlers {name}"] = len(handlers)
    for owner in (bpy.types.WindowManager, bpy.types.Scene, bpy.types.Object, bpy.types.Mesh, bpy.types.Collection):
        counts[f"properties of {owner.__name__}"] = len(owner.bl_rna.properties)
        counts[f"attributes of {owner.__name__}"] = len(dir(owner))
    keymaps = bpy.context.window_manager.keyconfigs.addon
    counts["keys"] = sum(len(keymap.keymap_items) for keymap in keymaps.keymaps) if keymaps else 0
    menus = [getattr(bpy.types, name) for name in dir(bpy.types) if "_MT_" in name]
    counts["menu entries"] = sum(len(getattr(menu.draw, "_draw_funcs", ())) for menu in menus if hasattr(menu, "draw"))
    counts["threads"] = threading.active_count()
    counts["folders on the path"] = len(sys.path)
    return counts


def living() -> Counter[str]:
    """How many of the add-on's own objects are still referred to."""
    gc.collect()
    names = ("Session", "Ticker", "SocketThread", "BackendProcess", "Inbox", "Pictures")
    ours = (type(thing) for thing in gc.get_objects() if str(type(thing).__module__).startswith(PACKAGE))
    return Counter(cls.__name__ for cls in ours if cls.__name__ in names)


def timer() -> Any:
    """The add-on's timer; what an enabled add-on has is made when it is first asked for."""
    return bpy.context.window_manager.unrender_ticker._callback


def difference(before: Counter[str], after: Counter[str]) -> dict[str, tuple[int, int]]:
    return {name: (before[name], after[name]) for name in before | after if before[name] != after[name]}


def case_registering_twenty_times_leaves_as_much_as_once() -> None:
    addon = sys.modules[PACKAGE]
    assert bpy.app.timers.is_registered(timer())
    with_it, alive = registered(), living()
    assert alive["Session"] == alive["Ticker"] == 1
    addon.unregister()
    without_it = registered()
    assert without_it["subclasses of Operator"] < with_it["subclasses of Operator"]
    for _ in range(TIMES):
        addon.register()
        now = timer()
        assert bpy.app.timers.is_registered(now)
        addon.unregister()
        assert not bpy.app.timers.is_registered(now)
    assert difference(without_it, registered()) == {}
    addon.register()
    now = timer()
    assert difference(with_it, registered()) == {}
    assert difference(alive, living()) == {}


def case_disabling_and_enabling_in_the_preferences_twenty_times_leaves_as_much_as_once() -> None:
    assert bpy.app.timers.is_registered(timer())
    with_it, alive = registered(), living()
    for _ in range(TIMES):
        assert bpy.ops.preferences.addon_disable(module=PACKAGE) == {"FINISHED"}
        assert PACKAGE not in bpy.context.preferences.addons
        assert not hasattr(bpy.types.WindowManager, "unrender_session")
        assert bpy.ops.preferences.addon_enable(module=PACKAGE) == {"FINISHED"}
        assert bpy.app.timers.is_registered(timer())
    assert difference(with_it, registered()) == {}
    assert difference(alive, living()) == {}
