# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the add-on into the Blender that runs this file, as a user would in the preferences; or removes it.

Run by file path, by `unrender addon install`::

    blender -b -P installer.py -- install --extension ZIP --legacy ZIP
    python installer.py uninstall

It answers with one line of JSON behind a mark, since Blender writes to standard output as well. The file is read by
Blenders that are too old for the add-on, too, and has to stay readable for their Python.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import bpy

MARK = "unrender-addon:"
OLDEST = (3, 4, 0)
FIRST_WITH_EXTENSIONS = (4, 2, 0)
REPOSITORY = "user_default"
LEGACY_MODULE = "unrender"
EXTENSION_MODULE = f"bl_ext.{REPOSITORY}.unrender"
LIBRARIES = ("zmq", "msgpack", "unrender_protocol")


class Refusal(Exception):
    """The add-on was not installed; the message is a phrase that goes on after the Blender's name."""


def install(extension: str, legacy: str) -> str:
    """Install the zip that fits, enable the add-on, save the preferences; returns a phrase on how it went."""
    if bpy.app.version < OLDEST:
        raise Refusal("is too old: the add-on needs Blender 3.4 or newer")
    if importlib.util.find_spec("numpy") is None:
        raise Refusal("has no numpy, which the add-on needs (on Debian and Ubuntu: sudo apt install python3-numpy)")
    _refuse_link(_installed_folder())
    if has_extensions():
        _install_extension(extension)
    else:
        _install_legacy(legacy)
    module = module_name()
    if module not in bpy.context.preferences.addons:
        raise Refusal("installed the add-on but could not enable it")
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        python = ".".join(str(part) for part in sys.version_info[:2])
        raise Refusal(f"has no {', '.join(missing)} now: the zip has none for its Python {python} on this system")
    if not keeps_preferences():
        return f"add-on installed; this module of Python keeps no preferences, so each process enables {module} itself"
    bpy.ops.wm.save_userpref()
    return f"add-on installed and enabled as {module}"


def has_extensions() -> bool:
    """Whether this Blender takes extensions."""
    return bpy.app.version >= FIRST_WITH_EXTENSIONS


def keeps_preferences() -> bool:
    """Whether the user's preferences are loaded, so that they can be saved.

    As a module, Blender starts with factory settings, which must not be saved over the user's; and the modules before
    5.0 crash when they read preferences.
    """
    return bool(bpy.app.binary_path) or bpy.app.version >= (5, 0, 0)


def module_name() -> str:
    """The add-on's name in this Blender."""
    return EXTENSION_MODULE if has_extensions() else LEGACY_MODULE


def _install_extension(path: str) -> None:
    if not path:
        raise Refusal("needs the extension zip, for Blender 4.2 and newer")
    if LEGACY_MODULE in bpy.context.preferences.addons:  # taken over with the settings of an older Blender
        bpy.ops.preferences.addon_disable(module=LEGACY_MODULE)
    bpy.ops.extensions.package_install_files(filepath=path, repo=REPOSITORY, enable_on_install=True, overwrite=True)


def _install_legacy(path: str) -> None:
    if not path:
        raise Refusal("needs the legacy zip, for Blender 3.4 to 4.1")
    _disable()
    namesake = importlib.util.find_spec(LEGACY_MODULE)
    if namesake is not None and _installed_folder() != Path(namesake.origin or "").parent:
        raise Refusal(f"finds another Python package of that name first, {namesake.origin}: take it off PYTHONPATH")
    bpy.ops.preferences.addon_install(filepath=path, overwrite=True)
    bpy.ops.preferences.addon_enable(module=LEGACY_MODULE)


def _disable() -> None:
    """Disable the add-on and forget its modules, so that the new files are the ones that run."""
    module = module_name()
    if module in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_disable(module=module)
    for name in [name for name in sys.modules if name == module or name.startswith(module + ".")]:
        del sys.modules[name]


def uninstall() -> str:
    """Disable and remove the add-on, and save the preferences; returns a phrase on how it went."""
    folder = _installed_folder()
    if folder is None:
        return "had no add-on to remove"
    _refuse_link(folder)
    if has_extensions():
        repositories = bpy.context.preferences.extensions.repos
        index = next(index for index, repository in enumerate(repositories) if repository.module == REPOSITORY)
        bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="unrender")
    else:
        _disable()
        shutil.rmtree(str(folder))
    if folder.exists():
        raise Refusal(f"could not remove {folder}")
    if keeps_preferences():
        bpy.ops.wm.save_userpref()
    return "add-on removed"


def _refuse_link(folder: Path | None) -> None:
    """A developer's link must lead to no deletion of what it points to."""
    if folder is not None and folder.is_symlink():
        raise Refusal(f"has a link to the add-on's sources, which is yours to remove: {folder}")


def _installed_folder() -> Path | None:
    if has_extensions():
        repositories = bpy.context.preferences.extensions.repos
        places = [repository.directory for repository in repositories if repository.module == REPOSITORY]
    else:
        places = bpy.utils.script_paths(subdir="addons")
    folders = [Path(place) / "unrender" for place in places]
    return next((folder for folder in folders if folder.exists() or folder.is_symlink()), None)


def last_line(error: str) -> str:
    """What an operator's error comes down to: above it stands a stack, below it, in older Blenders, a place."""
    lines = [line.strip() for line in error.splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("Location:")), "without a reason")


def answer(arguments: list[str]) -> dict[str, object]:
    """Do what the command line says; returns the version, whether it went well, and a phrase."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("install", "uninstall"))
    parser.add_argument("--extension", default="")
    parser.add_argument("--legacy", default="")
    options = parser.parse_args(arguments)
    try:
        if not bpy.app.binary_path and keeps_preferences():
            bpy.ops.wm.read_userpref()
        phrase = install(options.extension, options.legacy) if options.action == "install" else uninstall()
        ok = True
    except Refusal as refusal:
        phrase, ok = str(refusal), False
    except (RuntimeError, OSError) as error:  # what an operator reports, or the disk
        phrase, ok = f"refused: {last_line(str(error))}", False
    return {"version": ".".join(str(part) for part in bpy.app.version), "ok": ok, "message": phrase}


if __name__ == "__main__":
    result = answer(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    print(MARK, json.dumps(result), flush=True)
    if bpy.app.binary_path:
        os._exit(0)  # the answer is out: add-ons of the user need not be taken down one by one
