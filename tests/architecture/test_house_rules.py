# SPDX-License-Identifier: Apache-2.0
"""Rules that every file keeps: licence lines, nothing executable from data, no paths of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ADDON = "blender_addon/"

# Paths that exist on one machine only, and hosts that packages come from: both belong in nobody's sources.
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|farm|root|home/[a-z]+)/[\w./-]*")
REGISTRY_HOST = re.compile(r"files\.python" r"hosted|py" r"pi\.org|registry\.npm" r"js|deb\.deb" r"ian")


def tracked_files(suffix: str = "") -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name.endswith(suffix) and name]
    return [name for name in names if (CHECKOUT / name).is_file()]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def danger(source: str) -> list[str]:
    """What in the source could run a data file as code, or a shell."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in {"pickle", "marshal", "shelve"}]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"pickle", "marshal", "shelve"}:
            found.append(str(node.module))
    for name, call in calls(tree):
        if name in {"eval", "exec", "compile", "os.system", "os.popen", "torch.load", "torch.save"}:
            found.append(f"{name}()")
        if name.endswith(".recv_pyobj"):  # ZeroMQ's word for unpickling what arrives
            found.append(f"{name}()")
        shell = next((k.value for k in call.keywords if k.arg == "shell"), None)
        if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
            found.append("shell=True")
        allows = next((k.value for k in call.keywords if k.arg == "allow_pickle"), None)
        if allows is not None and not (isinstance(allows, ast.Constant) and allows.value is False):
            found.append("allow_pickle=True")
    return found


# The benchmark of the wire runs the practice that it compares ours with, between two processes of its own.
PRACTICE_OF_OTHERS = {"backend/unrender/cli/benchmarks/transport_row.py": ["pickle", "socket.recv_pyobj()"]}

PYTHON_FILES = tracked_files(".py")
SHIPPED = [name for name in PYTHON_FILES if not name.startswith("tests/")]


def test_there_are_files_to_look_at() -> None:
    assert len(SHIPPED) > 20
    assert any(name.startswith(ADDON) for name in SHIPPED)


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_a_python_file_starts_with_its_licence(name: str) -> None:
    licence = "GPL-3.0-or-later" if name.startswith(ADDON) else "Apache-2.0"
    first_lines = (CHECKOUT / name).read_text(encoding="utf-8").splitlines()[:2]
    assert f"# SPDX-License-Identifier: {licence}" in first_lines


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_runs_neither_data_nor_shells(name: str) -> None:
    assert danger((CHECKOUT / name).read_text(encoding="utf-8")) == PRACTICE_OF_OTHERS.get(name, [])


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from pickle import loads", ["pickle"]),
        ("socket.recv_pyobj()", ["socket.recv_pyobj()"]),
        ("eval('1')", ["eval()"]),
        ("import torch\ntorch.load('x')", ["torch.load()"]),
        ("import subprocess\nsubprocess.run('ls', shell=True)", ["shell=True"]),
        ("import numpy\nnumpy.load('x', allow_pickle=True)", ["allow_pickle=True"]),
        ("model.eval()\nimport re\nre.compile('x')\nnumpy.load('x', allow_pickle=False)", []),
    ],
)
def test_danger_is_recognised(source: str, found: list[str]) -> None:
    assert danger(source) == found


@pytest.mark.parametrize("name", [name for name in tracked_files() if not name.startswith("tests/")])
def test_a_file_names_no_machine_and_no_registry(name: str) -> None:
    try:
        text = (CHECKOUT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture or a model
        return
    assert MACHINE_PATH.findall(text) == []
    assert REGISTRY_HOST.findall(text) == []


def test_machine_paths_and_registries_are_recognised() -> None:
    assert MACHINE_PATH.findall("see /home/ann/x.py and /root/y") == ["/home/ann/x.py", "/root/y"]
    assert MACHINE_PATH.findall("tests/work/a ../shared/data https://x.org/work/a") == []
    assert REGISTRY_HOST.search("https://pypi.org/simple")


@pytest.mark.parametrize("name", tracked_files())
def test_a_file_is_at_most_20_mebibytes(name: str) -> None:
    assert (CHECKOUT / name).stat().st_size <= 20 * 2**20
