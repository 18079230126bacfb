# SPDX-License-Identifier: GPL-3.0-or-later
"""The curve of a training: how its score falls while it looks at images. Pure numpy, no bpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE = 192
_MARGIN = 6
_LINE = 1.5  # half of its width, in pixels
_BACKGROUND = (38, 38, 38)
_GRID = (72, 72, 72)
_INK = (255, 160, 60)


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """The numbers beside a curve: the newest and the best score, the top of the axis (its foot is 0), images shown."""

    newest: float
    best: float
    top: float
    images: int


def draw_curve(scores: np.ndarray) -> tuple[np.ndarray, ScoreCurve]:
    """The curve as a picture uint8 [SIDE, SIDE, 3], row 0 at the top, and its numbers.

    Args:
        scores: [N, 2], N > 0: images shown (ascending) and kernel distance. What is not finite is left out.
    """
    picture = np.full((SIDE, SIDE, 3), _BACKGROUND, np.uint8)
    for line in np.linspace(_MARGIN, SIDE - 1 - _MARGIN, 5).round().astype(int):
        picture[line, _MARGIN:-_MARGIN] = _GRID
        picture[_MARGIN:-_MARGIN, line] = _GRID
    known = np.asarray(scores, np.float64)[np.isfinite(scores).all(axis=1)]
    if not len(known):
        return picture, ScoreCurve(0.0, 0.0, 0.0, 0)
    images, values = known[:, 0], known[:, 1]
    top = max(float(values.max()), 1e-9)
    span = SIDE - 1 - 2 * _MARGIN
    columns = _MARGIN + images / max(float(images[-1]), 1.0) * span
    rows = _MARGIN + (1.0 - np.clip(values / top, 0.0, 1.0)) * span
    across = np.arange(int(columns[0]), int(columns[-1]) + 1)
    heights = np.interp(across, columns, rows)
    following = np.append(heights[1:], heights[-1])
    low, high = np.minimum(heights, following) - _LINE, np.maximum(heights, following) + _LINE
    down = np.arange(SIDE)[:, None]
    painted = picture[:, across]
    painted[(down >= low) & (down <= high)] = _INK
    picture[:, across] = painted
    end_row, end_column = round(float(rows[-1])), round(float(columns[-1]))
    picture[max(0, end_row - 3) : end_row + 4, max(0, end_column - 3) : end_column + 4] = _INK
    return picture, ScoreCurve(float(values[-1]), float(values.min()), top, int(images[-1]))
