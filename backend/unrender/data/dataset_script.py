# SPDX-License-Identifier: Apache-2.0
"""Where the program is that makes data sets, and that each of its workers runs."""

from pathlib import Path

from unrender.errors import RenderError


def dataset_script() -> Path:
    """Path of `render_dataset.py`: in `scripts/` of a checkout, inside the distribution in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    for place in (package.parents[1] / "scripts", package.parent / "unrender_blender_addon"):
        if (place / "render_dataset.py").is_file():
            return place / "render_dataset.py"
    raise RenderError("scripts/render_dataset.py is missing from this installation.", "Install unrender again.")
