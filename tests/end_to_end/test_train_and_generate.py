# SPDX-License-Identifier: Apache-2.0
"""The main job from the command line: pictures in, a training that is interrupted and resumed, meshes out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from .conftest import Family

PRETRAIN_IMAGES = 16
TINY = f"""
resolution = 16
image_size = 32
batch_size = 4
total_images = 1_000_000
checkpoint_minutes = 0.01
sample_minutes = 0.01
evaluate_minutes = 1.0
evaluate_images = 40
audit_samples = 2
torch_threads = 1

[generator]
latent = 8
channels = [8, 8]

[discriminator]
channels = [8, 8, 8]

[proxy]
width = 8
pretrain_images = {PRETRAIN_IMAGES}

[renderer]
samples = 1
threads = 1
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty renders, as it were: grey ellipses of many proportions with an alpha channel."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:32j, -1:1:32j]
    for index in range(40):
        width, height = random.uniform(0.3, 0.8, 2)
        inside = (columns / width) ** 2 + (rows / height) ** 2 < 1
        grey = (160 * inside).astype(np.uint8)
        Image.fromarray(np.dstack([grey, grey, grey, (255 * inside).astype(np.uint8)])).save(folder / f"{index}.png")
    return folder


def images_trained(run: Path) -> int:
    """The count of images in the name of the newest checkpoint; 0 without one."""
    return max((int(path.stem.rpartition("-")[2]) for path in run.glob("checkpoints/images-*.safetensors")), default=0)


def interrupt_once_it_has_trained(process: subprocess.Popen[str], run: Path) -> None:
    deadline = time.monotonic() + 240
    while not images_trained(run) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)


def test_a_training_is_interrupted_resumed_and_used(
    family: Family, blender_python: Path, pictures: Path, tmp_path: Path
) -> None:
    config, run = tmp_path / "tiny.toml", tmp_path / "run"
    config.write_text(TINY)
    train = [sys.executable, "-m", "unrender.cli.main", "train", "voxel_gan", "--config", config]
    train += ["--data", pictures, "--out", run]

    first = family.start(train, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    interrupt_once_it_has_trained(first, run)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 130, errors
    assert "Traceback" not in errors
    assert family.survivors() == []
    total = images_trained(run) + 40
    resumed = family.run([*train, "--resume", "--set", f"total_images={total}"])
    assert resumed.returncode == 0, resumed.stderr
    assert family.survivors() == []

    evaluations = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert evaluations[0]["images"] == 0
    assert evaluations[-1]["images"] == PRETRAIN_IMAGES + total
    assert all(np.isfinite(line["kid"]) for line in evaluations)
    assert sorted(line["seconds"] for line in evaluations) == [line["seconds"] for line in evaluations]
    assert list((run / "samples").glob("*.png"))

    again = family.unrender("train", "voxel_gan", "--config", config, "--data", pictures, "--out", run)
    assert again.returncode == 1
    assert "--resume" in again.stderr

    # So young a generator makes thin matter only.
    request = ["--model", str(run), "--seed", "7", "--count", "2", "--format", "glb", "--threshold", "0.02"]
    contents = []
    for out in (tmp_path / "meshes", tmp_path / "same"):
        made = family.unrender("generate", *request, "--out", out)
        assert made.returncode == 0, made.stderr
        contents.append({path.name: path.read_bytes() for path in sorted(out.glob("*.glb"))})
    assert len(contents[0]) == 2
    assert contents[0] == contents[1]
    for path in (tmp_path / "meshes").glob("*.glb"):
        mesh = trimesh.load(path, force="mesh")
        assert mesh.is_watertight
        assert mesh.volume > 0


def test_a_mistake_is_one_sentence_and_leaves_no_run(family: Family, tmp_path: Path) -> None:
    result = family.unrender("train", "voxel_gan", "--data", tmp_path / "missing", "--out", tmp_path / "run")
    assert result.returncode == 1
    assert "missing" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()
