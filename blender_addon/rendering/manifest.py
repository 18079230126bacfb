# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a data set: which images are there, made how; never half a record, whenever the process is killed."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from .png import replace_file

SAVE_SECONDS = 2.0
_PLAN = "dataset.json"
_HALF_WRITTEN = re.compile(r"\.(.+?)\.[^.]+\.[0-9]+")  # as `replace_file` calls what it has not moved yet


class DatasetError(ValueError):
    """The data set cannot be made as asked; one sentence for the user."""


class Manifest:
    """The records of one shard; `manifest.jsonl` for a whole data set, `manifest-I-of-N.jsonl` for a shard of it.

    Saved by rename every few seconds, less often where that takes long: an image that was written after the last save
    is rendered again on resume.
    """

    def __init__(self, out: Path, fingerprint: str, shard: tuple[int, int]) -> None:
        self._out, self._fingerprint, self._shard = out, fingerprint, shard
        self._own: dict[int, dict] = {}
        self._lock = threading.Lock()
        self._saved = time.monotonic()
        self._save_took = 0.0

    @classmethod
    def open(cls, out: Path, fingerprint: str, plan: dict, shard: tuple[int, int], resume: bool) -> Manifest:
        """Start or continue the records in `out`. Raises DatasetError where the folder holds something else."""
        manifest = cls(out, fingerprint, shard)
        plan = json.loads(json.dumps(plan))  # as it will be read again: lists, no tuples
        try:
            (out / "images").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(f"{out} cannot be a folder for images: {error.strerror}.") from None
        before = _read_plan(out / _PLAN)
        if before is None:
            replace_file(out / _PLAN, json.dumps({"fingerprint": fingerprint, "plan": plan}, indent=2).encode())
        elif before["fingerprint"] != fingerprint:
            raise DatasetError(
                f"{out} holds a data set with other settings ({_difference(before['plan'], plan)}). "
                "Choose another folder, or the same settings."
            )
        elif not resume and shard[1] == 1:
            raise DatasetError(
                f"{out} holds this data set already. Add --resume to continue it, or choose another folder."
            )
        elif before["plan"] != plan:  # only the count differs, or what an older version did not write down
            replace_file(out / _PLAN, json.dumps({"fingerprint": fingerprint, "plan": plan}, indent=2).encode())
        manifest._own = {record["index"]: record for record in manifest.all_records() if manifest._is_mine(record)}
        if before is not None:
            manifest._sweep(plan.get("views", 1))
        return manifest

    def missing(self, images: Iterable[int]) -> list[int]:
        """Those of the images that have no record or no file."""
        return [i for i in images if i not in self._own or not self._is_there(self._own[i])]

    def add(self, record: dict) -> None:
        """Note an image whose file is complete."""
        with self._lock:
            self._own[record["index"]] = record
            due = time.monotonic() - self._saved > max(SAVE_SECONDS, 20.0 * self._save_took)
        if due:
            self.save()

    def save(self) -> None:
        begin = time.monotonic()
        with self._lock:
            records = [self._own[index] for index in sorted(self._own)]
        replace_file(self._path(), _lines(records))
        self._saved = time.monotonic()
        self._save_took = self._saved - begin

    def save_all(self, records: list[dict]) -> None:
        """Write the records of all shards to `manifest.jsonl`."""
        replace_file(self._out / "manifest.jsonl", _lines(records))

    def all_records(self) -> list[dict]:
        """Records of this data set by whichever shard, in the order of their index, one per image."""
        records = {}
        for path in sorted(self._out.glob("manifest*.jsonl")):
            for record in _read_lines(path):
                if record.get("config") == self._fingerprint:
                    records[record["index"]] = record
        return [records[index] for index in sorted(records)]

    def _sweep(self, views: int) -> None:
        """Remove what a run that was killed left half written; files of other shards, which may be at work, stay."""
        for path in self._out.glob("**/.*"):
            name = _HALF_WRITTEN.fullmatch(path.name)
            if name is None:
                continue
            number = name[1] if path.parent != self._out else ""
            mine = self._is_mine({"object": int(number) // views}) if number.isdigit() else self._shard[1] == 1
            if mine:
                path.unlink(missing_ok=True)

    def _is_there(self, record: dict) -> bool:
        return all((self._out / name).is_file() for name in (record["file"], *record.get("passes", {}).values()))

    def _is_mine(self, record: dict) -> bool:
        return record["object"] % self._shard[1] == self._shard[0]

    def _path(self) -> Path:
        i, n = self._shard
        return self._out / ("manifest.jsonl" if n == 1 else _shard_name(i, n))


def _shard_name(i: int, n: int) -> str:
    return f"manifest-{i:03d}-of-{n:03d}.jsonl"


def _lines(records: list[dict]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def _read_plan(path: Path) -> dict | None:
    return json.loads(path.read_text()) if path.is_file() else None


def _difference(before: dict, now: dict) -> str:
    changed = [key for key in now if key != "count" and key in before and before[key] != now[key]]
    return ", ".join(f"{key} {before[key]}, now {now[key]}" for key in changed)
