# SPDX-License-Identifier: Apache-2.0
"""Installs the extension zip as the button "Install from Disk" does, in Blender's Python; one JSON line says how.

python install.py ZIP, with BLENDER_USER_RESOURCES naming an empty folder.
"""

from __future__ import annotations

import json
import os
import sys
import time

import bpy

MODULE = "bl_ext.user_default.unrender"


def main() -> None:
    """Install, enable, save the preferences."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    began = time.perf_counter()
    installed = bpy.ops.extensions.package_install_files(
        filepath=sys.argv[1], repo="user_default", enable_on_install=True, overwrite=True
    )
    bpy.ops.wm.save_userpref()
    outcome = {
        "installed": sorted(installed),
        "enabled": MODULE in bpy.context.preferences.addons and hasattr(bpy.ops.unrender.connect, "poll"),
        "seconds": round(time.perf_counter() - began, 3),
        "heavy": [name for name in ("zmq", "msgpack") if name in sys.modules],
        "background": bpy.app.background,
        "version": bpy.app.version,
    }
    print(json.dumps(outcome), file=report, flush=True)


if __name__ == "__main__":
    main()
