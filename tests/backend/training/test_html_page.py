# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from unrender.training.html_page import curve, curves, details, page, picture, table

_VOID = {"meta", "img", "line", "circle", "polyline"}


class Balanced(HTMLParser):
    """Fails where a tag is not closed; collects what would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def parsed(html: str) -> Balanced:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    return parser


def test_a_page_is_well_formed_and_loads_nothing_from_elsewhere() -> None:
    tile = np.zeros((4, 6, 3), np.uint8)
    html = page("A <run>", "chairs & more", [("One", picture(tile, "a tile") + table(["a"], [[1.0]])), ("None", "")])
    assert [source[:22] for source in parsed(html).loaded] == ["data:image/png;base64,"]
    assert "A &lt;run&gt;" in html
    assert "chairs &amp; more" in html
    assert "None" not in html, "a section without anything is left away"
    assert "<script" not in html
    assert "prefers-color-scheme: dark" in html


def test_a_picture_is_inside_the_page_bit_by_bit() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    found = re.search(r"base64,([^\"]+)", picture(pixels, "noise"))
    assert found
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(found.group(1))))), pixels)


def test_a_curve_goes_through_its_points_and_leaves_out_what_is_not_finite() -> None:
    html = curve("kid", [0, 50, 75, 100], [4.0, float("nan"), 3.0, 2.0])
    parsed(html)
    found = re.search(r'points="([^"]+)"', html)
    assert found
    points = [tuple(float(value) for value in point.split(",")) for point in found.group(1).split()]
    assert len(points) == 3
    assert points[0][1] < points[1][1] < points[2][1], "down the page as the value falls"
    assert points[1][0] - points[0][0] == 3 * (points[2][0] - points[1][0])


def test_a_curve_over_decades_is_logarithmic_and_a_point_is_no_curve() -> None:
    assert "logarithmic" in curve("kid", [0, 1, 2], [10.0, 1.0, 0.1])
    assert "logarithmic" not in curve("kid", [0, 1, 2], [10.0, 0.0, -0.1])
    assert curve("kid", [0], [1.0]) == ""
    assert curves([]) == ""
    parsed(curve("flat", [0, 1], [0.0, 0.0]))


def test_tables_align_numbers_and_escape_text() -> None:
    html = table(["name", "value"], [["<b>", 0.123456], ["none", None], ["many", 12345]])
    parsed(html)
    assert "&lt;b&gt;" in html
    assert '<td class="number">0.1235</td>' in html
    assert '<td class="number">12,345</td>' in html
    assert '<td class="number"></td>' in html
    assert table(["a"], []) == ""


def test_details_hold_their_text_unchanged() -> None:
    assert "a = &quot;b&quot;\nc" in details("settings", 'a = "b"\nc')
