# SPDX-License-Identifier: Apache-2.0
"""Curves, points and bars as pictures, drawn with Pillow alone."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Number = int | float
COLOURS: tuple[Colour, ...] = (
    (31, 119, 180),
    (214, 96, 20),
    (44, 140, 60),
    (190, 40, 50),
    (120, 80, 170),
    (130, 90, 60),
    (20, 150, 160),
    (110, 110, 110),
)
_FINE = 3  # drawn so many times larger, then averaged: smooth edges
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 30, 44
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_INK, _GRID, _PAPER = (40, 40, 40), (225, 225, 225), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Series:
    """x and y of equal length in one colour. low and high, if given, are drawn as a shade around a line."""

    x: Sequence[Number]
    y: Sequence[Number]
    colour: Colour
    label: str = ""
    kind: str = "line"  # or "points", or "bars"
    low: Sequence[Number] | None = None
    high: Sequence[Number] | None = None
    dashed: bool = False


@dataclass(slots=True)
class Chart:
    """One panel. Ranges that are not given follow from the series; x_names replaces the numbers along x."""

    title: str
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[Number, Number] | None = None
    y_range: tuple[Number, Number] | None = None
    x_names: Sequence[str] = ()
    series: list[Series] = field(default_factory=list)
    size: tuple[int, int] = (430, 320)

    def draw(self) -> NDArray[np.uint8]:
        """The panel as [H, W, 3]."""
        return _Drawing(self).picture()


def panels(charts: Sequence[Chart], columns: int) -> NDArray[np.uint8]:
    """Charts of equal size in rows of `columns`."""
    pictures = [chart.draw() for chart in charts]
    pictures += [np.full_like(pictures[0], 255)] * (-len(pictures) % columns)
    rows = [np.concatenate(pictures[first : first + columns], axis=1) for first in range(0, len(pictures), columns)]
    return np.concatenate(rows, axis=0)


class _Drawing:
    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        width, height = chart.size
        self.image = Image.new("RGB", (width * _FINE, height * _FINE), _PAPER)
        self.pen = ImageDraw.Draw(self.image, "RGBA")
        self.font = ImageFont.load_default(11 * _FINE)
        self.title_font = ImageFont.load_default(13 * _FINE)
        self.box = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
        self.x_range = _range(chart.x_range, [value for s in chart.series for value in s.x], chart.log_x, 0.02)
        bounds = [v for s in chart.series for part in (s.y, s.low, s.high) if part is not None for v in part]
        self.y_range = _range(chart.y_range, bounds, chart.log_y, 0.06)

    def picture(self) -> NDArray[np.uint8]:
        self._axes()
        for series in self.chart.series:
            {"line": self._line, "points": self._points, "bars": self._bars}[series.kind](series)
        self._legend()
        small = self.image.resize(self.chart.size, Image.Resampling.BOX)
        return np.asarray(small).copy()

    def _axes(self) -> None:
        left, top, right, bottom = self.box
        chart = self.chart
        for value in _ticks(*self.y_range, chart.log_y):
            y = self._y(value)
            self._stroke([(left, y), (right, y)], _GRID, 1.0)
            self._text(left - 5, y, _label(value), "rm")
        if chart.x_names:
            for index, name in enumerate(chart.x_names):
                self._text(self._x(index), bottom + 4, name, "ma")
        else:
            for value in _ticks(*self.x_range, chart.log_x):
                x = self._x(value)
                self._stroke([(x, top), (x, bottom)], _GRID, 1.0)
                self._text(x, bottom + 4, _label(value), "ma")
        self._stroke([(left, top), (left, bottom), (right, bottom)], _INK, 1.0)
        self._text((left + right) / 2, bottom + 22, chart.x_label, "ma")
        self._text(4, top - 6, chart.y_label, "ls")
        self._text((left + right) / 2, 4, chart.title, "ma", self.title_font)

    def _line(self, series: Series) -> None:
        if series.low is not None and series.high is not None:
            around = list(zip(series.x, series.high, strict=True)) + list(zip(series.x, series.low, strict=True))[::-1]
            outline = [self._fine(self._x(x), self._y(y)) for x, y in around if math.isfinite(y)]
            if len(outline) > 2:
                self.pen.polygon(outline, fill=(*series.colour, 40))
        points = [(self._x(x), self._y(y)) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(y)]
        self._stroke(points, series.colour, 1.6, series.dashed)
        if len(points) < 30:
            for point in points:
                self._dot(point, series.colour, 2.2, 255)

    def _points(self, series: Series) -> None:
        for x, y in zip(series.x, series.y, strict=True):
            if math.isfinite(x) and math.isfinite(y):
                self._dot((self._x(x), self._y(y)), series.colour, 2.4, 130)

    def _bars(self, series: Series) -> None:
        group = [other for other in self.chart.series if other.kind == "bars"]
        width = 0.8 / len(group)
        offset = (group.index(series) + 0.5) * width - 0.4
        floor = self._y(max(0.0, self.y_range[0]) if not self.chart.log_y else self.y_range[0])
        for index, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
            if not math.isfinite(y):
                continue
            a, b = self._x(x + offset - 0.45 * width), self._x(x + offset + 0.45 * width)
            high, low = sorted((self._y(y), floor))
            self.pen.rectangle([*self._fine(a, high), *self._fine(b, low)], fill=series.colour)
            if series.low is not None and series.high is not None and math.isfinite(series.low[index]):
                middle = (a + b) / 2
                self._stroke([(middle, self._y(series.low[index])), (middle, self._y(series.high[index]))], _INK, 1.2)

    def _legend(self) -> None:
        named = [series for series in self.chart.series if series.label]
        for index, series in enumerate(named):
            y = self.box[1] + 9 + 14 * index
            self._stroke([(self.box[2] - 22, y), (self.box[2] - 4, y)], series.colour, 3.0, series.dashed)
            self._text(self.box[2] - 27, y, series.label, "rm")

    def _x(self, value: Number) -> float:
        share = _share(value, *self.x_range, self.chart.log_x)
        return self.box[0] + share * (self.box[2] - self.box[0])

    def _y(self, value: Number) -> float:
        share = _share(value, *self.y_range, self.chart.log_y)
        return self.box[3] - share * (self.box[3] - self.box[1])

    @staticmethod
    def _fine(x: Number, y: Number) -> tuple[Number, Number]:
        return x * _FINE, y * _FINE

    def _stroke(self, points: list[tuple[Number, Number]], colour: Colour, width: float, dashed: bool = False) -> None:
        fine = [self._fine(*point) for point in points]
        thickness = max(1, round(width * _FINE))
        if not dashed:
            self.pen.line(fine, fill=colour, width=thickness, joint="curve")
            return
        for (x0, y0), (x1, y1) in itertools.pairwise(fine):
            steps = max(1, int(math.hypot(x1 - x0, y1 - y0) / (5 * _FINE)))
            at = np.linspace(0.0, 1.0, 2 * steps)
            for a, b in zip(at[::2], at[1::2], strict=True):
                self.pen.line(
                    [x0 + a * (x1 - x0), y0 + a * (y1 - y0), x0 + b * (x1 - x0), y0 + b * (y1 - y0)],
                    fill=colour,
                    width=thickness,
                )

    def _dot(self, point: tuple[Number, Number], colour: Colour, radius: float, opacity: int) -> None:
        x, y = self._fine(*point)
        r = radius * _FINE
        self.pen.ellipse([x - r, y - r, x + r, y + r], fill=(*colour, opacity))

    def _text(self, x: Number, y: Number, text: str, anchor: str, font: Font | None = None) -> None:
        self.pen.text(self._fine(x, y), text, fill=_INK, font=font or self.font, anchor=anchor)


def _range(
    given: tuple[Number, Number] | None, values: list[Number], log: bool, margin: float
) -> tuple[Number, Number]:
    if given is not None:
        return given
    finite = [value for value in values if math.isfinite(value) and (value > 0.0 or not log)]
    if not finite:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(finite), max(finite)
    if log:
        factor = (high / low) ** margin if high > low else 1.5
        return low / factor, high * factor
    pad = margin * (high - low) if high > low else 0.5
    return low - pad, high + pad


def _share(value: Number, low: Number, high: Number, log: bool) -> float:
    if log:
        value, low, high = (math.log(max(number, 1e-300)) for number in (value, low, high))
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _ticks(low: Number, high: Number, log: bool) -> list[float]:
    if log:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        factors = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
        return [f * 10.0**e for e in exponents for f in factors if low <= f * 10.0**e <= high]
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw)
    return [index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _label(value: Number) -> str:
    return "0" if abs(value) < 1e-12 else f"{value:.4g}"
