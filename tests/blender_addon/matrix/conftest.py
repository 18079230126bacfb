# SPDX-License-Identifier: Apache-2.0
"""The Blenders that the add-on is tested on, and the zip as users get it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from unrender.packaging.build import PackageKind, build_packages


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory, data_home: Path) -> Path:
    """The extension for Blender 4.2 and newer, built from the checkout."""
    (built,) = build_packages(tmp_path_factory.mktemp("zips"), PackageKind.EXTENSION)
    return built.path


@pytest.fixture(scope="module")
def python_of_version(request: pytest.FixtureRequest, checkout: Path) -> Path:
    """The Python with that version of Blender as a module; the parameter is the version.

    `scripts/test --blenders` makes all of them, and sets UNRENDER_ALL_BLENDERS: then one that is missing fails.
    """
    version = request.param
    if version == "5.0":
        return request.getfixturevalue("blender_python")
    inside = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
    found = checkout / f".venv-blender-{version}" / inside
    if not found.is_file():
        sentence = f"there is no {found.parts[-3]}: scripts/make_environment blender-{version} makes it"
        if os.environ.get("UNRENDER_ALL_BLENDERS"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found
