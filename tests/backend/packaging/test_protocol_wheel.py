# SPDX-License-Identifier: Apache-2.0
"""The wheel of the wire: whole, the same from a checkout and from an installed package, and new when it changes."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from unrender.packaging import protocol_wheel
from unrender.packaging.protocol_wheel import make_protocol_wheel
from unrender_protocol.version import PACKAGE_VERSION


def test_its_record_lists_every_file_with_its_hash() -> None:
    name, content = make_protocol_wheel()
    wheel = zipfile.ZipFile(io.BytesIO(content))
    (record,) = [path for path in wheel.namelist() if path.endswith(".dist-info/RECORD")]
    rows = {path: (digest, size) for path, digest, size in csv.reader(wheel.read(record).decode().splitlines())}
    assert set(rows) == set(wheel.namelist())
    for path, (digest, size) in rows.items():
        if path != record:
            data = wheel.read(path)
            expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(data)))
    assert name.startswith(f"unrender_protocol-{PACKAGE_VERSION}+")
    assert f"{name.removesuffix('-py3-none-any.whl')}.dist-info/RECORD" == record
    assert "unrender_protocol/py.typed" in rows
    assert any(path.endswith("licenses/LICENSE") for path in rows)
    assert not any("__pycache__" in path for path in rows)


def test_pip_installs_it(tmp_path: Path) -> None:
    name, content = make_protocol_wheel()
    (tmp_path / name).write_bytes(content)
    target = tmp_path / "target"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(tmp_path / name)], check=True, timeout=120)
    assert (target / "unrender_protocol" / "client.py").is_file()


def test_an_installed_package_gives_the_same_wheel_as_the_checkout(checkout: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(checkout / "protocol")], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = (
        "import hashlib, unrender_protocol; from unrender.packaging.protocol_wheel import make_protocol_wheel as make;"
        "print(unrender_protocol.__file__); name, data = make(); print(name, hashlib.sha256(data).hexdigest())"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    place, made = answer.stdout.splitlines()
    assert Path(place).is_relative_to(tmp_path)
    name, content = make_protocol_wheel()
    assert made == f"{name} {hashlib.sha256(content).hexdigest()}"


def test_another_content_is_another_version_for_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    before, _ = make_protocol_wheel()
    files = protocol_wheel.protocol_files()
    monkeypatch.setattr(protocol_wheel, "protocol_files", lambda: {**files, "unrender_protocol/new.py": b""})
    assert make_protocol_wheel()[0] != before
