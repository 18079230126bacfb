# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import torch

from tests.backend.methods.voxel_gan.game_for_tests import cpu
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.methods.voxel_gan.proxy.render_buffer import RenderBuffer
from unrender.training.checkpoint import load_checkpoint, save_checkpoint

Pairs = tuple[torch.Tensor, Cameras, torch.Tensor]


def batch(seed: int, count: int = 4) -> Pairs:
    """Solids, cameras and images, of which the first pixel tells the batch and the pair."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 2, 8, 8, generator=generator)
    images[:, 0, 0, 0] = (seed * count + torch.arange(count)) / 255.0
    return torch.rand(count, 1, 5, 5, 5, generator=generator) > 0.5, ViewLaw().sample(count, generator), images


def numbers(pairs: Pairs) -> set[int]:
    return {round(value * 255.0) for value in pairs[2][:, 0, 0, 0].tolist()}


def test_what_is_drawn_is_what_was_added() -> None:
    buffer = RenderBuffer(10, seed=0)
    solids, cameras, images = batch(1)
    buffer.add(0, solids, cameras, images)
    drawn, views, pictures = buffer.draw(3, 10)
    assert len(drawn) == len(buffer) == 4
    for index, number in enumerate(pictures[:, 0, 0, 0].mul(255.0).round().int().tolist()):
        assert torch.equal(drawn[index], solids[number - 4])
        assert views.azimuth[index] == cameras.azimuth[number - 4]
        torch.testing.assert_close(pictures[index], images[number - 4], atol=0.5 / 255.0, rtol=0.0)


def test_a_full_buffer_replaces_random_pairs_and_keeps_some_of_the_old() -> None:
    buffer = RenderBuffer(10, seed=0)
    for step in range(12):
        buffer.add(step, *batch(step))
        assert len(buffer) == min(4 * step + 4, 10)
        assert set(range(4 * step, 4 * step + 4)) <= numbers(buffer.draw(0, 10)), "the newest are there"
    kept = numbers(buffer.draw(0, 10))
    assert len(kept) == 10
    assert min(kept) < 36, "not only the newest two and a half batches"


def test_draws_differ_by_step_and_repeat_within_it() -> None:
    buffer = RenderBuffer(40, seed=0)
    for step in range(10):
        buffer.add(step, *batch(step))
    assert numbers(buffer.draw(5, 4)) == numbers(buffer.draw(5, 4))
    assert len(set().union(*(numbers(buffer.draw(step, 4)) for step in range(10)))) > 15


def test_a_state_goes_through_a_file_and_into_a_smaller_buffer(tmp_path: Path) -> None:
    buffer = RenderBuffer(10, seed=0)
    buffer.add(0, *batch(0, 6))
    save_checkpoint(tmp_path / "state", buffer.state_dict(cpu()), "test")
    state = load_checkpoint(tmp_path / "state", "test")
    same, smaller, empty = RenderBuffer(10, seed=0), RenderBuffer(5, seed=0), RenderBuffer(10, seed=0)
    same.load_state_dict(state, batch(0)[1], cpu())
    smaller.load_state_dict(state, batch(0)[1], cpu())
    empty.load_state_dict({}, batch(0)[1], cpu())
    assert (len(same), len(smaller), len(empty)) == (6, 5, 0)
    for mine, theirs in zip(buffer.draw(2, 4), same.draw(2, 4), strict=True):
        if isinstance(mine, torch.Tensor) and isinstance(theirs, torch.Tensor):
            assert torch.equal(mine, theirs)
    for step in (1, 2):
        buffer.add(step, *batch(step))
        same.add(step, *batch(step))
    assert numbers(buffer.draw(0, 10)) == numbers(same.draw(0, 10))
