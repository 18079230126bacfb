# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from unrender.data.known_objects import knows_objects, read_known_objects
from unrender.data.procedural.meshes import make_mesh
from unrender.errors import DataError


def _write(folder: Path, **plan: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"source": "mushroom", "resolution": 16, "width": 1.1, "field_of_view": 0.0} | plan
    (folder / "dataset.json").write_text(json.dumps({"fingerprint": "f", "plan": facts}), encoding="utf-8")
    records = [
        {
            "index": k,
            "file": f"images/{k:06d}.png",
            "class": facts["source"],
            "object": k,
            "shape_seed": 100 + k,
            "azimuth": 0.1 * k,
            "elevation": 0.2,
        }
        for k in range(5)
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_every_picture_has_its_object_and_its_camera(tmp_path: Path) -> None:
    folder = _write(tmp_path / "set")
    known = read_known_objects(folder)
    assert knows_objects(folder)
    assert len(known) == 5
    assert known.files[3] == "images/000003.png"
    assert known.cameras.azimuth[3].item() == pytest.approx(0.3)
    assert (known.cameras.width, known.cameras.field_of_view) == (1.1, None)
    assert np.array_equal(known.mesh(3).vertices, make_mesh("mushroom", 103, 16)[0])


def test_some_of_them_keep_what_they_are(tmp_path: Path) -> None:
    known = read_known_objects(_write(tmp_path / "set")).chosen([4, 1])
    assert known.files == ("images/000004.png", "images/000001.png")
    assert known.seeds == (104, 101)
    assert known.cameras.azimuth.tolist() == pytest.approx([0.4, 0.1])


def test_perspective_cameras_are_read_in_degrees(tmp_path: Path) -> None:
    known = read_known_objects(_write(tmp_path / "set", field_of_view=10.0))
    assert known.cameras.field_of_view == pytest.approx(math.radians(10.0))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), "has no dataset.json"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "manifest.jsonl").write_text('{"file": 1}\n'), "are damaged"),
        (lambda folder: _write(folder, source="/meshes"), "'/meshes', whose shapes it does not keep"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, spoil: object, sentence: str) -> None:
    folder = _write(tmp_path / "set")
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(DataError, match=sentence):
        read_known_objects(folder)
