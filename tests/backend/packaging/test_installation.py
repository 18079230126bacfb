# SPDX-License-Identifier: Apache-2.0
"""Installing into Blenders: what is said of those that cannot take the add-on, and a real one that can."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from unrender.errors import PackagingError
from unrender.packaging import PackageKind, build_packages, installation
from unrender.packaging.pinned_wheels import PINNED_WHEELS
from unrender.packaging.wheel_names import parse_wheel_name
from unrender.renderers.off_the_shelf.discovery import find_executables

LOOK = """
import sys, bpy
if not bpy.app.binary_path:
    bpy.ops.wm.read_userpref()
module = "bl_ext.user_default.unrender" if bpy.app.version >= (4, 2, 0) else "unrender"
assert module in bpy.context.preferences.addons, list(bpy.context.preferences.addons.keys())
assert hasattr(bpy.types.WindowManager, "unrender_session")
import zmq, msgpack, unrender_protocol.zmq_transport
for module in (zmq, msgpack, unrender_protocol):
    print(module.__name__, module.__file__)
"""

LEFT_BEHIND = """
bl_info = {"name": "Unrender", "version": (0, 0, 9), "blender": (3, 4, 0), "category": "3D View"}

import bpy

def register():
    bpy.types.WindowManager.unrender_runtime = 1

def unregister():
    del bpy.types.WindowManager.unrender_runtime
"""

# A system's own pyzmq and msgpack lie beside its numpy, which stays: it is imported before.
HIDE_SYSTEM_LIBRARIES = """
import sys, numpy
if HIDE:
    sys.path[:] = [path for path in sys.path if "dist-packages" not in path and "site-packages" not in path]
    for name in [name for name in sys.modules if name.split(".")[0] in ("zmq", "msgpack")]:
        del sys.modules[name]
"""

FakeBlender = Callable[[str], str]


@pytest.fixture
def fake_blender(tmp_path: Path) -> FakeBlender:
    """Makes a program called blender that runs these lines of Python."""
    if sys.platform == "win32":
        pytest.skip("needs a script that can be executed")

    def make(code: str) -> str:
        path = tmp_path / "blender"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{code}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "legacy.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("unrender/__init__.py", "# " + "x" * 1000)
    return path


def test_the_blender_is_given_the_script_and_the_zip(fake_blender: FakeBlender, package: Path) -> None:
    answer = '{"version": "3.4.1", "ok": true, "message": "is fine"}'
    blender = fake_blender(
        f"print('noise', flush=True); assert '--legacy' in sys.argv; print('unrender-addon: {answer}')"
    )
    (outcome,) = installation.install([blender], package)
    assert outcome.ok
    assert str(outcome) == f"Blender 3.4.1 ({blender}): is fine."


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("print('about to', file=sys.stderr, flush=True); os.abort()", "crashed: about to"),
        ("sys.exit('bad libGL')", "is no Blender, or failed (exit code 1): bad libGL"),
        ("", "is no Blender, or failed (exit code 0)"),
        ("sys.stderr.write(\"No module named 'bpy'\"); sys.exit(1)", "is a Python without bpy"),
    ],
)
def test_a_blender_that_fails_is_one_sentence(
    fake_blender: FakeBlender, package: Path, code: str, sentence: str
) -> None:
    (outcome,) = installation.install([fake_blender(code)], package)
    assert not outcome.ok
    assert outcome.message == sentence


def test_a_blender_that_hangs_is_left(
    fake_blender: FakeBlender, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_BLENDER_SECONDS", 0.5)
    (outcome,) = installation.install([fake_blender("import time; time.sleep(60)")], package)
    assert outcome.message.startswith("did not answer within")


def test_a_program_that_is_not_there_is_named_and_the_others_go_on(fake_blender: FakeBlender, package: Path) -> None:
    answer = '{"version": "3.4.1", "ok": true, "message": "is fine"}'
    outcomes = installation.install(["no/such/blender", fake_blender(f"print('unrender-addon: {answer}')")], package)
    assert [outcome.ok for outcome in outcomes] == [False, True]
    assert "cannot be run" in outcomes[0].message


def test_a_folder_stands_for_the_blender_in_it(fake_blender: FakeBlender, package: Path) -> None:
    answer = '{"version": "4.5.0", "ok": true, "message": "is fine"}'
    blender = Path(fake_blender(f"print('unrender-addon: {answer}')"))
    bundle = blender.parent / "Blender.app"
    (bundle / "Contents" / "MacOS").mkdir(parents=True)
    blender.rename(bundle / "Contents" / "MacOS" / "Blender")
    (outcome,) = installation.install([str(bundle)], package)
    assert outcome.ok


class TestZipsOfTheUser:
    def test_the_kind_shows_in_the_content(self, package: Path, tmp_path: Path) -> None:
        assert installation.package_kind(package) is PackageKind.LEGACY
        with zipfile.ZipFile(tmp_path / "any.zip", "w") as archive:
            archive.writestr("blender_manifest.toml", "")
        assert installation.package_kind(tmp_path / "any.zip") is PackageKind.EXTENSION

    def test_half_a_download(self, package: Path) -> None:
        package.write_bytes(package.read_bytes()[:-30])
        with pytest.raises(PackagingError, match=r"is not a whole zip file.*addon build"):
            installation.install(["blender"], package)

    def test_a_byte_that_flipped(self, package: Path) -> None:
        content = bytearray(package.read_bytes())
        content[500] ^= 1
        package.write_bytes(content)
        with pytest.raises(PackagingError, match=r"is damaged: unrender/__init__\.py"):
            installation.install(["blender"], package)

    def test_something_else(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            archive.writestr("readme.txt", "")
        with pytest.raises(PackagingError, match="is not the add-on"):
            installation.install(["blender"], tmp_path / "other.zip")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(PackagingError, match="There is no file"):
            installation.install(["blender"], tmp_path / "none.zip")


def packed(kind: PackageKind, folder: Path) -> Path:
    """A real zip, with the real wheels of this kind of computer."""
    system = {"linux": "manylinux", "darwin": "macosx", "win32": "win_"}[sys.platform]
    names = {name: parse_wheel_name(name) for name in PINNED_WHEELS}
    fitting = [name for name in names if system in name and any(map(names[name].fits, kind.pythons))]
    try:
        (package,) = build_packages(folder, kind, pinned={name: PINNED_WHEELS[name] for name in fitting})
    except PackagingError as error:
        if "cannot be downloaded" not in error.message:
            raise
        pytest.skip(f"needs a network once: {error.message}")
    return package.path


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(PackageKind.EXTENSION, tmp_path_factory.mktemp("extension"))


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(PackageKind.LEGACY, tmp_path_factory.mktemp("legacy"))


@pytest.fixture(scope="session")
def old_blender() -> str:
    """A Blender without extensions, such as Debian's."""
    for program in find_executables():
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
        version = re.match(r"Blender (\d+)\.(\d+)", answer.stdout)
        if version and (3, 4) <= (int(version[1]), int(version[2])) < (4, 2):
            return program
    pytest.skip("no Blender of 3.4 to 4.1 is installed")


