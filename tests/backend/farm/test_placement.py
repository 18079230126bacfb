# SPDX-License-Identifier: Apache-2.0
"""Where workers go on a cluster, and that nobody who renders on one machine meets Ray."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from unrender.cli.main import main
from unrender.errors import BlenderNotFoundError, ConfigurationError
from unrender.renderers.farm.own_output import own_output
from unrender.renderers.farm.placement import Candidate, Machine, Share, alike, emptiest, with_room
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation


def candidate(name: str, cpus: int, version: str = "5.0.1", gpus: int = 0) -> Candidate:
    return Candidate(Machine(name, name, cpus, gpus), BlenderInstallation("module", ("python",), version))


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "room"),
    [(8, 0, Share(2), 4), (7, 0, Share(2), 3), (8, 2, Share(2, 1), 2), (2, 2, Share(2, 1), 1), (8, 0, Share(1, 1), 0)],
)
def test_room(cpus: int, gpus: int, share: Share, room: int) -> None:
    assert Machine("a", "a", cpus, gpus).room(share) == room


def test_workers_are_spread_by_the_room_that_machines_have() -> None:
    small, large = candidate("small", 2), candidate("large", 6)
    held: dict[str, int] = {}
    order = []
    while (chosen := emptiest([small, large], held, Share(1))) is not None:
        held[chosen.machine.id] = held.get(chosen.machine.id, 0) + 1
        order.append(chosen.machine.name)
    assert held == {"small": 2, "large": 6}
    assert set(order[:2]) == {"small", "large"}


def test_one_version_of_blender_renders() -> None:
    none = Candidate(Machine("d", "d", 64, 0), "No Blender and no bpy module was found.")
    all_of_them = [candidate("a", 4), candidate("b", 4, "4.5.1"), candidate("c", 2), none]
    chosen, notes = alike(all_of_them, Share(1))
    assert [one.machine.name for one in chosen] == ["a", "c"]
    assert notes == [
        "b is left out: it has Blender 4.5.1, and the others 5.0.1, whose pixels differ.",
        "d is left out: No Blender and no bpy module was found.",
    ]
    assert [one.machine.name for one in alike(all_of_them[:2], Share(1))[0]] == ["a"]  # equal room: the newest
    # A run that began with one version does not go on with another.
    with pytest.raises(BlenderNotFoundError, match=r"b: Blender 4\.5\.1"):
        alike([all_of_them[1]], Share(1), "5.0.1")


def test_no_machine_is_large_enough() -> None:
    machines = [Machine("a", "a", 1, 0), Machine("b", "b", 3, 0)]
    with pytest.raises(ConfigurationError, match=r"needs 4 processors: of 2 machines the largest declares 3"):
        with_room(machines, Share(4))
    with pytest.raises(ConfigurationError, match=r"needs 1 processor and 1 GPU: .* declares 0 GPUs"):
        with_room(machines, Share(1, 1))


def test_without_ray_the_command_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    code = main(["render-dataset", "--source", "chair", "--out", str(tmp_path / "x"), "--ray", "auto"])
    words = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert code == 2
    assert "Ray, which renders on many machines, is not installed." in words
    assert "pip install 'unrender[ray]'" in words
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("flags", [["--device", "auto", "--ray", "auto"], ["--ray", "head"], ["--ray", "ray://h:1/x"]])
def test_what_cannot_be_asked_of_a_cluster(flags: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="pip install 'unrender[ray]'")
    assert main(["render-dataset", "--source", "chair", "--out", str(tmp_path / "x"), *flags]) == 2


def test_the_default_does_not_import_ray(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom unrender.methods.voxel_gan.pictures.rendering import build_renderer\n"
        "import unrender.data.dataset_rendering, unrender.cli.render_dataset, unrender.renderers.farm.ray_pool\n"
        "print('ray' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_a_blender_without_backend_says_who_has_ray(checkout: Path, tmp_path: Path) -> None:
    script = checkout / "scripts" / "render_dataset.py"
    flags = ["--source", "chair", "--ray", "auto", "--out", str(tmp_path / "x")]
    done = subprocess.run([sys.executable, str(script), *flags], capture_output=True, text=True, timeout=120)
    assert done.returncode == 4
    assert "unrender render-dataset --ray" in done.stderr


def test_what_rays_threads_print_stays_out_of_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    with own_output():
        for name in ("ray_listen_error_messages", "ours"):
            thread = threading.Thread(target=print, args=(f"said by {name}",), name=name)
            thread.start()
            thread.join()
        print("{}")
    print("after")
    assert capsys.readouterr().out == "said by ours\n{}\nafter\n"
