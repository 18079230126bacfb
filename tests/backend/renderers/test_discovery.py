# SPDX-License-Identifier: Apache-2.0
"""Which Blender is found, and what is said when none is."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from unrender.errors import BlenderNotFoundError
from unrender.renderers.off_the_shelf import discovery
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_blender, probe
from unrender.renderers.off_the_shelf.worker_process import worker_script


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNRENDER_BLENDER", "UNRENDER_BLENDER_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(discovery, "_candidates", list)


def fake_python(tmp_path: Path, error: str) -> str:
    """A Python whose `import bpy` fails like this."""
    if sys.platform == "win32":
        pytest.skip("needs a script that can be executed")
    path = tmp_path / "python3.13"
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.exit({error!r})\n")
    path.chmod(0o755)
    return str(path)


def test_the_python_with_bpy_is_a_module_installation(blender_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNRENDER_BLENDER", str(blender_python))
    found = find_blender()
    assert found.kind == "module"
    assert found.has_pixels_in_memory
    assert found.script_command(Path("w.py"), ["--x", "1"]) == [str(blender_python), "w.py", "--x", "1"]


def test_an_executable_runs_scripts_after_dashes() -> None:
    blender = BlenderInstallation("executable", ("blender", "-b"), "3.4.1")
    assert not blender.has_pixels_in_memory
    assert blender.script_command(Path("w.py"), ["--x"]) == ["blender", "-b", "-P", "w.py", "--", "--x"]


@pytest.mark.usefixtures("nothing_installed")
def test_no_blender_says_what_to_do() -> None:
    with pytest.raises(BlenderNotFoundError, match=r"scripts/demo.*UNRENDER_BLENDER"):
        find_blender()


@pytest.mark.usefixtures("nothing_installed")
def test_a_named_blender_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNRENDER_BLENDER", "no/such/blender")
    with pytest.raises(BlenderNotFoundError, match="UNRENDER_BLENDER names no/such/blender, which is not there"):
        find_blender()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ModuleNotFoundError: No module named '_bpy'", "another version of Python"),
        ("ModuleNotFoundError: No module named 'bpy'", "has no bpy module"),
        ("ImportError: libX11.so.6: cannot open shared object file", "libX11.so.6"),
    ],
)
def test_a_python_that_cannot_import_bpy_is_told_apart(tmp_path: Path, error: str, reason: str) -> None:
    answer = probe(fake_python(tmp_path, error))
    assert isinstance(answer, str)
    assert reason in answer


@pytest.mark.usefixtures("nothing_installed")
def test_an_old_blender_is_taken_only_where_nothing_newer_is(monkeypatch: pytest.MonkeyPatch) -> None:
    old = BlenderInstallation("executable", ("blender",), "3.4.1")
    new = BlenderInstallation("module", ("python",), "5.0.1")
    monkeypatch.setattr(discovery, "probe", {"old": old, "new": new, "none": "is not there"}.get)
    monkeypatch.setattr(discovery, "_candidates", lambda: ["none", "old", "new"])
    assert find_blender() is new
    monkeypatch.setattr(discovery, "_candidates", lambda: ["none", "old"])
    assert find_blender() is old


def test_the_worker_s_file_is_found() -> None:
    assert worker_script().is_file()


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a program into a computer of the named system, all of whose places lie in a folder of this test."""
    if sys.platform == "win32":
        pytest.skip("the places of other systems are no absolute paths there")

    def install(system: str, place: str) -> Path:
        monkeypatch.setattr(discovery.sys, "platform", system)
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("PROGRAMFILES", str(tmp_path / "Program Files"))
        monkeypatch.setenv("PROGRAMFILES(X86)", str(tmp_path / "Program Files (x86)"))
        program = tmp_path / place
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)
        return program

    return install


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("linux", "home/blender-4.5.3-linux-x64/blender"),
        ("linux", "home/Applications/blender-5.0/blender"),
        ("linux", "home/.steam/steam/steamapps/common/Blender/blender"),
        ("darwin", "home/Applications/Blender 4.5.app/Contents/MacOS/Blender"),
        (
            "darwin",
            "home/Library/Application Support/Steam/steamapps/common/Blender/Blender.app/Contents/MacOS/Blender",
        ),
        ("win32", "Program Files/Blender Foundation/Blender 4.5/blender.exe"),
        ("win32", "Program Files (x86)/Steam/steamapps/common/Blender/blender.exe"),
        ("linux", "empty/blender"),
    ],
)
def test_a_blender_in_a_usual_place_is_found(computer: Callable[[str, str], Path], system: str, place: str) -> None:
    assert str(computer(system, place)) in discovery.find_executables()


def test_newer_blenders_come_first_and_none_comes_twice(computer: Callable[[str, str], Path], tmp_path: Path) -> None:
    programs = [computer("linux", f"home/blender-{version}/blender") for version in ("4.9", "3.6.5", "4.10")]
    (tmp_path / "home" / "blender-latest").symlink_to(programs[2].parent)
    (tmp_path / "home" / "blender-notes").mkdir()
    (tmp_path / "home" / "blender-notes" / "blender").write_text("no program")
    found = [Path(path) for path in discovery.find_executables() if Path(path).is_relative_to(tmp_path)]
    assert [path.resolve().parent.name for path in found] == ["blender-4.10", "blender-4.9", "blender-3.6.5"]
