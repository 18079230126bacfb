# SPDX-License-Identifier: Apache-2.0
"""Selected shapes get other meshes, in Blender's own Python without a window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.blender_addon.case_runs import CASES, names_of_cases, run_cases

SHAPE_CASES = CASES / "shape_cases.py"


@pytest.fixture(scope="module")
def results(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return run_cases(SHAPE_CASES, blender_python, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("case", [*names_of_cases(SHAPE_CASES), "exit"])
def test_case(results: Mapping[str, str], case: str) -> None:
    assert not results[case], results[case]
