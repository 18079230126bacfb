# SPDX-License-Identifier: Apache-2.0
"""An environment that was not finished is never taken for a finished one."""

from __future__ import annotations

import ctypes
import dataclasses
import importlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def environments() -> ModuleType:
    """The module `scripts/environments.py`."""
    return importlib.import_module("scripts.environments")


@pytest.fixture
def environment(environments: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """An environment of a small project; making its folder copies no pip, which would take seconds."""

    def create(environment: object) -> None:
        for old in environment.folder.rglob("*"):
            if old.is_file():
                old.unlink()
        environment.python.parent.mkdir(parents=True, exist_ok=True)
        environment.python.touch()

    monkeypatch.setattr(environments, "create", create)
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return environments.Environment(
        folder=tmp_path / "venv",
        constraints=tmp_path / "constraints.txt",
        requirements=("-e", "."),
        sources=(tmp_path / "pyproject.toml",),
        modules=("numpy",),
    )


def install_a_file(environment: object) -> None:
    (environment.folder / "installed").touch()


def fail_half_way(error: BaseException) -> Callable[[object], None]:
    def install(environment: object) -> None:
        (environment.folder / "half").touch()
        raise error

    return install


def test_a_complete_environment_is_made_once(environments: ModuleType, environment: object) -> None:
    assert environments.make(environment, install_a_file)
    assert environment.is_complete()
    assert not environments.make(environment, fail_half_way(AssertionError("installed again")))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("disk full")], ids=["interrupted", "failed"])
