# SPDX-License-Identifier: Apache-2.0
"""Runs the functions `case_*` of one file inside Blender's Python, with the add-on enabled; one JSON line per case.

python runner.py CASES.py
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[3]


def load(path: Path, name: str) -> ModuleType:
    """A module by its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Enable the add-on as the real extension, run all cases, each in an empty file."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, str(CHECKOUT))
    headless_main = load(CHECKOUT / "blender_addon" / "headless_main.py", "headless_main")
    with headless_main.linked_extension(), tempfile.TemporaryDirectory() as scratch:
        cases = load(Path(sys.argv[1]), "cases")
        headless_main.enable()
        import bpy

        for name, case in inspect.getmembers(cases, inspect.isfunction):
            if not name.startswith("case_"):
                continue
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
            folder = Path(scratch) / name
            folder.mkdir()
            began = time.perf_counter()
            failure = ""
            try:
                case(**({"folder": folder} if "folder" in inspect.signature(case).parameters else {}))
            except BaseException:
                failure = traceback.format_exc()
            line = {"case": name, "failure": failure, "seconds": round(time.perf_counter() - began, 3)}
            print(json.dumps(line), file=report, flush=True)


if __name__ == "__main__":
    main()
