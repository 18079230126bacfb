# SPDX-License-Identifier: Apache-2.0
"""Every text that the add-on shows is in every table of translations, with the same gaps."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ADDON = CHECKOUT / "blender_addon"
SOURCES = (
    *sorted((ADDON / "panels").glob("*.py")),
    *sorted((ADDON / "operators").glob("*.py")),
    *sorted((ADDON / "connection").glob("*.py")),
    *(
        ADDON / "scene" / f"{name}.py"
        for name in ("export", "export_formats", "importing", "remeshing", "sent_meshes", "chosen_objects")
    ),
    ADDON / "properties.py",
    ADDON / "shape_settings.py",
    ADDON / "view_settings.py",
    ADDON / "preferences.py",
)
LANGUAGES = ("de",)
PROPERTIES = frozenset(
    {
        "EnumProperty",
        "StringProperty",
        "IntProperty",
        "FloatProperty",
        "BoolProperty",
        "slider",
        "resolution_choice",
        "_angle",
    }
)
WORD_TABLES = frozenset({"_STATUS_WORDS", "_JOB_WORDS", "_PHASE_WORDS", "_ADVICE", "_SHEETS"})
ITEM_TABLES = frozenset(
    {"TRAIN_SOURCES", "TRAIN_CAMERAS", "TRAIN_CURVES", "RESOLUTIONS", "DATASET_SOURCES", "DATASET_TARGETS", "WORK"}
    | {"FOLDER_SOURCES", "FOLDER_CAMERAS", "FOLDER_ENGINES", "FOLDER_DEVICES", "FOLDER_PASSES"}
)
FIRST_SHOWN = frozenset({"translate", "poll_message_set", "ValueError", "ExportProblem"})
DRAWN = frozenset({"label", "operator", "operator_menu_enum", "prop"})
NOT_FOR_ARTISTS = re.compile(r"job \{\} is \{\};.*")  # mistakes of a program that calls the session
GAP = re.compile(r"\{\w*\}")


def texts_in(node: ast.AST | None) -> Iterator[str]:
    """The texts that an expression can be, with `{}` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.Call) and called(node) == "translate":
        yield from texts_in(node.args[0])
    elif isinstance(node, ast.IfExp):
        yield from texts_in(node.body)
        yield from texts_in(node.orelse)


def items_in(node: ast.AST | None) -> Iterator[str]:
    """Names and descriptions of the items of an enumeration."""
    for item in node.elts if isinstance(node, (ast.List, ast.Tuple)) else ():
        if isinstance(item, ast.Starred) and isinstance(item.value, ast.GeneratorExp):
            item = item.value.elt
        for part in item.elts[1:3] if isinstance(item, ast.Tuple) else ():
            yield from texts_in(part)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def texts_of_call(node: ast.Call) -> Iterator[str]:
    name = called(node)
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in PROPERTIES:
        yield from texts_in(named.get("name"))
        yield from texts_in(named.get("description"))
        yield from items_in(named.get("items"))
    elif name in ("Problem", "FolderProblem"):
        for part in (*node.args[1:3], named.get("message"), named.get("hint")):
            yield from texts_in(part)
    elif name in ("TrainingMethod", "TrainingPreset"):  # those of older generators
        yield from texts_in(node.args[2 if name == "TrainingPreset" else 3])
    elif name == "ConnectionTest":
        yield from texts_in(named.get("sentence"))
    elif name == "Exporter":
        yield from texts_in(node.args[4])
    elif name in FIRST_SHOWN and node.args:
        yield from texts_in(node.args[0])
    elif name in ("draw_sentence", "_draw_lines"):
        yield from texts_in(node.args[1])
    elif name in DRAWN:
        yield from texts_in(named.get("text"))
    elif name == "report" and len(node.args) == 2:
        yield from texts_in(node.args[1])


def texts_of_class(node: ast.ClassDef) -> Iterator[str]:
    """Label and, of operators, the docstring, which Blender shows beside the mouse."""
    own = {part.targets[0].id: part.value for part in node.body if isinstance(part, ast.Assign)}  # type: ignore[attr-defined]
    yield from texts_in(own.get("bl_label"))
    if "bl_idname" in own and "_OT_" in node.name:
        yield ast.get_docstring(node) or ""


def texts_of_table(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    name = getattr(target, "id", "")
    if name in WORD_TABLES and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            yield from texts_in(value)
    if name in ITEM_TABLES:
        yield from items_in(node.value)


def shown_texts() -> dict[str, str]:
    """Every text that artists see, and a file that has it."""
    found: dict[str, str] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts: Iterator[str] = iter(())
            if isinstance(node, ast.Call):
                texts = texts_of_call(node)
            elif isinstance(node, ast.ClassDef):
                texts = texts_of_class(node)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                texts = texts_of_table(node)
            for text in texts:
                words = GAP.sub("", text)
                if any(letter.isalpha() for letter in words) and not NOT_FOR_ARTISTS.fullmatch(text):
                    found.setdefault(text, path.name)
    return found


def table(language: str) -> dict[str, str]:
    spec = importlib.util.spec_from_file_location(language, ADDON / "translations" / f"{language}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.TABLE)


def test_texts_are_found() -> None:
    texts = shown_texts()
    for text in ("Generate", "Ready", "There is no folder {}.", "Connect first", "{time} left", "For 3D printers"):
        assert text in texts
    assert len(texts) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    translated = table(language)
    missing = {text: file for text, file in shown_texts().items() if text not in translated}
    assert not missing, "add these to translations/" + language + ".py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_gaps_are_the_same(language: str) -> None:
    for text, translated in table(language).items():
        assert sorted(GAP.findall(text)) == sorted(GAP.findall(translated)), text
        assert translated.strip() == translated


IN_BLENDER = """
import sys, bpy
sys.path.insert(0, {scripts!r})
from blender_addon import translation
translation.register()
view = bpy.context.preferences.view
names = [name for name in translation.TABLES if name in bpy.app.translations.locales]
assert names, bpy.app.translations.locales
view.language = names[0]
view.use_translate_interface = True
print("SAID", translation.translate("out of reach"))
print("SAID", translation.translate("The mesh has 300 faces, and the limit in the preferences is 200."))
print("SAID", translation.translate("Nobody knows this text"))
print("SAID", bpy.app.translations.pgettext_iface("Roll Seed", "Operator"))
translation.unregister()
print("SAID", translation.translate("out of reach"))
"""


def test_blender_speaks_german(tmp_path: Path) -> None:
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("no Blender program here; its module has no languages")
    script = tmp_path / "speak.py"
    script.write_text(IN_BLENDER.format(scripts=str(CHECKOUT)), encoding="utf-8")
    environment = os.environ | {"BLENDER_USER_CONFIG": str(tmp_path), "BLENDER_USER_SCRIPTS": str(tmp_path)}
    command = [blender, "-b", "--factory-startup", "--python-exit-code", "3", "-P", str(script)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    said = [line.removeprefix("SAID ") for line in ran.stdout.splitlines() if line.startswith("SAID ")]
    assert said == [
        "außer Reichweite",
        "Das Mesh hat 300 Flächen, und die Grenze in den Einstellungen ist 200.",
        "Nobody knows this text",
        "Startwert würfeln",
        "out of reach",
    ], ran.stdout + ran.stderr