def test_a_half_made_environment_is_made_anew(
    environments: ModuleType, environment: object, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        environments.make(environment, fail_half_way(error))
    assert not environment.is_complete()
    assert environments.make(environment, install_a_file)
    assert environment.is_complete()
    assert not (environment.folder / "half").exists()


@pytest.mark.parametrize("changed", ["constraints.txt", "pyproject.toml"])
def test_changed_sources_bring_a_complete_environment_up_to_date(
    environments: ModuleType, environment: object, tmp_path: Path, changed: str
) -> None:
    environments.make(environment, install_a_file)
    with (tmp_path / changed).open("a") as file:
        file.write("# newer\n")
    assert not environment.is_complete()
    assert environments.make(environment, lambda environment: (environment.folder / "newer").touch())
    assert (environment.folder / "installed").exists()
    assert environment.is_complete()


def test_sources_that_change_during_the_installation_leave_it_out_of_date(
    environments: ModuleType, environment: object, tmp_path: Path
) -> None:
    def install(environment: object) -> None:
        (tmp_path / "constraints.txt").write_text("numpy==2.5.0\n")

    environments.make(environment, install)
    assert not environment.is_complete()


def test_an_environment_without_its_python_is_not_complete(environments: ModuleType, environment: object) -> None:
    environments.make(environment, install_a_file)
    environment.python.unlink()
    assert not environment.is_complete()


@pytest.fixture
def without_libgl(environments: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        if name == "libGL.so.1":
            raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(sys, "platform", "linux")


def test_a_missing_library_is_one_line_to_run_where_nobody_may_install(
    environments: ModuleType, without_libgl: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "_superuser", lambda: None)
    with pytest.raises(environments.SetupError) as failure:
        environments.install_packages(["blender"])
    *_, line = str(failure.value).splitlines()
    assert line.strip() == ("sudo apt-get update && sudo apt-get install --yes --no-install-recommends libgl1")


def test_the_backend_needs_no_graphics_library(environments: ModuleType, without_libgl: None) -> None:
    assert environments.missing_packages(["backend"]) == []
    assert environments.missing_packages(["backend", "blender", "blender-5.2"]) == ["libgl1"]


def test_blender_4_2_needs_two_libraries_more(environments: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(sys, "platform", "linux")
    more = set(environments.missing_packages(["blender-4.2"])) - set(environments.missing_packages(["blender"]))
    assert more == {"libxxf86vm1", "libgomp1"}


def test_a_window_needs_programs_and_the_numpy_of_blenders_python(
    environments: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    monkeypatch.setattr(environments, "SYSTEM_NUMPY", tmp_path / "numpy")
    assert environments.missing_packages(["window"]) == ["xvfb", "xdotool", "blender", "python3-numpy"]
    assert environments.missing_packages(["backend"]) == []


def test_a_missing_library_is_installed_where_that_is_allowed(
    environments: ModuleType, without_libgl: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: None)  # installed from here on
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(environments, "_superuser", lambda: ["sudo", "-n"])
    monkeypatch.setattr(environments.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(environments.subprocess, "run", run)
    environments.install_packages(["blender"])
    assert commands[-1] == ["sudo", "-n", "apt-get", "install", "--yes", "--no-install-recommends", "libgl1"]


def shell_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def only_pythons_below(environments: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer whose programs are those below this folder: `bin` is the PATH, `pyenv` belongs to pyenv."""
    if os.name != "posix":
        pytest.skip("the programs are shell scripts")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def test_a_python_of_another_version_is_looked_for_where_pyenv_keeps_them(
    environments: ModuleType, only_pythons_below: Path
) -> None:
    shell_program(only_pythons_below / "bin" / "python9.9", "echo pyenv: command not found >&2; exit 127")
    for release in ("9.8.7", "9.9.1"):
        shell_program(only_pythons_below / "pyenv" / "versions" / release / "bin" / "python", f"echo {release}")
    assert environments.find_python((9, 9)) == "9.9.1"
    assert environments.find_python(sys.version_info[:2]) == sys.executable


def test_a_python_of_another_version_is_asked_for_at_uv(environments: ModuleType, only_pythons_below: Path) -> None:
    shell_program(only_pythons_below / "bin" / "python9.9", "exit 0")  # of another version: it prints nothing
    shell_program(only_pythons_below / "bin" / "uv", 'case "$*" in *"--python 9.9 "*) echo found by uv ;; esac')
    assert environments.find_python((9, 9)) == "found by uv"


@pytest.fixture
def needs_another_python(
    environments: ModuleType, only_pythons_below: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """A checkout whose Blender 5.2 needs a Python 9.9, which is nowhere; the others install a file."""
    known = environments.environments(only_pythons_below)
    known["blender-5.2"] = dataclasses.replace(known["blender-5.2"], python_version=(9, 9))
    monkeypatch.setattr(environments, "environments", lambda checkout: known)
    monkeypatch.setattr(environments, "missing_packages", lambda names: [])
    monkeypatch.setattr(environments, "_wait_for_others", lambda: None)
    monkeypatch.setattr(environments.make, "__defaults__", (install_a_file,))
    for path in (path for one in known.values() for path in (one.constraints, *one.sources)):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return known


def test_without_that_python_one_sentence_says_what_to_install(
    environments: ModuleType, needs_another_python: dict[str, object], capsys: pytest.CaptureFixture
) -> None:
    assert environments.main(["blender-5.2"]) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "needs Python 9.9" in sentence
    assert "pyenv install 9.9" in sentence
    assert not needs_another_python["blender-5.2"].folder.exists()


def test_without_that_python_its_blender_is_left_out_and_the_others_are_made(
    environments: ModuleType,
    needs_another_python: dict[str, object],
    only_pythons_below: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    assert environments.main(["--leave-out", "blender-5.2", "blender-4.2"]) == 0
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(
        ".venv-blender-5.2 is left out. This Blender needs Python 9.9, and none was found on the"
    )
    assert str(only_pythons_below / "pyenv" / "versions") in sentence
    assert needs_another_python["blender-4.2"].is_complete()


def test_what_is_broken_for_another_reason_is_not_left_out(
    environments: ModuleType, needs_another_python: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments.make, "__defaults__", (fail_half_way(environments.SetupError("disk full")),))
    assert environments.main(["--leave-out", "blender-4.2"]) == 1


def test_further_blenders_are_made_only_when_they_are_named(
    environments: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(environments, "_wait_for_others", lambda: None)  # the lock is this process's until it ends
    monkeypatch.setattr(environments.Environment, "is_complete", lambda self: asked.append(self.folder.name) or True)
    assert environments.main([]) == 0
    assert set(asked) == {".venv", ".venv-blender"}
    asked.clear()
    assert environments.main(["blender-4.2"]) == 0
    assert set(asked) == {".venv-blender-4.2"}


@pytest.mark.skipif(os.name != "posix", reason="scripts/make_environment is a bash script")
def test_without_python_3_11_one_sentence_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    for name in ("python3.11", "python3", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    script = (checkout / "scripts" / "make_environment").read_text().replace("/usr/bin/python3.11", "")
    copy = tmp_path / "scripts" / "make_environment"
    copy.parent.mkdir()
    copy.write_text(script)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(["bash", str(copy)], env=path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "Python 3.11" in result.stderr
    assert "python3.11-venv" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_pins_name_every_installed_package(checkout: Path) -> None:
    pinned = {
        line.partition("==")[0].lower().replace("_", "-"): line.partition("==")[2]
        for line in (checkout / "scripts" / "constraints-backend.txt").read_text().splitlines()
        if "==" in line
    }
    own = {"unrender", "unrender-protocol", "pip", "setuptools", "wheel"}
    installed = {
        str(distribution.name).lower().replace("_", "-"): distribution.version.partition("+")[0]
        for distribution in importlib.metadata.distributions()
    }
    assert {name: version for name, version in installed.items() if name not in own} == {
        name: version for name, version in pinned.items() if name in installed
    }


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such lock")
def test_a_second_run_waits_for_what_a_killed_one_left_running(checkout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "environments.py"
    copy.write_bytes((checkout / "scripts" / "environments.py").read_bytes())
    hold = "import sys; sys.path.insert(0, sys.argv[1]); import environments; environments._wait_for_others(); "
    first = hold + (
        "import subprocess; subprocess.Popen(['sleep', '2'], close_fds=False, stdout=subprocess.DEVNULL); print('left')"
    )
    command = [sys.executable, "-B", "-c", first, str(tmp_path)]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60).stdout == "left\n"
    second = subprocess.run(
        [sys.executable, "-B", "-c", hold + "print('free')", str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert second.stdout.splitlines() == ["Waiting for another run that is making the environments.", "free"]
