# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Blender that renders batches of meshes for the backend.

Started by file path, under a Blender (`blender -b -P worker.py -- ...`) or a Python with the bpy module
(`python worker.py ...`). The main thread renders; one thread owns the socket and decodes the next batch meanwhile
(Cycles lets Python run); one thread watches the parent's end of the standard input pipe and ends the process with it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType


def main() -> None:
    arguments = _parse(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    token = sys.stdin.buffer.readline().decode("ascii").strip()
    package = _load_package()
    importlib.import_module(f"{package.__name__}.parent_watch").exit_with_parent()
    _redirect_standard_output()
    if arguments.protocol_path and importlib.util.find_spec("unrender_protocol") is None:
        sys.path.append(arguments.protocol_path)
    loop = importlib.import_module(f"{package.__name__}.worker_loop")
    code = loop.serve(arguments.address, token, arguments.worker)
    sys.stderr.flush()
    # Interpreter shutdown inside Blender hangs or crashes in some versions once handlers were registered.
    os._exit(code)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="worker.py", description="Renders batches for the Unrender backend.")
    parser.add_argument("--address", required=True, help="ZeroMQ address of the pool")
    parser.add_argument("--worker", required=True, type=int, help="this worker's number in the pool")
    parser.add_argument("--protocol-path", default="", help="folder that holds unrender_protocol")
    return parser.parse_args(arguments)


def _redirect_standard_output() -> None:
    """Send what Blender prints to standard output (at C level, a line per image) nowhere; errors stay visible."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _load_package() -> ModuleType:
    """Import this folder under a name of its own: the add-on around it is not loaded, and nothing is shadowed."""
    folder = Path(__file__).resolve().parent
    name = "unrender_rendering"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return package


if __name__ == "__main__":
    main()
