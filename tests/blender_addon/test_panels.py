# SPDX-License-Identifier: Apache-2.0
"""The side panel in Blender's own Python: drawn on a layout that checks, in every state; its operators and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from blender_addon.naming import free_name, name_from_folder, plural
from tests.blender_addon.case_runs import CASES, names_of_cases, run_cases

PANEL_CASES = CASES / "panel_cases.py"
FOLDER_CASES = CASES / "folder_cases.py"


@pytest.fixture(scope="module")
def results(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return run_cases(PANEL_CASES, blender_python, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("case", [*names_of_cases(PANEL_CASES), "exit"])
def test_case(results: Mapping[str, str], case: str) -> None:
    assert not results[case], results[case]


@pytest.fixture(scope="module")
def folder_results(blender_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return run_cases(FOLDER_CASES, blender_python, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("case", [*names_of_cases(FOLDER_CASES), "exit"])
def test_case_of_data_sets_in_a_folder(folder_results: Mapping[str, str], case: str) -> None:
    assert not folder_results[case], folder_results[case]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/home/me/Plums (2)/", "plums-2"),
        ("C:\\photos\\Äpfel", "apfel"),
        ("/", "my-model"),
        ("", "my-model"),
        ("/data/写真", "my-model"),
        ("/data/" + "long " * 30, "-".join(["long"] * 9) + "-lon"),
    ],
)
def test_a_model_is_called_by_its_folder(folder: str, name: str) -> None:
    assert name_from_folder(folder, "my-model") == name


def test_a_name_that_is_taken_gets_the_next_number() -> None:
    assert free_name("plums", set()) == "plums"
    assert free_name("plums", {"plums"}) == "plums-2"
    assert free_name("plums", {"plums", "plums-2"}) == "plums-3"
    assert free_name("plums-2", {"plums-2"}) == "plums-3"


def test_words_for_more_than_one() -> None:
    assert [plural(word) for word in ("chair", "couch", "cubes")] == ["chairs", "couches", "cubes"]
