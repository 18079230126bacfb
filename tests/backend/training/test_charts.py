# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from unrender.training.charts import Chart, Series, panels

RED, BLUE = (255, 0, 0), (0, 0, 255)


def where(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Rows and columns of pixels in a colour, be they half transparent."""
    return np.argwhere(np.abs(picture.astype(int) - colour).sum(axis=2) < 270)


def test_a_rising_line_rises_in_the_picture() -> None:
    picture = Chart("t", series=[Series([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], RED)]).draw()
    assert picture.shape == (320, 430, 3)
    spots = where(picture, RED)
    left, right = spots[spots[:, 1].argmin()], spots[spots[:, 1].argmax()]
    assert right[0] < left[0] - 100
    assert right[1] > left[1] + 200


def test_bars_are_as_high_as_their_values_and_stand_side_by_side() -> None:
    bars = [Series([0.0, 1.0], [1.0, 2.0], RED, kind="bars"), Series([0.0, 1.0], [2.0, math.nan], BLUE, kind="bars")]
    picture = Chart("t", y_range=(0.0, 2.5), x_range=(-0.6, 1.6), x_names=["a", "b"], series=bars).draw()
    red, blue = where(picture, RED), where(picture, BLUE)
    middle = (66 + picture.shape[1] - 14) // 2  # of what the axes enclose
    heights = [np.ptp(part[:, 0]) for part in (red[red[:, 1] < middle], red[red[:, 1] > middle], blue)]
    assert heights[1] == pytest.approx(2 * heights[0], abs=4)
    assert heights[2] == pytest.approx(heights[1], abs=3)
    assert blue[:, 1].max() < middle  # what is not a number is left out


def test_logarithmic_axes_space_decades_evenly() -> None:
    points = Series([1.0, 10.0, 100.0], [1.0, 10.0, 100.0], RED, kind="points")
    picture = Chart("t", log_x=True, log_y=True, series=[points]).draw()
    columns = np.unique(where(picture, RED)[:, 1])
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)
    centres = [group.mean() for group in groups]
    assert len(centres) == 3
    assert centres[1] - centres[0] == pytest.approx(centres[2] - centres[1], abs=2)


def test_panels_fill_the_last_row_with_paper() -> None:
    picture = panels([Chart("a"), Chart("b"), Chart("c")], 2)
    assert picture.shape == (640, 860, 3)
    assert (picture[330:, 440:] == 255).all()
