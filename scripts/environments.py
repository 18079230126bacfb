# SPDX-License-Identifier: Apache-2.0
"""Makes the two Python environments of a checkout, so that an interrupted attempt is never taken for a complete one.

`.venv` holds the backend, `.venv-blender` Blender as a Python module; the two cannot share one, because `bpy` needs
an older numpy. Each gets exactly the versions that its constraints file pins. An environment counts as complete only
when it holds a stamp whose fingerprint covers everything it was made from; the stamp is taken away before pip starts
and comes back after the last check, so a second run starts at once and an interrupted run starts that one anew.

Run by `scripts/make_environment`; with the standard library of Python 3.11 alone.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STAMP = "unrender-environment"

# What `import bpy`, Cycles and asset previews load from the system; the module's wheel does not carry them.
BLENDER_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
}


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One virtual environment: where it lies and everything that decides what is in it."""

    folder: Path
    constraints: Path
    requirements: tuple[str, ...]  # arguments of one `pip install`
    sources: tuple[Path, ...]  # files besides the constraints that decide what is installed
    modules: tuple[str, ...]  # must import when it is complete

    @property
    def python(self) -> Path:
        """The environment's own Python."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def stamp(self) -> Path:
        """The file whose presence says that the environment is complete."""
        return self.folder / STAMP

    def fingerprint(self) -> str:
        """A hash over everything the environment is made from: Python's version, the arguments and the files."""
        digest = hashlib.sha256(repr((sys.version_info[:3], self.requirements, self.modules)).encode())
        for path in (self.constraints, *self.sources):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def is_complete(self) -> bool:
        """True when the stamp matches and the environment's Python is still there."""
        try:
            return self.stamp.read_text() == self.fingerprint() and self.python.exists()
        except OSError:
            return False


def environments(checkout: Path) -> dict[str, Environment]:
    """The two environments of a checkout by name: `backend` and `blender`."""
    protocol = checkout / "protocol"
    return {
        "backend": Environment(
            folder=checkout / ".venv",
            constraints=checkout / "scripts" / "constraints-backend.txt",
            requirements=("-e", str(protocol), "-e", f"{checkout}[dev]"),
            sources=(checkout / "pyproject.toml", protocol / "pyproject.toml"),
            modules=("torch", "unrender", "unrender_protocol"),
        ),
        "blender": Environment(
            folder=checkout / ".venv-blender",
            constraints=checkout / "scripts" / "constraints-blender.txt",
            requirements=("-e", str(protocol), "bpy"),
            sources=(protocol / "pyproject.toml",),
            modules=("bpy", "zmq", "msgpack", "unrender_protocol"),
        ),
    }


def missing_packages(names: Sequence[str]) -> list[str]:
    """Debian packages that the environments need from the system and that are not there."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if "blender" in names and sys.platform == "linux":
        for library, package in BLENDER_LIBRARIES.items():
            try:
                ctypes.CDLL(library)
            except OSError:
                missing.append(package)
    return missing


def install_packages(names: Sequence[str]) -> None:
    """Installs what `missing_packages` lists, where that is allowed without a question.

    Raises:
        SetupError: it is not allowed, or did not help; the message is the one line to run.
    """
    missing = missing_packages(names)
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    one_line = f"sudo apt-get update && sudo {shlex.join(install)}"
    superuser = _superuser()
    if superuser is None or shutil.which("apt-get") is None:
        raise SetupError(
            f"The system lacks {', '.join(missing)}. Run this once, then the same command again:\n  {one_line}"
        )
    print(f"Installing system packages: {' '.join(missing)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "--quiet"], install):
        if subprocess.run([*superuser, *command], env=quiet, stdout=subprocess.DEVNULL).returncode != 0:
            raise SetupError(f"apt-get could not install them. Run this to see why:\n  {one_line}")
    still = missing_packages(names)
    if still:
        raise SetupError(f"{', '.join(still)} did not become usable after their installation: {one_line}")


def _superuser() -> list[str] | None:
    """The words before a command that run it as root without asking; None where nothing does."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def pip_install(environment: Environment) -> None:
    """Installs the environment's requirements with pip at the pinned versions and proves that they work together.

    Raises:
        SetupError: pip failed, the versions contradict one another, or a module does not import.
    """
    python = str(environment.python)
    # The variable pins what builds the two editable packages, too; the option alone does not reach that far.
    pinned = {**os.environ, "PIP_CONSTRAINT": str(environment.constraints), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # A person sees what is downloaded; a log gets errors only.
    quiet = [] if sys.stdout.isatty() else ["--quiet", "--quiet"]
    install = [python, "-m", "pip", "install", *quiet, "-c", str(environment.constraints), *environment.requirements]
    imports = [python, "-c", "import " + ", ".join(environment.modules)]
    for command, failure in (
        (install, "pip could not install its packages (its message is above; is the disk full or the network down?)"),
        ([python, "-m", "pip", "--quiet", "check"], "its packages contradict one another"),
        (imports, f"{', '.join(environment.modules)} do not import"),
    ):
        # Open files are handed down for the lock among them.
        if subprocess.run(command, env=pinned, stdin=subprocess.DEVNULL, close_fds=False).returncode != 0:
            raise SetupError(f"{environment.folder.name} is not usable: {failure}. Run the same command again.")


def make(environment: Environment, install: Callable[[Environment], None] = pip_install) -> bool:
    """Completes an environment; returns False when it was complete already.

    One that was complete for older sources is brought up to date; one without a stamp was left half made, and is made
    anew, because pip believes a package that was half written.

    Raises:
        SetupError: from `install`; the environment is then without a stamp.
    """
    if environment.is_complete():
        return False
    was_complete = environment.stamp.is_file() and environment.python.exists()
    environment.stamp.unlink(missing_ok=True)
    if not was_complete:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=sys.platform != "win32").create(environment.folder)
    fingerprint = environment.fingerprint()
    install(environment)
    written = environment.stamp.with_suffix(".partial")
    written.write_text(fingerprint)
    written.replace(environment.stamp)
    return True


def _wait_for_others() -> None:
    """Waits until no other run makes environments in this checkout.

    The lock goes when this process and a pip that it started have ended: a pip whose parent was killed still writes.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        return
    lock = os.open(__file__, os.O_RDONLY)  # stays open on purpose: closing it would give the lock away
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Waiting for another run that is making the environments.", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def main(arguments: Sequence[str]) -> int:
    """Makes the named environments (both by default); returns the exit code."""
    known = environments(CHECKOUT)
    parser = argparse.ArgumentParser(prog="scripts/make_environment", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="backend|blender", help="which to make; both when none is named")
    names = parser.parse_args(arguments).names or list(known)
    unknown = sorted(set(names) - set(known))
    if unknown:
        parser.error(f"there is no environment {unknown[0]!r}; there are: {', '.join(known)}")
    try:
        _wait_for_others()
        if all(known[name].is_complete() for name in names):
            return 0
        install_packages(names)
        for name in names:
            if not known[name].is_complete():
                print(f"Making {known[name].folder.name} (once; a few minutes)", flush=True)
            make(known[name])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command starts again.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"The environments could not be made: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
