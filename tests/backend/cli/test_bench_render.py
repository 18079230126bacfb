# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of rendering, small: what they report is complete and adds up. How fast it was is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unrender.cli.benchmarks.comparison import Question, compare
from unrender.cli.benchmarks.memory_steps import MemoryStep, StepRecorder, most_growth
from unrender.cli.benchmarks.render import ROWS
from unrender.cli.benchmarks.transport_row import receive_pickles, receive_raw_frames
from unrender.errors import OpenGLNotFoundError
from unrender.renderers.off_the_shelf.opengl_context import open_context

TINY = "--rounds 2 --objects 2 --frames 12 --resolution 12 --size 16 --meshes 4 --batches 2 --views 2 --threads 1"
LIMITS = {
    "overhead-1": 0.85, "overhead-4": 0.85, "overhead-16": 0.85, "practice": 5.0, "workers": 1.8,
    "views-1": 1.4, "views-4": 1.4, "opengl-1": 2.0, "opengl-4": 2.0, "transport": 3.0,
}  # fmt: skip
QUESTION = Question("row", "one over the other", "images/s", 1.5)


@pytest.fixture
def blender(blender_python: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNRENDER_BLENDER", str(blender_python))
    return blender_python


@pytest.mark.parametrize("row", ROWS)
def test_each_row_reports_both_rates_their_ratio_and_its_limit(
    row: str, blender: Path, unrender: Callable[..., Any]
) -> None:
    if row.startswith("opengl"):
        try:
            open_context().release()
        except OpenGLNotFoundError as error:
            pytest.skip(str(error))
    ran = unrender("bench", "render", "--json", "--only", row, *TINY.split())
    assert ran.code == 0, ran.err
    (line,) = ran.out.splitlines()
    report = json.loads(line)
    assert report["row"] == row
    assert report["at_least"] == LIMITS[row]
    assert report["ok"] is (report["ratio"] >= report["at_least"])
    assert report["ours"] > 0
    assert report["other"] > 0
    assert 0 < report["lowest_ratio"] <= report["ratio"] <= report["highest_ratio"]
    assert report["unit"] == ("messages/s" if row == "transport" else "images/s")
    assert report["settings"]
    if report["rounds"] == 1:
        assert report["ratio"] == pytest.approx(report["ours"] / report["other"], rel=0.02)


def test_rows_without_json_are_sentences(unrender: Callable[..., Any]) -> None:
    ran = unrender("bench", "render", "--only", "transport", *TINY.split())
    assert ran.code == 0, ran.err
    assert ran.out.startswith("transport: raw frames over PUSH/PULL and pickle: ")
    assert "at least 3" in ran.out


def test_an_unknown_row_is_refused_with_the_names_of_all(unrender: Callable[..., Any]) -> None:
    ran = unrender("bench", "render", "--only", "faster")
    assert ran.code == 2
    assert "faster" in ran.err
    assert "transport" in ran.err


def test_two_ways_alternate_and_the_median_of_the_ratios_counts() -> None:
    calls: list[str] = []
    ours, other = iter((2.0, 9.0, 4.0)), iter((1.0, 3.0, 4.0))

    def take(name: str, rates: Any) -> float:
        calls.append(name)
        return float(next(rates))

    result = compare(QUESTION, lambda: take("ours", ours), lambda: take("other", other), 3, {"size": 8})
    assert calls == ["ours", "other", "other", "ours", "ours", "other"]
    assert (result.ours, result.other) == (4.0, 3.0)
    assert (result.lowest_ratio, result.ratio, result.highest_ratio) == (1.0, 2.0, 3.0)
    assert result.ok
    assert "MISSED" not in result.sentence()


def test_a_row_below_its_limit_says_so() -> None:
    result = compare(QUESTION, lambda: 1.4, lambda: 1.0, 1, {})
    assert not result.ok
    assert "MISSED" in result.sentence()


@pytest.mark.parametrize("receive", [receive_pickles, lambda count: receive_raw_frames("tcp://127.0.0.1", count)])
def test_both_ways_of_moving_frames_deliver_all_of_them_in_order(receive: Callable[[int], float]) -> None:
    assert receive(24) > 0


def test_memory_of_a_trainings_worker_is_looked_at_in_each_step(blender: Path, unrender: Callable[..., Any]) -> None:
    options = "--renders 60 --every 20 --meshes 20 --resolution 12 --size 16 --threads 1 --recycle-after 100000"
    ran = unrender("bench", "render-memory", "--json", *options.split())
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert [step["renders"] for step in report["steps"]] == [20, 40, 60]
    assert all(step["megabytes"] > 50 for step in report["steps"])
    assert all(step["images_per_second"] > 0 for step in report["steps"])
    assert report["replaced"] == 0
    assert report["ok"] is (report["growth_megabytes"] < 50)


def test_memory_of_a_data_sets_worker_is_that_of_blender(blender: Path, unrender: Callable[..., Any]) -> None:
    options = "--source chair --views 4 --renders 40 --every 10 --resolution 12 --size 16 --threads 1"
    ran = unrender("bench", "render-memory", "--json", *options.split())
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["renders"] == 40
    assert report["settings"]["failed"] == 0
    assert report["steps"][0]["renders"] == 10
    assert all(step["megabytes"] > 50 for step in report["steps"])  # a Blender, and not the process that watches it
    assert len({step["workers"][0] for step in report["steps"]}) == 1


def test_growth_is_that_of_the_worker_that_grew_most() -> None:
    seen = ((1, 300.0), (1, 310.0), (2, 250.0), (2, 275.0))
    steps = [MemoryStep(0, megabytes, 1.0, 0.1, (pid,)) for pid, megabytes in seen]
    assert most_growth(steps) == 25.0


def test_steps_end_when_enough_images_have_come() -> None:
    recorder = StepRecorder(10)
    assert [recorder.is_due(5) for _ in range(2)] == [False, True]
    recorder.end_step([])  # the worker is gone: nothing can be said of it
    assert recorder.steps == []
