# SPDX-License-Identifier: Apache-2.0
"""The list of jobs on disk, so that a killed server forgets none of them."""

import json
import sqlite3
from pathlib import Path
from types import TracebackType

from unrender.errors import DiskFullError, UserError
from unrender.serving.jobs import Job, JobError, JobState

SCHEMA_VERSION = 1
_KEPT_FINISHED = 500  # acknowledged, failed and cancelled jobs beyond this many are forgotten, the oldest first

_SCHEMA = """
CREATE TABLE jobs (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    parameters TEXT NOT NULL,
    state TEXT NOT NULL,
    submitted REAL NOT NULL,
    started REAL,
    finished REAL,
    attempts INTEGER NOT NULL,
    result TEXT,
    error TEXT,
    acknowledged INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, submitted);
"""
_COLUMNS = "id, kind, parameters, state, submitted, started, finished, attempts, result, error, acknowledged"


class JobLedger:
    """SQLite behind four verbs. One server owns the file; a second one is told so after `patience` seconds.

    Raises:
        UserError: the file belongs to a running server, to a newer version, or is damaged.
        DiskFullError: a change could not be written; the ledger is as it was before.
    """

    def __init__(self, path: Path, patience: float = 1.0) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise _explain(error, path) from error
        except UserError:
            self._database.close()
            raise

    def _open(self) -> None:
        # Exclusive: the lock is held until the server ends, however it ends.
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("BEGIN IMMEDIATE")
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        self._database.execute("COMMIT")
        if version == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise UserError(
                f"The job list {self.path} has version {version}; this program reads version {SCHEMA_VERSION}.",
                "Use the newer Unrender, or move that file away to start with an empty list.",
            )

    def __enter__(self) -> "JobLedger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def save(self, job: Job) -> None:
        """Insert the job, or replace what is known of it; on disk when this returns."""
        error = None if job.error is None else json.dumps([job.error.tag, job.error.message, job.error.hint])
        row = (
            job.id,
            job.kind,
            json.dumps(dict(job.parameters)),
            job.state.value,
            job.submitted,
            job.started,
            job.finished,
            job.attempts,
            None if job.result is None else json.dumps(dict(job.result)),
            error,
            int(job.acknowledged),
        )
        marks = ", ".join("?" * len(row))
        self._write(f"INSERT OR REPLACE INTO jobs ({_COLUMNS}) VALUES ({marks})", row)

    def find(self, job_id: bytes) -> Job | None:
        """The job of that id, or None."""
        row = self._database.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else _job(row)

    def jobs(self, *states: JobState, newest: int = 1000) -> list[Job]:
        """Jobs in these states (all, if none is named), the oldest first; of more than `newest` only the newest."""
        chosen = states or tuple(JobState)
        marks = ", ".join("?" * len(chosen))
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE state IN ({marks}) ORDER BY submitted DESC, rowid DESC LIMIT ?",
            (*(state.value for state in chosen), newest),
        ).fetchall()
        return [_job(row) for row in reversed(rows)]

    def forget_old(self) -> list[bytes]:
        """Delete the oldest settled jobs beyond the number kept; returns their ids, so that their files go too."""
        rows = self._database.execute(
            "SELECT id FROM jobs WHERE state IN ('failed', 'cancelled') OR (state = 'done' AND acknowledged = 1) "
            "ORDER BY finished DESC LIMIT -1 OFFSET ?",
            (_KEPT_FINISHED,),
        ).fetchall()
        for row in rows:
            self._write("DELETE FROM jobs WHERE id = ?", row)
        return [row[0] for row in rows]

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise _explain(error, self.path) from error


def _job(row: tuple) -> Job:
    error = None if row[9] is None else JobError(*json.loads(row[9]))
    return Job(
        id=row[0],
        kind=row[1],
        parameters=json.loads(row[2]),
        state=JobState(row[3]),
        submitted=row[4],
        started=row[5],
        finished=row[6],
        attempts=row[7],
        result=None if row[8] is None else json.loads(row[8]),
        error=error,
        acknowledged=bool(row[10]),
    )


def _explain(error: sqlite3.DatabaseError, path: Path) -> UserError:
    """Say in a sentence what SQLite's error means for the user."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UserError(
            f"Another Unrender server already works with the data in {path.parent.parent}.",
            "Use that one, stop it first, or set UNRENDER_HOME to another folder.",
        )
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(
            f"The disk that holds {path.parent} is full; the job list could not be written.",
            "Free some space there, or set UNRENDER_HOME to a folder on a larger disk.",
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return UserError(
            f"The job list {path} is damaged ({error}).", "Move that file away to start with an empty list."
        )
    return UserError(f"The job list {path} cannot be used ({error}).", "Check that the folder exists and is writable.")
