# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of a training: how a score falls, or losses move, while it looks at images. Pure numpy, no bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE = 192
_MARGIN = 6
_LINE = 1.5  # half of its width, in pixels
_BACKGROUND = (38, 38, 38)
_GRID = (72, 72, 72)
_INKS = ((255, 160, 60), (90, 170, 255))  # of the first line and the others


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """The numbers beside a curve: the newest and the best value of its first line, foot and top of the axis, the
    images shown, and the newest value of each line.
    """

    newest: float
    best: float
    top: float
    images: int
    foot: float = 0.0
    ends: tuple[float, ...] = ()


def draw_curve(*lines: np.ndarray) -> tuple[np.ndarray, ScoreCurve]:
    """The lines as a picture uint8 [SIDE, SIDE, 3], row 0 at the top, and their numbers. The axis begins at 0 or below.

    Args:
        lines: each [N, 2], N > 0: images shown (ascending) and value. What is not finite is left out.
    """
    picture = np.full((SIDE, SIDE, 3), _BACKGROUND, np.uint8)
    for line in np.linspace(_MARGIN, SIDE - 1 - _MARGIN, 5).round().astype(int):
        picture[line, _MARGIN:-_MARGIN] = _GRID
        picture[_MARGIN:-_MARGIN, line] = _GRID
    known = [np.asarray(line, np.float64)[np.isfinite(line).all(axis=1)] for line in lines]
    known = [line for line in known if len(line)]
    if not known:
        return picture, ScoreCurve(0.0, 0.0, 0.0, 0)
    every = np.concatenate(known)
    foot = min(0.0, float(every[:, 1].min()))
    top = max(float(every[:, 1].max()), foot + 1e-9)
    last = max(float(every[:, 0].max()), 1.0)
    for index in reversed(range(len(known))):  # the first over the others
        _draw_line(picture, known[index], last, foot, top, _INKS[min(index, len(_INKS) - 1)])
    values = known[0][:, 1]
    ends = tuple(float(line[-1, 1]) for line in known)
    return picture, ScoreCurve(float(values[-1]), float(values.min()), top, int(last), foot, ends)


def _draw_line(
    picture: np.ndarray, line: np.ndarray, last: float, foot: float, top: float, ink: tuple[int, int, int]
) -> None:
    span = SIDE - 1 - 2 * _MARGIN
    columns = _MARGIN + line[:, 0] / last * span
    rows = _MARGIN + (1.0 - np.clip((line[:, 1] - foot) / (top - foot), 0.0, 1.0)) * span
    across = np.arange(int(columns[0]), int(columns[-1]) + 1)
    heights = np.interp(across, columns, rows)
    following = np.append(heights[1:], heights[-1])
    low, high = np.minimum(heights, following) - _LINE, np.maximum(heights, following) + _LINE
    down = np.arange(SIDE)[:, None]
    painted = picture[:, across]
    painted[(down >= low) & (down <= high)] = ink
    picture[:, across] = painted
    end_row, end_column = round(float(rows[-1])), round(float(columns[-1]))
    picture[max(0, end_row - 3) : end_row + 4, max(0, end_column - 3) : end_column + 4] = ink
