# SPDX-License-Identifier: Apache-2.0
"""A small add-on, wheels that weigh nothing, and a Blender's Python that has none of the add-on's libraries."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from unrender.packaging.archives import pack
from unrender.packaging.pinned_wheels import PINNED_WHEELS

MANIFEST = """
schema_version = "1.0.0"
id = "unrender"
version = "0.1.0"
name = "Unrender"
tagline = "Generate 3D shapes"
maintainer = "Somebody"
type = "add-on"
blender_version_min = "4.2.0"
license = ["SPDX:GPL-3.0-or-later"]
permissions = {network = "Talk to the generator"}
build = {paths_exclude_pattern = ["__pycache__/", ".*", "/*.zip", "*.pyc"]}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    monkeypatch.setenv("UNRENDER_HOME", str(path))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The sources of an add-on of two files."""
    folder = tmp_path / "source"
    (folder / "panels").mkdir(parents=True)
    (folder / "blender_manifest.toml").write_text(MANIFEST)
    (folder / "__init__.py").write_text(
        '"""An add-on."""\n\nfrom __future__ import annotations\n\n\nREGISTERED = False\n'
    )
    (folder / "panels" / "status.py").write_text("LABEL = 1\n")
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> tuple[Path, Mapping[str, str]]:
    """A folder with wheels of the pinned names, with nothing in them but their names, and their hashes."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    pinned = {}
    for filename in PINNED_WHEELS:
        distribution, version, tags = filename.removesuffix(".whl").split("-", 2)
        info = f"{distribution}-{version}.dist-info"
        content = pack(
            {
                f"{distribution}.py": f"NAME = {filename!r}\n".encode(),
                f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n".encode(),
                f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags}\n".encode(),
                f"{info}/RECORD": b"",
            }
        )
        (folder / filename).write_bytes(content)
        pinned[filename] = hashlib.sha256(content).hexdigest()
    return folder, pinned


@pytest.fixture(scope="session")
def bare_blender_python(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with bpy and numpy as Blender ships it: without pyzmq, msgpack and unrender-protocol."""
    if sys.platform == "win32":
        pytest.skip("the environment is put together from symbolic links")
    ask = "import site, sys; print(sys.base_prefix); print(sys.version_info[1]); print(site.getsitepackages()[0])"
    answer = subprocess.run([str(blender_python), "-c", ask], capture_output=True, text=True, check=True)
    prefix, minor, packages = answer.stdout.split("\n")[:3]
    bare = tmp_path_factory.mktemp("bare")
    base = Path(prefix) / "bin" / f"python3.{minor}"
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(bare)], check=True)
    target = bare / "lib" / f"python3.{minor}" / "site-packages"
    ours = ("zmq", "pyzmq", "msgpack", "unrender", "_editable")
    for path in Path(packages).iterdir():
        if not path.name.startswith(ours) and path.suffix != ".pth":
            (target / path.name).symlink_to(path)
    return bare / "bin" / "python"


@pytest.fixture
def isolated(tmp_path: Path) -> dict[str, str]:
    """An environment in which Blender's preferences, add-ons and extensions are this test's own."""
    places = {
        "BLENDER_USER_RESOURCES": tmp_path / "resources",
        "BLENDER_USER_SCRIPTS": tmp_path / "scripts",
        "BLENDER_USER_CONFIG": tmp_path / "config",
    }
    for place in places.values():
        place.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {name: str(place) for name, place in places.items()}
