# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to Blender's translations: registering the tables, and texts that are put together at run time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

import bpy
from bpy.app.translations import pgettext_iface

from .connection.problems import Problem
from .translations import de

OWNER = __package__
# Blender's names of a language have changed: de_DE until 4.0, de since.
TABLES: Mapping[str, Mapping[str, str]] = {"de_DE": de.TABLE, "de": de.TABLE}
_CONTEXTS = ("*", "Operator")  # Blender looks for the names of buttons in a context of their own
_GAP = re.compile(r"\\\{\w*\\\}")


def register() -> None:
    """Tell Blender all tables."""
    tables = {
        locale: {(context, text): translated for text, translated in table.items() for context in _CONTEXTS}
        for locale, table in TABLES.items()
    }
    bpy.app.translations.register(OWNER, tables)


def unregister() -> None:
    """Take the tables back."""
    bpy.app.translations.unregister(OWNER)


def translate(text: str) -> str:
    """`text` in the language of Blender's interface, where there is a translation; also with names or numbers in it."""
    found = pgettext_iface(text)
    if found != text:
        return found
    language = _language()
    return _translate_filled(text, language) if language else text


def problem_text(problem: Problem) -> str:
    """Message and next step in one line."""
    return " ".join(translate(part) for part in (problem.message, problem.hint) if part)


def _language() -> str | None:
    """The locale of a table for the language of Blender's interface, if it is to be used; None otherwise."""
    locale = bpy.app.translations.locale
    return locale if locale in TABLES and bpy.context.preferences.view.use_translate_interface else None


@lru_cache(maxsize=512)
def _translate_filled(text: str, locale: str) -> str:
    """A text whose gaps are filled in already, translated by the entry of the table that it was made from."""
    for pattern, template in _templates(locale):
        match = pattern.fullmatch(text)
        if match is not None:
            return template.format(*match.groups())
    return text


@cache
def _templates(locale: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of the texts with nameless gaps, the most telling first, and what they become."""
    filled = [(text, translated) for text, translated in TABLES[locale].items() if "{}" in text]
    filled.sort(key=lambda entry: -len(entry[0]))
    return tuple((re.compile(_GAP.sub("(.*)", re.escape(text)), re.DOTALL), translated) for text, translated in filled)
