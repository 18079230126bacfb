# SPDX-License-Identifier: Apache-2.0
"""Pieces of a report as one HTML page that needs nothing but itself: no scripts, no network, light and dark."""

import base64
import io
import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WIDTH, _HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 30
_WHOLE = 100.0  # positions from here on are shown without decimals
_LOG_SPAN = 30.0  # largest over smallest value from which a curve is drawn on a logarithmic axis

_STYLE = """
:root { --paper: #fff; --ink: #1c1c1c; --soft: #6a6a6a; --line: #d9d9d9; --curve: #1f6fb4; --tile: #f4f4f4; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --ink: #e6e6e6; --soft: #9a9a9a; --line: #3a3d42; --curve: #6cb2f0; --tile: #1f2226; }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 1000px; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p, figcaption, .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; } th.number { text-align: right; }
.curves { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; }
.curves figure { background: var(--tile); border-radius: 6px; padding: .5rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg .curve { fill: none; stroke: var(--curve); stroke-width: 1.8; stroke-linejoin: round; }
svg circle { fill: var(--curve); }
img { max-width: 100%; height: auto; border-radius: 4px; }
pre { background: var(--tile); overflow: auto; padding: .8rem; }
.scroll { overflow-x: auto; }
"""


def page(title: str, subtitle: str, sections: Sequence[tuple[str, str]]) -> str:
    """The whole page; sections are headings with HTML below them, and those without any are left away."""
    body = "".join(f"<section><h2>{escape(heading)}</h2>{html}</section>" for heading, html in sections if html)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{escape(subtitle)}</p>{body}</body></html>\n"
    )


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def details(summary: str, text: str) -> str:
    """Preformatted text behind a line that opens it."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"


def picture(pixels: NDArray[np.uint8], caption: str) -> str:
    """A picture [H, W, 3], inside the page."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str | float | int | None]]) -> str:
    """Numbers are right-aligned with four digits; None is an empty cell."""
    if not rows:
        return ""
    numeric = [any(isinstance(row[column], int | float) for row in rows) for column in range(len(head))]

    def cell(value: str | float | int | None, tag: str, column: int) -> str:
        kind = ' class="number"' if numeric[column] else ""
        return f"<{tag}{kind}>{escape(shown(value))}</{tag}>"

    lines: list[Sequence[str | float | int | None]] = [head, *rows]
    parts = [
        "<tr>" + "".join(cell(value, "td" if number else "th", column) for column, value in enumerate(line)) + "</tr>"
        for number, line in enumerate(lines)
    ]
    return f'<div class="scroll"><table>{"".join(parts)}</table></div>'


def shown(value: str | float | int | None) -> str:
    """A value as text: numbers with four digits."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}"


def _position(value: float) -> str:
    return shown(round(value) if abs(value) >= _WHOLE else value)


def curves(figures: Sequence[str]) -> str:
    """Curves side by side."""
    return f'<div class="curves">{"".join(figures)}</div>' if figures else ""


def curve(title: str, x: Sequence[float | int], y: Sequence[float | int]) -> str:
    """A curve as SVG; points that are not finite are left out, and nothing is drawn for fewer than two."""
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if len(points) < 2:
        return ""
    low, high = min(b for _, b in points), max(b for _, b in points)
    logarithmic = low > 0.0 and high / low > _LOG_SPAN
    left, right = points[0][0], points[-1][0]
    if low == high:
        low, high = low - 0.5, high + 0.5

    def level(value: float) -> float:
        if logarithmic:
            return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
        return (value - low) / (high - low)

    def place(a: float, b: float) -> tuple[float, float]:
        across = (a - left) / max(right - left, 1e-12)
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - level(b) * (_HEIGHT - _TOP - _BOTTOM),
        )

    ticks = [low * (high / low) ** (k / 3) if logarithmic else low + k * (high - low) / 3 for k in range(4)]
    lines = []
    for tick in ticks:
        height = place(left, tick)[1]
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{tick:.3g}</text>')
    for share, anchor in ((0.0, "start"), (1.0, "end")):
        value = left + share * (right - left)
        across = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        lines.append(f'<text x="{across:.1f}" y="{_HEIGHT - 10}" text-anchor="{anchor}">{_position(value)}</text>')
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(*point) for point in points))
    end = place(*points[-1])
    name = f"{title}{', logarithmic' if logarithmic else ''}; last {shown(points[-1][1])}"
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(name)}">{"".join(lines)}<polyline class="curve" points="{path}"/>'
        f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="3"/></svg><figcaption>{escape(name)}</figcaption></figure>'
    )
