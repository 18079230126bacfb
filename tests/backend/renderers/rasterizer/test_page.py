# SPDX-License-Identifier: Apache-2.0
"""What docs/rasterizer.md shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[4] / "docs" / "rasterizer.md"


def test_the_ten_lines_move_the_square_onto_the_target() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    corners = names["screen"].detach()[0, :, :2]
    expected = [[24, 20], [24, 50], [54, 50], [54, 20]]
    assert corners.tolist() == [pytest.approx(corner, abs=0.01) for corner in expected]
    assert float((names["image"] - names["target"]).abs().max()) < 0.01


def test_the_page_names_what_the_package_exports() -> None:
    from unrender.renderers.differentiable import rasterizer

    text = PAGE.read_text(encoding="utf-8")
    functions = [name for name in rasterizer.__all__ if name[0].islower()]
    missing = [name for name in functions if f"`{name}`" not in text]
    assert set(missing) <= {"composite_skirt", "crosses_near"}  # parts of what is named
