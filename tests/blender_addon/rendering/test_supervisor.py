# SPDX-License-Identifier: Apache-2.0
"""Workers that crash, hang, are killed or grow tired: nothing is lost, and each reason has its name."""

import sys
from pathlib import Path

import pytest

from blender_addon.rendering.supervisor import Crew, Launch, NoEngineError, StoppedError, Task

FAKE = Path(__file__).with_name("fake_dataset_worker.py")


class Run:
    """A crew of fake workers and what it told."""

    def __init__(self, out: Path, **launch: object) -> None:
        self.notes: list[str] = []
        self.told: list[dict] = []
        values = {"engine": "cycles", "device": "cpu", "threads": 1, "timeout": 30.0} | launch
        self.crew = Crew(Launch((sys.executable, str(FAKE)), **values), self.notes.append)  # type: ignore[arg-type]
        self._out = str(out)

    def render(self, names: list[str], workers: int = 1, views: int = 2) -> None:
        tasks = (Task(i, name, "", "", list(range(i * views, (i + 1) * views))) for i, name in enumerate(names))
        with self.crew:
            self.crew.open()
            self.crew.render({}, self._out, tasks, workers, self.told.append)

    @property
    def images(self) -> list[int]:
        return sorted(message["record"]["index"] for message in self.told if "record" in message)

    @property
    def failures(self) -> list[tuple[int, str]]:
        return sorted((message["failed"], message["tag"]) for message in self.told if "failed" in message)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize("workers", [1, 3])
def test_every_image_comes_once_from_any_number_of_workers(run: Run, workers: int) -> None:
    run.render(["fine"] * 20, workers)
    assert run.images == list(range(40))
    assert run.failures == []
    assert len({message["record"]["pid"] for message in run.told}) <= workers


@pytest.mark.parametrize(
    ("name", "tag"),
    [("crash", "crashed"), ("kill", "killed"), ("memory", "out_of_memory"), ("bad", "bad_mesh")],
)
def test_what_an_object_does_to_its_worker_is_named_and_the_rest_is_rendered(run: Run, name: str, tag: str) -> None:
    run.render(["fine", name, "fine", "fine", "fine", "fine"], workers=2)
    assert run.failures == [(2, tag), (3, tag)]
    assert run.images == [0, 1, *range(4, 12)]


def test_an_accident_is_tried_again(run: Run) -> None:
    run.render(["fine", "crash once", "fine"])
    assert run.failures == []
    assert run.images == list(range(6))


def test_a_worker_that_says_nothing_is_stopped(tmp_path: Path) -> None:
    run = Run(tmp_path, timeout=0.5)
    run.render(["fine", "hang", "fine"])
    assert run.failures == [(2, "timeout"), (3, "timeout")]
    assert run.images == [0, 1, 4, 5]


def test_a_worker_that_made_room_is_followed_by_a_fresh_one(run: Run) -> None:
    run.render(["fine", "tired", "fine", "fine", "fine", "fine"])
    assert run.images == list(range(12))
    assert len({message["record"]["pid"] for message in run.told}) == 2


def test_a_full_disk_ends_the_run_with_what_to_do(run: Run) -> None:
    with pytest.raises(StoppedError, match=r"No space left on device.*--resume"):
        run.render(["fine", "disk", "fine"])


def test_an_engine_that_takes_its_process_down_gives_way_to_another_aloud(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BROKEN_ENGINES", "eevee")
    run = Run(tmp_path, engine="eevee")
    run.render(["fine"])
    assert run.crew.engine == "cycles"
    assert run.notes[0].startswith("Eevee cannot be used (its process ended with exit code -6; last words: libEGL")
    assert run.notes[0].endswith("Cycles renders instead.")


def test_no_engine_at_all_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN_ENGINES", "eevee,cycles,workbench")
    with pytest.raises(NoEngineError, match=r"Cycles cannot be used.*Eevee cannot.*Workbench cannot"):
        run.render(["fine"])


def test_a_gpu_that_is_absent_is_not_replaced_silently(tmp_path: Path) -> None:
    run = Run(tmp_path, device="gpu")
    with pytest.raises(NoEngineError, match="finds no GPU device"):
        run.render(["fine"])
    assert run.images == []


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    crew = Crew(Launch((str(tmp_path / "blender"),), "cycles", "cpu", 1), print)
    with crew, pytest.raises(NoEngineError, match="cannot be started: No such file"):
        crew.open()
