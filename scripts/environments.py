# SPDX-License-Identifier: Apache-2.0
"""Makes the Python environments of a checkout, so that an interrupted attempt is never taken for a complete one.

`.venv` holds the backend, `.venv-blender` Blender as a Python module; the two cannot share one, because `bpy` needs
an older numpy. Other Blenders, which tests of the add-on run on, are made when they are named. Each gets exactly the
versions that its constraints file pins. An environment counts as complete only when it holds a stamp whose fingerprint
covers everything it was made from; the stamp is taken away before pip starts and comes back after the last check, so a
second run starts at once and an interrupted run starts that one anew.

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STAMP = "unrender-environment"
DEFAULT = ("backend", "blender")

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
LIBRARIES = dict.fromkeys(("blender", "blender-5.2"), BLENDER_LIBRARIES) | {
    "blender-4.2": BLENDER_LIBRARIES | {"libXxf86vm.so.1": "libxxf86vm1", "libgomp.so.1": "libgomp1"}
}
# What the tests in a real window need: programs by the package that has them, and the numpy of Blender's own Python.
WINDOW = "window"
WINDOW_PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool", "blender": "blender"}
SYSTEM_NUMPY = Path("/usr/lib/python3/dist-packages/numpy")


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


class NoPythonError(SetupError):
    """There is no Python of the version that an environment needs."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One virtual environment: where it lies and everything that decides what is in it."""

    folder: Path
    constraints: Path
    requirements: tuple[str, ...]  # arguments of one `pip install`
    sources: tuple[Path, ...]  # files besides the constraints that decide what is installed
    modules: tuple[str, ...]  # must import when it is complete
    python_version: tuple[int, int] = (3, 11)  # each bpy runs on one version of Python only

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
        version = sys.version_info[:3] if self.python_version == sys.version_info[:2] else self.python_version
        digest = hashlib.sha256(repr((version, self.requirements, self.modules)).encode())
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
    """The environments of a checkout by name: those in `DEFAULT`, and further Blenders."""
    protocol = checkout / "protocol"
    blenders = {
        name: Environment(
            folder=checkout / f".venv-{name}",
            constraints=checkout / "scripts" / f"constraints-{name}.txt",
            requirements=("-e", str(protocol), "bpy"),
            sources=(protocol / "pyproject.toml",),
            modules=("bpy", "zmq", "msgpack", "unrender_protocol"),
            python_version=python_version,
        )
        for name, python_version in (("blender", (3, 11)), ("blender-4.2", (3, 11)), ("blender-5.2", (3, 13)))
    }
    return {
        "backend": Environment(
            folder=checkout / ".venv",
            constraints=checkout / "scripts" / "constraints-backend.txt",
            requirements=("-e", str(protocol), "-e", f"{checkout}[dev,opengl,film]"),
            sources=(checkout / "pyproject.toml", protocol / "pyproject.toml"),
            modules=("torch", "unrender", "unrender_protocol"),
        ),
        **blenders,
    }


def missing_packages(names: Sequence[str]) -> list[str]:
    """Debian packages that the environments need from the system and that are not there."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if sys.platform == "linux":
        needed = [library for name in names for library in LIBRARIES.get(name, {}).items()]
        for library, package in dict.fromkeys(needed):
            try:
                ctypes.CDLL(library)
            except OSError:
                missing.append(package)
    if WINDOW in names:
        missing += [package for program, package in WINDOW_PROGRAMS.items() if shutil.which(program) is None]
        if not SYSTEM_NUMPY.is_dir():
            missing.append("python3-numpy")
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


def find_python(version: tuple[int, int]) -> str:
    """The path of a Python of that version: this one, or one on the PATH, of pyenv, of Windows' launcher, or of uv.

    Raises:
        NoPythonError: there is none.
    """
    if version == sys.version_info[:2]:
        return sys.executable
    wanted = ".".join(map(str, version))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [
        (f"python{wanted}",),
        (f"/usr/bin/python{wanted}",),
        *((str(python),) for python in sorted(pyenv.glob(f"{wanted}.*/bin/python"), reverse=True)),
        ("py", f"-{wanted}"),
        ("uv", "run", "--no-project", "--offline", "--python", wanted, "python"),
    ]
    ask = f"import sys; sys.version_info[:2] == {version!r} and print(sys.executable)"
    for candidate in candidates:  # a command of that name may be a shim that cannot run, so each is asked
        try:
            answer = subprocess.run([*candidate, "-c", ask], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except OSError:
            continue
        if answer.returncode == 0 and answer.stdout.strip():
            return answer.stdout.strip()
    raise NoPythonError(
        f"This Blender needs Python {wanted}, and none was found on the PATH, in {pyenv}, by `py` or by `uv`: "
        f"install it (`pyenv install {wanted}` or `uv python install {wanted}`) and run the same command again."
    )


def create(environment: Environment) -> None:
    """Makes the environment's folder anew, with its Python and pip in it.

    Raises:
        NoPythonError: there is no Python of its version.
        SetupError: that cannot make environments.
    """
    links = "--copies" if sys.platform == "win32" else "--symlinks"
    command = [find_python(environment.python_version), "-m", "venv", "--clear", links, str(environment.folder)]
    if subprocess.run(command, stdin=subprocess.DEVNULL, close_fds=False).returncode != 0:
        raise SetupError(f"{environment.folder.name} could not be made; this failed: {shlex.join(command)}")


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
        create(environment)
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
    """Makes the named environments (those in `DEFAULT` where none is named); returns the exit code."""
    known = environments(CHECKOUT)
    parser = argparse.ArgumentParser(prog="scripts/make_environment", description=__doc__.partition("\n")[0])
    choice = f"any of {', '.join(known)}; {WINDOW}: a Blender with a window; {' and '.join(DEFAULT)} when none is named"
    parser.add_argument("names", nargs="*", metavar="NAME", help=choice)
    leave_out = "leave out, with a line that says so, what needs a Python that is not here"
    parser.add_argument("--leave-out", action="store_true", help=leave_out)
    options = parser.parse_args(arguments)
    names = options.names or list(DEFAULT)
    unknown = sorted(set(names) - set(known) - {WINDOW})
    if unknown:
        parser.error(f"there is no environment {unknown[0]!r}; there are: {', '.join(known)}")
    wanted = [known[name] for name in names if name in known]
    try:
        _wait_for_others()
        if WINDOW not in names and all(environment.is_complete() for environment in wanted):
            return 0
        install_packages(names)
        for environment in wanted:
            if not environment.is_complete():
                print(f"Making {environment.folder.name} (once; a few minutes)", flush=True)
            try:
                make(environment)
            except NoPythonError as error:
                if not options.leave_out:
                    raise
                print(f"{environment.folder.name} is left out. {error}", file=sys.stderr)
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
