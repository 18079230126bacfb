# SPDX-License-Identifier: Apache-2.0
"""The paper's data sets (IG-GAN, section 4.2) as numbers."""

import pytest

from unrender.data.paper_sets import PaperSet, SetSize, known_views, set_size
from unrender.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "category", "expected"),
    [
        ("500", "chair", SetSize(500, 1, False)),
        ("500", "mug", SetSize(500, 1, False)),
        ("one_per_model", "chair", SetSize(6777, 1, False)),
        ("one_per_model", "couch", SetSize(3173, 1, False)),
        ("one_per_model", "bathtub", SetSize(856, 4, False)),  # 3424 pictures
        ("unlimited", "chair", SetSize(6777, 1, True)),
        ("unlimited", "bathtub", SetSize(856, 1, True)),
    ],
)
def test_sizes_of_procedural_sets(name: PaperSet, category: str, expected: SetSize) -> None:
    assert set_size(name, category, is_folder=False) == expected


def test_of_a_folder_all_objects_are_taken() -> None:
    assert set_size("one_per_model", "sofa", is_folder=True) == SetSize(None, 1, False)
    assert set_size("one_per_model", "bathtub", is_folder=True) == SetSize(None, 4, False)
    assert set_size("unlimited", "mug", is_folder=True) == SetSize(None, 1, True)


def test_a_class_without_a_published_size_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"chair, couch, bathtub only, not for 'mug'.*Set data\.objects"):
        set_size("one_per_model", "mug", is_folder=False)


def test_hollow_and_low_things_are_seen_from_above() -> None:
    assert known_views("chair") == {"views.elevation_degrees": [-30.0, 60.0]}
    for category in ("couch", "sofa", "bathtub"):
        assert known_views(category) == {"views.elevation_degrees": [15.0, 60.0]}
    assert known_views("mug") == {}
