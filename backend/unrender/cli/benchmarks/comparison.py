# SPDX-License-Identifier: Apache-2.0
"""Two ways to do the same work, measured in alternation, so that other load on the machine meets both alike."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of a table. ours, other: medians, in `unit`; ratio: median of ours / other of each round; settings: what
    was measured, and how much of it."""

    row: str
    what: str
    unit: str
    ours: float
    other: float
    ratio: float
    lowest_ratio: float
    highest_ratio: float
    at_least: float
    ok: bool
    rounds: int
    settings: dict[str, Any] = field(default_factory=dict)

    def sentence(self) -> str:
        """For people."""
        verdict = "" if self.ok else ", MISSED"
        return (
            f"{self.row}: {self.what}: {self.ours:g} against {self.other:g} {self.unit}, {self.ratio:.2f} times "
            f"({self.lowest_ratio:.2f} to {self.highest_ratio:.2f}; at least {self.at_least:g}{verdict})"
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What a row asks: `what` compares two ways in words, `unit` is that of both rates."""

    row: str
    what: str
    unit: str
    at_least: float


def compare(
    question: Question,
    ours: Callable[[], float],
    other: Callable[[], float],
    rounds: int,
    settings: dict[str, Any],
) -> Comparison:
    """Call both in alternation, each going first in every second round; each returns a rate (more is better)."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            second = other()
            pairs.append((ours(), second))
        else:
            first = ours()
            pairs.append((first, other()))
    ratios = [mine / theirs for mine, theirs in pairs]
    ratio = statistics.median(ratios)
    return Comparison(
        row=question.row,
        what=question.what,
        unit=question.unit,
        ours=round(statistics.median(mine for mine, _ in pairs), 2),
        other=round(statistics.median(theirs for _, theirs in pairs), 2),
        ratio=round(ratio, 3),
        lowest_ratio=round(min(ratios), 3),
        highest_ratio=round(max(ratios), 3),
        at_least=question.at_least,
        ok=ratio >= question.at_least,
        rounds=rounds,
        settings=settings,
    )
