# SPDX-License-Identifier: Apache-2.0
"""Which Blender renders: a real executable where one can run the worker, the `bpy` module otherwise.

Order: the environment variable UNRENDER_BLENDER; `blender` on the PATH; the Python named by UNRENDER_BLENDER_PYTHON;
`.venv-blender` beside the checkout or below the working folder; executables in the usual places, which come last
because those that are downloaded lack the worker's libraries, and asking each takes a second or more. Blenders before
4.2 hand their pixels over through files, which is slower: they are taken only where nothing newer is found.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from unrender.errors import BlenderNotFoundError

PROBE_SECONDS = 120.0
_HINT = "Run scripts/demo, which installs one, or set UNRENDER_BLENDER to a Blender executable."
_MARK = "unrender-probe"
_NEEDED = ("numpy", "zmq", "msgpack")


@dataclass(frozen=True, slots=True)
class BlenderInstallation:
    """kind: a Blender `executable` or a Python with the bpy `module`; command: how to run a script, without it."""

    kind: Literal["executable", "module"]
    command: tuple[str, ...]
    version: str

    @property
    def has_pixels_in_memory(self) -> bool:
        """Whether images can be read from this Blender without a file (4.2 and newer)."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= (4, 2)

    def script_command(self, script: Path, arguments: list[str]) -> list[str]:
        """The command line that runs a Python file inside this Blender."""
        if self.kind == "module":
            return [*self.command, str(script), *arguments]
        return [*self.command, "-P", str(script), "--", *arguments]


def find_blender() -> BlenderInstallation:
    """Return the first Blender that can run a worker. Raises BlenderNotFoundError with what was tried and why not."""
    named = os.environ.get("UNRENDER_BLENDER")
    if named:
        found = probe(named)
        if isinstance(found, BlenderInstallation):
            return found
        raise BlenderNotFoundError(f"UNRENDER_BLENDER names {named}, which {found}.", _HINT)
    reasons, slower = [], None
    for candidate in _candidates():
        found = probe(candidate)
        if isinstance(found, str):
            reasons.append(f"{candidate} {found}")
        elif found.has_pixels_in_memory:
            return found
        else:
            slower = slower or found
    if slower is not None:
        return slower
    tried = f" Tried: {'; '.join(reasons)}." if reasons else ""
    raise BlenderNotFoundError(f"No Blender and no bpy module was found.{tried}", _HINT)


@cache
def probe(program: str) -> BlenderInstallation | str:
    """Run the program and see whether it is a Blender, or a Python with bpy, that can be a worker.

    Returns the installation, or a phrase that says why not ("is no file", "lacks zmq", ...).
    """
    if shutil.which(program) is None:
        return "is not there or cannot be run"
    is_python = "python" in Path(program).name.lower()
    code = (
        "import importlib.util as u; m=[n for n in {needed!r} if u.find_spec(n) is None]; {bpy}"
        "print('{mark}', bpy.app.version_string.split()[0], *m)"
    ).format(needed=_NEEDED, mark=_MARK, bpy="import bpy; ")
    if is_python:
        command: tuple[str, ...] = (program,)
        run = [program, "-c", code]
    else:
        command = (program, "-b", "--factory-startup", "--python-exit-code", "3")
        run = [*command, "--python-expr", code]
    try:
        answer = subprocess.run(
            run, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"did not answer ({type(error).__name__})"
    for line in answer.stdout.splitlines():
        if line.startswith(_MARK):
            version, *missing = line.split()[1:]
            if missing:
                return f"is Blender {version} but its Python lacks {', '.join(missing)}"
            return BlenderInstallation("module" if is_python else "executable", command, version)
    return _explain(answer, is_python)


def _explain(answer: "subprocess.CompletedProcess[str]", is_python: bool) -> str:
    error = answer.stderr.strip().splitlines()
    last = error[-1] if error else f"exit code {answer.returncode}"
    if is_python and "No module named 'bpy'" in last:
        return "has no bpy module"
    if (is_python and "No module named '_bpy'" in last) or "import bpy" in last or "compiled for" in last:
        return f"has a bpy made for another version of Python ({last})"
    if answer.returncode < 0 or answer.returncode == 134:
        return f"crashes when it starts ({last}); system libraries such as libegl1 may be missing"
    return f"failed to start ({last})"


def find_executables() -> list[str]:
    """Blender executables on the PATH and in the usual places of this system, newest names first in each place."""
    on_path = shutil.which("blender")
    found = {os.path.realpath(on_path): on_path} if on_path else {}
    for pattern in _usual_places():
        root = Path(pattern.anchor)
        for path in sorted(root.glob(str(pattern.relative_to(root))), key=_by_numbers, reverse=True):
            if path.is_file() and os.access(path, os.X_OK):
                found.setdefault(os.path.realpath(path), str(path))
    return list(found.values())


def _by_numbers(path: Path) -> list[tuple[int, str]]:
    """A sorting key in which 4.10 comes after 4.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]


def _usual_places() -> list[Path]:
    """Patterns of absolute paths."""
    home, steam = Path.home(), Path("steamapps/common/Blender")
    if sys.platform == "darwin":
        inside = Path("Contents/MacOS/Blender")
        applications = [folder / "Blender*.app" / inside for folder in (Path("/Applications"), home / "Applications")]
        return [*applications, home / "Library/Application Support/Steam" / steam / "Blender.app" / inside]
    if sys.platform == "win32":
        programs = Path(os.environ.get("PROGRAMFILES", "C:/Program Files"))
        programs_x86 = Path(os.environ.get("PROGRAMFILES(X86)", "C:/Program Files (x86)"))
        foundation = programs / "Blender Foundation" / "Blender*" / "blender.exe"
        return [foundation, home / "blender*" / "blender.exe", programs_x86 / "Steam" / steam / "blender.exe"]
    folders = [Path("/opt"), Path("/usr/local"), home, home / "Applications"]
    steams = [home / ".steam" / "steam", home / ".local" / "share" / "Steam"]
    return [
        *(folder / "blender*" / "blender" for folder in folders),
        *(folder / steam / "blender" for folder in steams),
        Path("/snap/bin/blender"),
    ]


def _candidates() -> list[str]:
    on_path = shutil.which("blender")
    candidates = [on_path] if on_path else []
    named = os.environ.get("UNRENDER_BLENDER_PYTHON")
    if named:
        candidates.append(named)
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    for folder in (Path(__file__).resolve().parents[4], Path.cwd()):
        candidates.append(str(folder / ".venv-blender" / inside))
    candidates += find_executables()
    return [candidate for candidate in dict.fromkeys(candidates) if Path(candidate).exists() or candidate == named]
