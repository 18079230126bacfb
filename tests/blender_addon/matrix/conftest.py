# SPDX-License-Identifier: Apache-2.0
"""The Blenders that the add-on is tested on, and the zip as users get it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.environments import NoPythonError, environments, find_python
from unrender.packaging.build import PackageKind, build_packages


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory, data_home: Path) -> Path:
    """The extension for Blender 4.2 and newer, built from the checkout."""
    (built,) = build_packages(tmp_path_factory.mktemp("zips"), PackageKind.EXTENSION)
    return built.path


@pytest.fixture(scope="module")
def python_of_version(request: pytest.FixtureRequest, checkout: Path) -> Path:
    """The Python with that version of Blender as a module; the parameter is the version.

    `scripts/test --blenders` makes all whose Python is on this computer, and sets UNRENDER_ALL_BLENDERS: then one of
    those that is missing fails.
    """
    version = request.param
    if version == "5.0":
        return request.getfixturevalue("blender_python")
    environment = environments(checkout)[f"blender-{version}"]
    if not environment.python.is_file():
        sentence = f"there is no {environment.folder.name}: scripts/make_environment blender-{version} makes it"
        try:
            find_python(environment.python_version)
        except NoPythonError as error:
            pytest.skip(f"{sentence}. {error}")
        if os.environ.get("UNRENDER_ALL_BLENDERS"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return environment.python
