# SPDX-License-Identifier: Apache-2.0
"""The real add-on, enabled as the extension that users install, in Blender's own Python without a window."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "blender_cases"
ADDON_CASES = CASES / "addon_cases.py"


def names_of_cases(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")]


@pytest.fixture(scope="module")
def results(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Failures by case ('' where it passed). All share one process: starting Blender takes longer than they do."""
    environment = os.environ | {
        "UNRENDER_HOME": str(tmp_path_factory.mktemp("home")),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("protocol")),
    }
    command = [str(blender_python), str(CASES / "runner.py"), str(ADDON_CASES)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    outcomes = {line["case"]: line["failure"] for line in lines}
    for missing in set(names_of_cases(ADDON_CASES)) - set(outcomes):
        outcomes[missing] = f"not run: Blender ended with {ran.returncode}\n{ran.stderr[-3000:]}"
    return outcomes | {"exit": "" if ran.returncode == 0 else f"exit code {ran.returncode}: {ran.stderr[-3000:]}"}


@pytest.mark.parametrize("case", [*names_of_cases(ADDON_CASES), "exit"])
def test_case(results: Mapping[str, str], case: str) -> None:
    assert not results[case], results[case]
