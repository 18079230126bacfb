# SPDX-License-Identifier: Apache-2.0
"""Runs the functions `case_*` of files inside Blender's Python, with the add-on enabled; one JSON line per case.

python runner.py CASES.py ...                the checkout's sources, as if they were installed
python runner.py --installed CASES.py ...    what is installed in BLENDER_USER_RESOURCES, as its preferences say
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import inspect
import json
import os
import sys
import tempfile
import time
import traceback
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

CHECKOUT = Path(__file__).resolve().parents[3]


class OnlyBundled:
    """Finds the add-on's libraries only in folders that Blender puts on the path, as it does with an add-on's wheels.

    A test environment has the same libraries of its own, which would hide that the add-on came without them.
    """

    names = ("zmq", "msgpack", "unrender_protocol")

    def __init__(self) -> None:
        self._before = set(sys.path)

    def find_spec(self, name: str, path: object = None, _target: object = None) -> ModuleSpec | None:
        """Asked by `import` before anything else; None leaves the module to the others."""
        if path is not None or name not in self.names:
            return None
        found = PathFinder.find_spec(name, [folder for folder in sys.path if folder not in self._before])
        if found is None:
            raise ModuleNotFoundError(f"{name} did not come with the add-on", name=name)
        return found


def load(path: Path, name: str) -> ModuleType:
    """A module by its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def enable_installed() -> None:
    """Start as a user's Blender does: the saved preferences say that the add-on is enabled."""
    import bpy

    if bpy.app.version >= (5, 0, 0):
        bpy.ops.wm.read_userpref()
    else:  # reading preferences crashes the bpy of 4.2, with or without an add-on
        bpy.ops.preferences.addon_enable(module="bl_ext.user_default.unrender")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert "bl_ext.user_default.unrender" in bpy.context.preferences.addons
    assert hasattr(bpy.context.window_manager, "unrender_session")


def start_afresh() -> None:
    """An empty file, the panel as it is at first: cases know nothing of one another."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    if hasattr(bpy.context.window_manager, "unrender"):  # cases may have taken the add-on away
        set_defaults(bpy.context.window_manager.unrender)


def go_offline() -> None:
    """Preferences as at first, no connection, no jobs: what a file of cases begins with."""
    import bpy

    (addon,) = (addon for addon in bpy.context.preferences.addons if addon.module.endswith(".unrender"))
    set_defaults(addon.preferences)
    session = bpy.context.window_manager.unrender_session
    session.disconnect()
    session.jobs.clear()


def set_defaults(group: Any) -> None:
    """Give every property of a group its default."""
    for item in group.bl_rna.properties:
        if not item.is_readonly:
            group.property_unset(item.identifier)


def run_cases(path: Path, report: TextIO, scratch: Path) -> None:
    """Run the cases of one file, each in an empty .blend file."""
    go_offline()
    for name, case in inspect.getmembers(load(path, path.stem), inspect.isfunction):
        if not name.startswith("case_"):
            continue
        start_afresh()
        folder = scratch / path.stem / name
        folder.mkdir(parents=True)
        began = time.perf_counter()
        failure = ""
        try:
            case(**({"folder": folder} if "folder" in inspect.signature(case).parameters else {}))
        except BaseException:
            failure = traceback.format_exc()
        seconds = round(time.perf_counter() - began, 3)
        line = {"file": path.stem, "case": name, "failure": failure, "seconds": seconds}
        print(json.dumps(line), file=report, flush=True)


def main() -> None:
    """Enable the add-on, run all cases of all files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--installed", action="store_true", help="instead of the checkout's sources")
    parser.add_argument("cases", type=Path, nargs="+")
    options = parser.parse_args()
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, str(CHECKOUT))
    with contextlib.ExitStack() as stack:
        if options.installed:
            sys.meta_path.insert(0, OnlyBundled())
            enable_installed()
        else:
            headless_main = load(CHECKOUT / "blender_addon" / "headless_main.py", "headless_main")
            stack.enter_context(headless_main.linked_extension())
            headless_main.enable()
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        for path in options.cases:
            run_cases(path, report, Path(scratch))
    import bpy

    if bpy.app.version < (5, 0, 0):
        os._exit(0)  # bpy 4.2 crashes at its end once its glTF exporter has run, with or without an add-on


if __name__ == "__main__":
    main()
