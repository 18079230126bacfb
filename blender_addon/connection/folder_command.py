# SPDX-License-Identifier: GPL-3.0-or-later
"""A data set in a folder of the artist's: the command that renders it, and what lies in the folder beside its images.

`source.blend` holds the chosen objects as they were; `command.json` the flags, so that the work can be continued after
Blender was closed, whatever the panel shows by then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .problems import Problem

SOURCE = "source.blend"
ESTIMATED_IMAGES = 5
_COMMAND = "command.json"
_PLAN = "dataset.json"  # written by the renderer, as soon as it begins
_SHEET = "contact_sheet.png"


class FolderProblem(Exception):
    """A data set that cannot be begun; `problem` says why and what to do."""

    def __init__(self, tag: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.problem = Problem(tag, message, hint)


def source_in(folder: Path) -> Path:
    """The copy of the chosen objects."""
    return folder / SOURCE


def sheet_in(folder: Path) -> Path:
    """The contact sheet, there when all is rendered."""
    return folder / _SHEET


def plan_in(folder: Path) -> Path:
    """What the renderer writes about the data set."""
    return folder / _PLAN


def is_begun(folder: Path) -> bool:
    """Whether the folder holds a data set that this panel has begun."""
    return plan_in(folder).is_file() and (folder / _COMMAND).is_file() and source_in(folder).is_file()


def claim(folder: Path) -> None:
    """Make the folder, and see that nothing in it would be written over. Raises FolderProblem."""
    ours = (folder / _COMMAND).is_file()
    taken = plan_in(folder).exists() or (not ours and (source_in(folder).exists() or (folder / "images").exists()))
    if taken:
        raise FolderProblem(
            "folder_taken", f"The folder {folder} holds another data set or other images.", "Choose another folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_flags(folder, ())
    except OSError as error:
        raise FolderProblem(
            "folder_unwritable",
            f"The folder {folder} cannot be written to: {error.strerror}.",
            "Choose another folder, or make room on the disk.",
        ) from None


def write_flags(folder: Path, flags: Sequence[str]) -> None:
    """Keep the flags of the data set. Raises OSError."""
    (folder / _COMMAND).write_text(json.dumps({"flags": list(flags)}, indent=2) + "\n", encoding="utf-8")


def read_flags(folder: Path) -> list[str]:
    """The flags that the data set was begun with. Raises FolderProblem."""
    try:
        flags = json.loads((folder / _COMMAND).read_text(encoding="utf-8"))["flags"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FolderProblem(
            "no_command",
            f"The folder {folder} holds nothing that can be continued.",
            "Press Render, or choose another folder.",
        ) from None
    return [str(flag) for flag in flags]


def command_words(program: Sequence[str], folder: Path, flags: Sequence[str]) -> list[str]:
    """The command that renders the data set, or what is missing of it.

    program: how the renderer starts, up to its flags.
    """
    return [*program, "--source", str(source_in(folder)), *flags, "--out", str(folder), "--resume"]


def estimate_words(program: Sequence[str], source: Path, out: Path, flags: Sequence[str], images: int) -> list[str]:
    """The command that renders a few of so many images, evenly chosen, into a folder of their own."""
    few = min(ESTIMATED_IMAGES, images)
    chosen = ",".join(str(k * images // few) for k in range(few))
    return [*program, "--source", str(source), *flags, "--out", str(out), "--images", chosen]
