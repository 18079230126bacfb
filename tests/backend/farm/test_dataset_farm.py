# SPDX-License-Identifier: Apache-2.0
"""Data sets by workers that are elsewhere, without Ray: the actor's own code stands in for the actor.

The workers run in this process's machine but through the same lines, files and connectors as on a cluster.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from unrender.data.dataset_rendering import Blenders, DatasetRequest, _render, render_dataset
from unrender.data.farm.carried_files import CarriedTree, carry, unpack
from unrender.data.farm.cluster_blenders import files_of
from unrender.data.farm.dataset_farm import DatasetFarm, RemoteWorker, WorkerLostError
from unrender.data.farm.worker_host import Said, WorkerHost, remove_left_folders
from unrender.errors import DataError, DiskFullError, RenderError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

REQUEST = DatasetRequest("chair", count=12, views=2, seed=5, size=32, samples=2, resolution=24, passes="rgb,depth")


class Elsewhere:
    """A worker as the cluster gives it; its machine goes away after so many images."""

    def __init__(self, host: WorkerHost, images: int = 10**9, with_machine: bool = True) -> None:
        self._host, self._left, self._with_machine = host, images, with_machine

    def tell(self, lines: list[bytes]) -> None:
        self._host.tell(lines)

    def listen(self) -> list[Said]:
        said = self._host.listen()
        self._left -= sum(bool(one.files) for one in said)
        if self._left < 0:
            raise WorkerLostError("node-b was lost", self._with_machine)
        return said

    def end_input(self) -> None:
        self._host.end_input()

    def close(self) -> None:
        self._host.close()


class Farm:
    """Starts workers with what is carried; the first is lost after `images` images."""

    def __init__(self, blender: BlenderInstallation, carried: list[CarriedTree], images: int = 10**9) -> None:
        self._blender, self._carried, self._images = blender, carried, images
        self._lock = threading.Lock()
        self.started = 0
        self.notes: list[str] = []

    def start(self) -> RemoteWorker | None:
        with self._lock:
            self.started += 1
            images = self._images if self.started == 1 else 10**9
        return Elsewhere(WorkerHost(self._blender, self._carried), images)

    def render(self, request: DatasetRequest, out: Path, workers: int = 2) -> int:
        with DatasetFarm(self.start, out, self.notes.append) as farm:
            blenders = Blenders(farm.command, farm.environment)
            return _render(
                request, blenders, out, workers, 1, False, lambda record: None, lambda: False, self.notes.append
            )


def digests(out: Path) -> dict[str, str]:
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_lost_worker_costs_no_byte(blender: BlenderInstallation, tmp_path: Path) -> None:
    assert render_dataset(REQUEST, tmp_path / "local", threads=1, blender=blender) == 0
    farm = Farm(blender, [], images=5)
    assert farm.render(REQUEST, tmp_path / "farm") == 0
    assert farm.started >= 3 or any("lost" in note for note in farm.notes)
    assert farm.notes == ["node-b was lost; its work is done by the others."]
    assert digests(tmp_path / "farm") == digests(tmp_path / "local")


def test_files_travel_with_their_textures_and_lights(
    blender: BlenderInstallation, checkout: Path, tmp_path: Path
) -> None:
    """The source is taken away and the light goes out once the first worker starts: workers have their own copies."""
    source, light = tmp_path / "objects", tmp_path / "studio.png"
    (source / "stools").mkdir(parents=True)
    (source / "stools" / "a.obj").write_text(
        "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl red\n"
        "f 1/1 3/3 2/2\nf 1/1 2/2 4/3\nf 2/1 3/2 4/3\nf 1/1 4/2 3/3\n"
    )
    (source / "stools" / "a.mtl").write_text("newmtl red\nKd 1 1 1\nmap_Kd ../colour.png\n")
    write_picture(source / "colour.png", (200, 30, 30))
    write_picture(light, (180, 190, 200))
    request = dataclasses.replace(
        REQUEST, source=str(source), lights=str(light), count=None, samples=4, passes="rgb,mask"
    )
    assert render_dataset(request, tmp_path / "local", threads=1, blender=blender) == 0
    trees, large = carry(files_of(request))
    assert not large
    farm = Farm(blender, trees)
    begin = farm.start

    def take_away() -> RemoteWorker | None:
        if source.exists():
            shutil.move(source, tmp_path / "gone")
            write_picture(light, (0, 0, 0))
        return begin()

    farm.start = take_away  # type: ignore[method-assign]
    assert farm.render(request, tmp_path / "farm", workers=1) == 0
    assert digests(tmp_path / "farm") == digests(tmp_path / "local")


def test_a_full_disk_ends_the_run(
    blender: BlenderInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unrender.data.farm.dataset_farm._replace_file", refuse)
    with pytest.raises(DiskFullError, match=r"No space left on device.*--resume"):
        Farm(blender, []).render(REQUEST, tmp_path / "out", workers=1)


def test_no_machine_left_is_said(tmp_path: Path) -> None:
    def start() -> RemoteWorker | None:
        raise RenderError("The Ray cluster has no machine left that could render.")

    with DatasetFarm(start, tmp_path / "out") as farm, pytest.raises(RenderError, match="no machine left"):
        _render(
            REQUEST, Blenders(farm.command, farm.environment), tmp_path / "out", 1, 1, False,
            lambda record: None, lambda: False, lambda words: None,
        )  # fmt: skip


def test_a_connector_without_the_token_gets_no_worker(blender: BlenderInstallation, tmp_path: Path) -> None:
    farm = Farm(blender, [])
    with DatasetFarm(farm.start, tmp_path) as dataset_farm:
        stranger = socket.create_connection(("127.0.0.1", int(dataset_farm.command[-1])))
        stranger.sendall(b"0" * 32 + b"\n")
        assert stranger.recv(1) == b""
        stranger.close()
    assert farm.started == 0


def test_folders_of_killed_workers_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, living = tmp_path / f"unrender-farm-{ended.pid}-x", tmp_path / f"unrender-farm-{os.getpid()}-x"
    for folder in (left, living):
        (folder / "out").mkdir(parents=True)
    remove_left_folders()
    assert not left.exists()
    assert living.exists()


def test_what_is_carried(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "x.obj").write_bytes(b"mesh")
    (tmp_path / "in" / "sub" / "x.mtl").write_bytes(b"material")
    (tmp_path / "in" / "sub" / "private.txt").write_bytes(b"letters")
    whole, single = str(tmp_path / "in"), str(tmp_path / "in" / "sub" / "x.obj")
    (tree,), large = carry([whole])
    assert sorted(tree.files) == ["sub/private.txt", "sub/x.mtl", "sub/x.obj"]
    assert large == []
    assert unpack(tree, tmp_path / "there") == {whole: str(tmp_path / "there")}
    (tree,), _ = carry([single])
    assert sorted(tree.files) == ["x.mtl", "x.obj"]
    assert unpack(tree, tmp_path / "there2")[single] == str(tmp_path / "there2" / "x.obj")
    assert carry([whole], most=10) == ([], [whole])
    assert carry(["chair", str(tmp_path / "no such folder")]) == ([], [])
    with pytest.raises(DataError, match=r"cannot be carried as '\.\./x'"):
        unpack(CarriedTree(("x",), {"../x": b""}, "."), tmp_path / "there3")


def write_picture(path: Path, colour: tuple[int, int, int]) -> None:
    from PIL import Image

    Image.new("RGB", (16, 8), colour).save(path)
