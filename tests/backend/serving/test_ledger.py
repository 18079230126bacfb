# SPDX-License-Identifier: Apache-2.0
"""The list of jobs on disk."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from unrender.errors import DataError, UserError
from unrender.serving import ledger as ledger_module
from unrender.serving.jobs import Job, JobError, JobState
from unrender.serving.ledger import JobLedger
from unrender.serving.results import read_arrays


def job(number: int) -> Job:
    return Job(number.to_bytes(16, "big"), "generate", {"seed": number, "name": "Stühle"}, submitted=float(number))


def test_a_job_comes_back_as_it_was_in_every_state(tmp_path: Path) -> None:
    jobs = [
        job(1),
        job(2).start(5.0),
        job(3).start(5.0).finish(6.5, {"shapes": [1, 2], "name": None}),
        job(4).start(5.0).fail(7.0, JobError("crashed", "It crashed.", "Try again.")),
        job(5).cancel(8.0),
        job(6).start(1.0).finish(2.0, {}).acknowledge(),
    ]
    with JobLedger(tmp_path / "ledger.sqlite") as ledger:
        for one in jobs:
            ledger.save(one)
    with JobLedger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.jobs() == jobs
        assert ledger.find(jobs[3].id) == jobs[3]
        assert ledger.find(bytes(16)) is None
        assert ledger.jobs(JobState.QUEUED, JobState.RUNNING) == jobs[:2]
        assert ledger.jobs(newest=2) == jobs[4:]


def test_old_settled_jobs_are_forgotten_and_unfetched_results_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_KEPT_FINISHED", 2)
    with JobLedger(tmp_path / "ledger.sqlite") as ledger:
        unfetched = [job(i).finish(float(i), {}) for i in range(3)]
        settled = [job(10 + i).finish(float(i), {}).acknowledge() for i in range(4)]
        waiting = [job(20)]
        for one in (*unfetched, *settled, *waiting):
            ledger.save(one)
        assert set(ledger.forget_old()) == {settled[0].id, settled[1].id}
        assert ledger.jobs() == [*unfetched, *settled[2:], *waiting]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.write_bytes(b"This is no database at all." * 99), "damaged"),
        (lambda path: set_version(path, 99), "has version 99; this program reads version 1"),
    ],
)
def test_a_ledger_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    path = tmp_path / "ledger.sqlite"
    damage(path)
    before = path.read_bytes()
    with pytest.raises(UserError, match=sentence) as caught:
        JobLedger(path)
    assert "ove that file away" in caught.value.hint
    assert path.read_bytes() == before


def set_version(path: Path, version: int) -> None:
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {version}")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


def test_a_second_owner_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    path = tmp_path / "jobs" / "ledger.sqlite"
    with JobLedger(path), pytest.raises(UserError, match="Another Unrender server"):
        JobLedger(path)
    JobLedger(path).close()


def test_a_patient_owner_waits_for_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    first = JobLedger(path)
    first.save(job(1))
    leaving = threading.Timer(1.5, first.close)
    leaving.start()
    with JobLedger(path, patience=60.0) as second:
        assert second.find(job(1).id) == job(1)
    leaving.join()


def test_a_damaged_result_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "result.safetensors"
    path.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{broken")
    with pytest.raises(DataError, match=r"result\.safetensors of this job is missing or damaged"):
        read_arrays(path)
    with pytest.raises(DataError, match="missing or damaged"):
        read_arrays(tmp_path / "absent")
