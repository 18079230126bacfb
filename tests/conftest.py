# SPDX-License-Identifier: Apache-2.0
"""What every test shares: quiet OpenMP threads, where the checkout lies, and the Python that has `bpy`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Torch's OpenMP threads spin while they wait, which slows a test run beside Blender workers by up to seven times.
# The runtime reads this once, when torch is first imported: it has to be set before any test module is.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent

# A busy machine makes one example slow; that says nothing about the code.
settings.register_profile("unrender", deadline=None, print_blob=True)
settings.load_profile("unrender")


def pytest_configure(config: pytest.Config) -> None:
    """Triton's interpreter runs the CUDA kernels on the CPU, unless the tests that need a CUDA device are asked for.

    Triton reads this when it is first imported, which lightning_fabric does: before any test module is.
    """
    if "gpu" not in config.getoption("markexpr").replace("not gpu", ""):
        os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder of the test run's own: no test, nor any process it starts, touches the user's runs and models."""
    folder = tmp_path_factory.mktemp("data_home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNRENDER_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root folder of the checkout that is being tested."""
    return CHECKOUT


@pytest.fixture(scope="session")
def blender_python() -> Path:
    """The Python that can `import bpy`, for tests that run a child process in it.

    `UNRENDER_BLENDER_PYTHON` names it (scripts/test does); otherwise `.venv-blender` beside the sources is taken.
    A variable that names a missing file fails the test: a run that promised Blender must not pass without it.
    """
    named = os.environ.get("UNRENDER_BLENDER_PYTHON")
    if named:
        if not Path(named).is_file():
            pytest.fail(f"UNRENDER_BLENDER_PYTHON names {named}, and there is no such file")
        return Path(named)
    inside = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
    found = CHECKOUT / ".venv-blender" / inside
    if not found.is_file():
        pytest.skip("no .venv-blender beside the sources: scripts/make_environment makes it")
    return found


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photographs and shapes that may lie beside the checkout (`../shared/data`)."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is not beside the checkout")
    return folder