@pytest.fixture
def in_isolation(isolated: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What this process starts has the isolated places."""
    for name, value in isolated.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return isolated


def imported(answer: "subprocess.CompletedProcess[str]") -> dict[str, Path]:
    """Where the libraries came from that LOOK has imported."""
    assert answer.returncode == 0, answer.stdout + answer.stderr
    lines = [line for line in answer.stdout.splitlines() if line.startswith(("zmq ", "msgpack ", "unrender_protocol "))]
    return {line.split(" ", 1)[0]: Path(line.split(" ", 1)[1]) for line in lines}


def test_a_blender_without_any_library_gets_the_add_on_with_its_own_and_loses_it_again(
    bare_blender_python: Path, extension: Path, in_isolation: dict[str, str]
) -> None:
    blender = str(bare_blender_python)
    for _ in range(2):  # the second time over the first
        (outcome,) = installation.install([blender], extension)
        assert outcome.ok, outcome.message
    places = imported(subprocess.run([blender, "-c", LOOK], capture_output=True, text=True, timeout=120))
    local = Path(in_isolation["BLENDER_USER_RESOURCES"]) / "extensions" / ".local"
    assert set(places) == {"zmq", "msgpack", "unrender_protocol"}
    assert all(place.is_relative_to(local) for place in places.values())

    (outcome,) = installation.uninstall([blender])
    assert (outcome.ok, outcome.message) == (True, "add-on removed")
    assert not [path for path in local.rglob("*") if path.name in {"zmq", "msgpack", "unrender_protocol"}]
    (outcome,) = installation.uninstall([blender])
    assert (outcome.ok, outcome.message) == (True, "had no add-on to remove")


def test_a_blender_before_extensions_gets_the_legacy_zip_and_prefers_the_system_s_libraries(
    old_blender: str, legacy: Path, in_isolation: dict[str, str]
) -> None:
    (outcome,) = installation.install([old_blender], legacy)
    assert outcome.ok, outcome.message
    addon = Path(in_isolation["BLENDER_USER_SCRIPTS"]) / "addons" / "unrender"
    for hide in (True, False):
        code = f"HIDE = {hide}\n{HIDE_SYSTEM_LIBRARIES}\n{LOOK}"
        run = [old_blender, "-b", "--python-exit-code", "3", "--python-expr", code]
        places = imported(subprocess.run(run, capture_output=True, text=True, timeout=120))
        assert set(places) == {"zmq", "msgpack", "unrender_protocol"}
        assert places["unrender_protocol"].is_relative_to(addon / "libraries" / "any")
        if hide:
            assert all(place.is_relative_to(addon / "libraries") for place in places.values())

    (outcome,) = installation.uninstall([old_blender])
    assert (outcome.ok, outcome.message) == (True, "add-on removed")
    assert not addon.exists()


def test_a_package_of_the_same_name_in_the_way_is_told(
    old_blender: str, legacy: Path, in_isolation: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namesake = tmp_path / "namesake" / "unrender" / "__init__.py"
    namesake.parent.mkdir(parents=True)
    namesake.touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "namesake"))
    probe = [old_blender, "-b", "--python-expr", "import sys; print('path', sys.path)"]
    if str(tmp_path) not in subprocess.run(probe, capture_output=True, text=True, timeout=120).stdout:
        pytest.skip("this Blender takes no notice of PYTHONPATH")
    (outcome,) = installation.install([old_blender], legacy)
    assert not outcome.ok
    assert f"finds another Python package of that name first, {namesake}" in outcome.message


def test_a_developer_s_link_is_left_alone(
    bare_blender_python: Path, extension: Path, in_isolation: dict[str, str], tmp_path: Path
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "mine.py").touch()
    link = Path(in_isolation["BLENDER_USER_RESOURCES"]) / "extensions" / "user_default" / "unrender"
    link.parent.mkdir(parents=True)
    link.symlink_to(sources)
    blender = str(bare_blender_python)
    outcomes = [*installation.install([blender], extension), *installation.uninstall([blender])]
    assert [outcome.ok for outcome in outcomes] == [False, False]
    assert all(f"yours to remove: {link}" in outcome.message for outcome in outcomes)
    assert (link / "mine.py").exists()


def test_a_legacy_add_on_that_an_older_blender_left_is_disabled(
    bare_blender_python: Path, extension: Path, in_isolation: dict[str, str]
) -> None:
    left = Path(in_isolation["BLENDER_USER_SCRIPTS"]) / "addons" / "unrender"
    left.mkdir(parents=True)
    (left / "__init__.py").write_text(LEFT_BEHIND)
    blender = str(bare_blender_python)
    enable = "import bpy; bpy.ops.preferences.addon_enable(module='unrender'); bpy.ops.wm.save_userpref()"
    subprocess.run([blender, "-c", enable], check=True, timeout=120)
    (outcome,) = installation.install([blender], extension)
    assert outcome.ok, outcome.message
    look = "import bpy; bpy.ops.wm.read_userpref(); print('enabled', *bpy.context.preferences.addons.keys())"
    answer = subprocess.run([blender, "-c", look], capture_output=True, text=True, timeout=120).stdout
    enabled = next(line.split() for line in answer.splitlines() if line.startswith("enabled"))
    assert "bl_ext.user_default.unrender" in enabled
    assert "unrender" not in enabled


def test_a_legacy_zip_is_not_for_a_newer_blender(
    bare_blender_python: Path, package: Path, in_isolation: dict[str, str]
) -> None:
    (outcome,) = installation.install([str(bare_blender_python)], package)
    assert (outcome.ok, outcome.message) == (False, "needs the extension zip, for Blender 4.2 and newer")


def test_a_blender_without_numpy_is_told_what_to_do(
    bare_blender_python: Path, package: Path, in_isolation: dict[str, str], tmp_path: Path
) -> None:
    # A Python with all of the bare one's packages but numpy; bpy itself starts without it.
    packages = next(bare_blender_python.parent.parent.glob("lib/python3.*/site-packages"))
    (tmp_path / "packages").mkdir()
    for path in packages.iterdir():
        if not path.name.startswith("numpy"):
            (tmp_path / "packages" / path.name).symlink_to(path)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path / "packages"} exec {bare_blender_python.resolve()} -S "$@"\n')
    program.chmod(0o755)
    (outcome,) = installation.install([str(program)], package)
    assert not outcome.ok
    assert "has no numpy" in outcome.message
    assert "apt install python3-numpy" in outcome.message


@pytest.mark.parametrize("version", [(2, 93, 18), (3, 3, 21)])
def test_a_blender_that_is_too_old_is_told_so(
    version: tuple[int, int, int], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = types.SimpleNamespace(version=version, binary_path="blender")
    monkeypatch.setitem(sys.modules, "bpy", types.SimpleNamespace(app=app))
    spec = importlib.util.spec_from_file_location("installer", checkout / "blender_addon" / "installer.py")
    assert spec is not None
    assert spec.loader is not None
    installer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installer)
    answer = installer.answer(["install", "--legacy", "any.zip"])
    assert answer["ok"] is False
    assert answer["message"] == "is too old: the add-on needs Blender 3.4 or newer"
