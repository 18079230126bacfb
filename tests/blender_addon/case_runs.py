# SPDX-License-Identifier: Apache-2.0
"""Runs a file of cases in Blender's Python and collects what came of each."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CASES = Path(__file__).parent / "blender_cases"


def names_of_cases(path: Path) -> list[str]:
    """The cases of a file, without importing it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("case_")]


def run_cases(path: Path, blender_python: Path, home: Path) -> Mapping[str, str]:
    """Failures by case ('' where it passed), and under "exit" how Blender ended.

    All share one process: starting Blender takes longer than they do.
    """
    environment = os.environ | {
        "UNRENDER_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("protocol")),
    }
    command = [str(blender_python), str(CASES / "runner.py"), str(path)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    outcomes = {line["case"]: line["failure"] for line in lines}
    for missing in set(names_of_cases(path)) - set(outcomes):
        outcomes[missing] = f"not run: Blender ended with {ran.returncode}\n{ran.stderr[-3000:]}"
    return outcomes | {"exit": "" if ran.returncode == 0 else f"exit code {ran.returncode}: {ran.stderr[-3000:]}"}
