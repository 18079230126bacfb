# SPDX-License-Identifier: Apache-2.0
"""Errors of a job in the words of whoever asked for it: without the server's paths, and without a terminal's flags."""

from pathlib import Path

from unrender.errors import UnrenderError

# What is said to a terminal, and what it is in a panel; the longest first.
_WORDS = (
    (", or start a new run with another --out", ", or start a new training under another name"),
    ("; train again with another --out", "; train again under another name"),
    ("Add --resume to continue it, or choose another --out", "Continue it, or choose another name"),
    (" Continue with --resume.", " Continue it."),
    ("Continue with --resume", "Continue it"),
    ("choose another --out", "choose another name"),
)


def say_for_clients(error: UnrenderError, *folders: Path) -> None:
    """Change the texts of an error.

    folders: of the server, the innermost first. " in FOLDER" is left out; where one is named otherwise, its own name
    remains, and of what lies in it the path from there.
    """
    error.message, error.hint = (_reworded(text, folders) for text in (error.message, error.hint))


def _reworded(text: str, folders: tuple[Path, ...]) -> str:
    for said, meant in _WORDS:
        text = text.replace(said, meant)
    for folder in folders:
        inside = (f"{folder}/", f"{folder}\\")
        for prefix in inside:
            text = text.replace(prefix, "")
        text = text.replace(f" in {folder}", "").replace(str(folder), repr(folder.name))
    return text
