# SPDX-License-Identifier: Apache-2.0
"""Photos of one thing stay together when some are held out."""

import pytest

from unrender.data.photo_groups import group_photos, held_out_groups


def test_a_folder_is_a_thing() -> None:
    sources = ("apple_1/r0_0_100.jpg", "apple_1/r0_9_100.jpg", "apple_2/r0_0_100.jpg")
    assert group_photos(sources) == ("apple_1", "apple_1", "apple_2")


def test_in_one_folder_names_without_their_last_number_are_things() -> None:
    sources = ("pear-3_001.jpg", "pear-3_002.jpg", "pear-4_001.jpg", "plum (1).png", "plum (2).png")
    assert group_photos(sources) == ("pear-3", "pear-3", "pear-4", "plum", "plum")
    below = tuple(f"photos/{source}" for source in sources)
    assert group_photos(below) == group_photos(sources)


def test_numbered_photos_of_one_name_are_a_thing_each() -> None:
    assert group_photos(("IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg")) == ("IMG_0001", "IMG_0002", "IMG_0003")


@pytest.mark.parametrize(
    ("count", "share", "expected"), [(10, 0.0, 0), (10, 0.2, 2), (9, 0.2, 2), (2, 0.01, 1), (2, 0.9, 1), (1, 0.5, 0)]
)
def test_a_share_of_the_things_is_held_out(count: int, share: float, expected: int) -> None:
    groups = tuple(f"thing {index % count}" for index in range(40))
    held_out = held_out_groups(groups, share)
    assert len(held_out) == expected
    assert held_out == held_out_groups(groups[::-1], share)
    assert held_out < set(groups)


def test_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"held_out is 1\.0"):
        held_out_groups(("a", "b"), 1.0)
