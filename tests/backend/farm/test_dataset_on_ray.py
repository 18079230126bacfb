# SPDX-License-Identifier: Apache-2.0
"""Data sets on a Ray cluster of two machines: the same bytes, also where one of them is killed in mid-run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from unrender.data.dataset_rendering import DatasetRequest, render_dataset
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

pytestmark = [pytest.mark.peer, pytest.mark.slow]

REQUEST = DatasetRequest(
    "chair", count=60, views=4, seed=5, size=64, samples=4, resolution=32, passes="rgb,depth,normal"
)


def digests(out: Path) -> dict[str, str]:
    """Of every file below the folder, by its name there."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def workers() -> set[int]:
    """Processes that are workers of data sets."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        if "--dataset-worker" in (process.info["cmdline"] or []):
            found.add(process.pid)
    return found


def test_a_machine_is_killed_in_mid_run_and_every_byte_is_that_of_a_local_run(
    make_cluster: Callable[..., Any], blender: BlenderInstallation, tmp_path: Path
) -> None:
    before = workers()
    assert render_dataset(REQUEST, tmp_path / "local", workers=2, threads=1, blender=blender) == 0
    cluster = make_cluster(2)
    notes: list[str] = []
    seen: list[int] = []

    def watch(record: dict[str, Any]) -> None:
        seen.append(record["index"])
        if len(seen) == 40:
            cluster.remove_node(cluster.machines[0], allow_graceful=False)

    out = tmp_path / "farm"
    failed = render_dataset(REQUEST, out, 0, 1, on_record=watch, on_note=notes.append, ray=cluster.address)
    assert failed == 0
    assert len(set(seen)) == 240
    assert "room for 2 workers" in notes[0]
    assert "was lost; its work is done by the others" in notes[1]
    assert digests(out) == digests(tmp_path / "local")
    assert not workers() - before
    assert not (out / "failures.jsonl").exists()
    assert [json.loads(line)["index"] for line in (out / "manifest.jsonl").read_text().splitlines()] == list(range(240))
