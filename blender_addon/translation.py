# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to Blender's translations for texts that are put together at run time."""

from __future__ import annotations

from bpy.app.translations import pgettext_iface

from .connection.problems import Problem


def translate(text: str) -> str:
    """`text` in the language of Blender's interface, where a translation is registered."""
    return pgettext_iface(text)


def problem_text(problem: Problem) -> str:
    """Message and next step in one line."""
    return " ".join(translate(part) for part in (problem.message, problem.hint) if part)
