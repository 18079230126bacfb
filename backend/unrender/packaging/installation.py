# SPDX-License-Identifier: Apache-2.0
"""Installing the add-on into Blenders, each in a process of its own that runs `blender_addon/installer.py`."""

import json
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unrender.errors import PackagingError
from unrender.packaging.addon_source import MANIFEST, find_addon_source
from unrender.packaging.build import LEGACY_FOLDER, PackageKind, build_packages

_BLENDER_SECONDS = 300.0  # a first start with many add-ons of the user's own takes its time
_MARK = "unrender-addon:"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one Blender. version: empty where it never told; message: a phrase after its name."""

    program: str
    version: str
    ok: bool
    message: str

    def __str__(self) -> str:
        name = f"Blender {self.version}" if self.version else "Blender"
        return f"{name} ({self.program}): {self.message}."


def install(blenders: Sequence[str], package: Path | None = None) -> list[Outcome]:
    """Install and enable the add-on in each Blender, and return how it went, in the same order.

    Args:
        blenders: executables, or Pythons that can import bpy.
        package: a zip that was built before; None: both are built for the occasion.

    Raises:
        PackagingError: the zip is none of ours, or none can be built.
    """
    if package is not None:
        arguments = ["install", f"--{package_kind(package).value}", str(package.resolve())]
        return [_run_installer(blender, arguments) for blender in blenders]
    with tempfile.TemporaryDirectory(prefix="unrender-addon-") as folder:
        arguments = ["install"]
        for built in build_packages(Path(folder)):
            arguments += [f"--{built.kind.value}", str(built.path)]
        return [_run_installer(blender, arguments) for blender in blenders]


def uninstall(blenders: Sequence[str]) -> list[Outcome]:
    """Disable and remove the add-on in each Blender, and return how it went."""
    return [_run_installer(blender, ["uninstall"]) for blender in blenders]


def package_kind(package: Path) -> PackageKind:
    """Which of the two zips this is. Raises PackagingError where it is neither, or damaged."""
    hint = "Build it anew: unrender addon build --out DIR"
    try:
        with zipfile.ZipFile(package) as archive:
            damaged = archive.testzip()
            names = frozenset(archive.namelist())
    except FileNotFoundError as error:
        raise PackagingError(f"There is no file {package}.", hint) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise PackagingError(f"{package} is not a whole zip file.", hint) from error
    if damaged:
        raise PackagingError(f"{package} is damaged: {damaged} in it cannot be read.", hint)
    if MANIFEST in names:
        return PackageKind.EXTENSION
    if f"{LEGACY_FOLDER}/__init__.py" in names:
        return PackageKind.LEGACY
    raise PackagingError(f"{package} is not the add-on.", hint)


def _run_installer(blender: str, arguments: Sequence[str]) -> Outcome:
    _log.info("Starting %s", blender)
    program = _program(blender)
    script = str(find_addon_source() / "installer.py")
    if "python" in Path(program).name.lower():
        command = [program, script, *arguments]
    else:
        # With the user's own preferences: they are saved again with the add-on in them.
        command = [program, "-b", "--python-exit-code", "3", "-P", script, "--", *arguments]
    try:
        process = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_BLENDER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Outcome(blender, "", False, f"did not answer within {_BLENDER_SECONDS:.0f} seconds")
    except OSError as error:
        return Outcome(blender, "", False, f"cannot be run ({error.strerror})")
    for line in process.stdout.splitlines():
        if line.startswith(_MARK):
            answer = json.loads(line.removeprefix(_MARK))
            return Outcome(blender, answer["version"], answer["ok"], answer["message"])
    return Outcome(blender, "", False, _explain(process))


def _program(blender: str) -> str:
    """The executable behind a name: a macOS bundle or a Blender folder may be given for it."""
    path = Path(blender).expanduser()
    if path.is_dir():
        inside = ("Contents/MacOS/Blender", "blender.exe", "blender")
        return next((str(path / name) for name in inside if (path / name).is_file()), str(path))
    return str(path) if path.exists() else blender


def _explain(process: "subprocess.CompletedProcess[str]") -> str:
    lines = [line.strip() for line in (process.stderr + process.stdout).splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    if process.returncode < 0 or process.returncode >= 128 or (sys.platform == "win32" and process.returncode > 255):
        return f"crashed{last}"
    if "No module named 'bpy'" in process.stderr:
        return "is a Python without bpy"
    return f"is no Blender, or failed (exit code {process.returncode}){last}"
