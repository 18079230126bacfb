# SPDX-License-Identifier: Apache-2.0
"""The order of a data set: whole passes, seeds, exact resume."""

import pytest

from unrender.data.sampler import InfiniteSampler
from unrender.errors import DataError


def test_every_pass_shows_every_item_once_in_an_order_of_its_own() -> None:
    sampler = InfiniteSampler(50, seed=3)
    first, second = sampler.draw(50).tolist(), sampler.draw(50).tolist()
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


def test_order_depends_on_the_seed_alone() -> None:
    assert InfiniteSampler(100, 1).draw(250).tolist() == InfiniteSampler(100, 1).draw(250).tolist()
    assert InfiniteSampler(100, 1).draw(100).tolist() != InfiniteSampler(100, 2).draw(100).tolist()


def test_batch_size_does_not_change_the_order() -> None:
    whole, parts = InfiniteSampler(7, 5), InfiniteSampler(7, 5)
    assert whole.draw(24).tolist() == [i for size in (1, 2, 16, 5) for i in parts.draw(size).tolist()]
    assert next(whole) == next(parts)


@pytest.mark.parametrize("drawn", [0, 1, 6, 7, 8, 20])
def test_resuming_continues_exactly(drawn: int) -> None:
    sampler = InfiniteSampler(7, seed=9)
    sampler.draw(drawn)
    resumed = InfiniteSampler(7, seed=0)
    resumed.load_state_dict(sampler.state_dict())
    assert resumed.draw(30).tolist() == sampler.draw(30).tolist()


def test_resuming_with_another_data_set_is_refused() -> None:
    with pytest.raises(DataError, match=r"7 images.*8.*folder as it was"):
        InfiniteSampler(8).load_state_dict(InfiniteSampler(7).state_dict())


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (-1, 0), (3, -1)])
def test_a_sampler_needs_items(count: int, seed: int) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        InfiniteSampler(count, seed)
