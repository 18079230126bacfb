# SPDX-License-Identifier: Apache-2.0
"""The commands of the design exist, explain themselves, and cost no torch until they need it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COMMANDS = ["doctor", "serve", "generate", "train", "evaluate", "render-dataset", "models", "addon", "bench"]

REPORT_HEAVY_MODULES = """
import sys
from unrender.cli.main import main
code = main(sys.argv[1:])
print("heavy:", *sorted({"torch", "scipy", "skimage", "zmq", "bpy"} & set(sys.modules)))
sys.exit(code)
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    plain = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run([sys.executable, *command], env=plain, capture_output=True, text=True, timeout=120)


def test_the_list_of_commands_loads_nothing_heavy() -> None:
    result = run("-c", REPORT_HEAVY_MODULES, "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "heavy:"


def test_the_list_of_commands_names_every_command() -> None:
    listed = run("-m", "unrender.cli.main", "--help").stdout
    assert [name for name in COMMANDS if f"\n  {name} " not in listed] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_manual(name: str) -> None:
    result = run("-m", "unrender.cli.main", name, "--help")
    assert result.returncode == 0, result.stderr
    assert f"Usage: unrender {name}" in result.stdout
    options = [line for line in result.stdout.splitlines() if line.lstrip().startswith("--") and "--help" not in line]
    described = [line for line in options if len(line.split("  ")) > 1]
    assert described == options


def test_an_unknown_command_is_wrong_usage_and_names_the_nearest() -> None:
    result = run("-m", "unrender.cli.main", "genrate")
    assert result.returncode == 2
    assert "generate" in result.stderr
    assert "Traceback" not in result.stderr
