# SPDX-License-Identifier: Apache-2.0
"""Whole programs as a user runs them, and a watch for processes that they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

MARK = "UNRENDER_TEST_FAMILY"
SECONDS_TO_END = 10.0  # a worker notices the end of its parent by a closed pipe


@dataclass(frozen=True, slots=True)
class Family:
    """Programs started by one test; their descendants inherit a mark in the environment and are found by it."""

    environment: dict[str, str]

    def start(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[str]:
        """A program of the family."""
        words = [str(word) for word in command]
        return subprocess.Popen(words, env=self.environment, text=True, encoding="utf-8", **options)

    def run(self, command: Sequence[str | Path], timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Runs a program of the family to its end."""
        words = [str(word) for word in command]
        return subprocess.run(
            words, env=self.environment, capture_output=True, text=True, encoding="utf-8", timeout=timeout
        )

    def unrender(self, *arguments: str | Path, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Runs `unrender` with these arguments."""
        return self.run([sys.executable, "-m", "unrender.cli.main", *arguments], timeout)

    def living(self) -> list[psutil.Process]:
        """Every process that carries the family's mark now."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.environment[MARK] and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def survivors(self) -> list[list[str]]:
        """Command lines of the family's processes that are still there after a short while."""
        deadline = time.monotonic() + SECONDS_TO_END
        while (living := self.living()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [process.cmdline() for process in living]


@pytest.fixture
def family(data_home: Path) -> Iterator[Family]:
    """Programs of one test; what is left of them when the test ends is killed."""
    environment = {**os.environ, MARK: uuid.uuid4().hex, "UNRENDER_HOME": str(data_home), "OMP_NUM_THREADS": "1"}
    family = Family(environment)
    yield family
    for process in family.living():
        process.kill()
