# SPDX-License-Identifier: Apache-2.0
"""Still and re-rendered training pictures: what an item shows in a pass, what is rendered ahead, and what is kept."""

import math
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from unrender.data.image_cache import ImageCache
from unrender.data.rendered_pictures import render_still
from unrender.data.sampler import InfiniteSampler
from unrender.data.shape_sets import ProceduralShapes
from unrender.data.training_pictures import RerenderedPictures, StillPictures, TrainingPictures, views_of
from unrender.errors import CancelledError, DataError
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer

LAW = ViewLaw((-60.0, 60.0), (15.0, 60.0))
SHAPES = ProceduralShapes("chair", 5, 8, first_seed=3)


class Pending:
    def __init__(self, images: Tensor, gate: threading.Event) -> None:
        self.images, self.gate = images, gate

    def result(self) -> Tensor:
        assert self.gate.wait(20)
        return self.images


class Telltale:
    """A renderer whose pictures say what they are of: volume of the grid, azimuth and elevation."""

    def __init__(self) -> None:
        self.batches = 0
        self.submitted = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def submit(self, grid: Tensor, cameras: Cameras) -> Pending:
        self.batches += 1
        self.submitted.set()
        facts = torch.stack([grid.float().sum(dim=(1, 2, 3, 4)), cameras.azimuth, cameras.elevation], dim=1)
        return Pending(facts[:, :, None, None].float().expand(-1, -1, 2, 2), self.gate)


def rerendered(renderer: Telltale, views_per_object: int = 1, seed: int = 7) -> RerenderedPictures:
    return RerenderedPictures(SHAPES, views_per_object, LAW, seed, renderer, (3, 2, 2))


def items(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


def facts(pictures: Tensor) -> list[list[float]]:
    return pictures[:, :, 0, 0].tolist()


def test_a_still_set_shows_the_same_picture_in_every_pass() -> None:
    images = torch.rand(6, 2, 4, 4)
    pictures = StillPictures(images)
    assert isinstance(pictures, TrainingPictures)
    assert (len(pictures), pictures.shape) == (6, (2, 4, 4))
    assert torch.equal(pictures.batch(items(5, 0), items(0, 9)), images[[5, 0]])
    assert torch.equal(pictures.examples(3), images[[0, 2, 5]])
    assert torch.equal(pictures.examples(100), images)


def test_an_item_keeps_its_object_and_changes_its_view_from_pass_to_pass() -> None:
    pictures = rerendered(Telltale(), views_per_object=2)
    assert len(pictures) == 10
    volumes = SHAPES.grids(torch.arange(5)).sum(dim=(1, 2, 3, 4)).tolist()
    first, second = (facts(pictures.batch(items(0, 1, 8, 9), items(k, k, k, k))) for k in (0, 1))
    for pass_facts in (first, second):
        assert [volume for volume, _, _ in pass_facts] == [volumes[0], volumes[0], volumes[4], volumes[4]]
        for _, azimuth, elevation in pass_facts:
            assert abs(azimuth) <= math.radians(60)
            assert math.radians(15) <= elevation <= math.radians(60)
    assert len({azimuth for _, azimuth, _ in first + second}) == 8
    pictures.close()


def test_a_picture_follows_from_seed_pass_and_item_alone() -> None:
    together = rerendered(Telltale()).batch(items(4, 2, 0), items(3, 3, 1))
    alone = rerendered(Telltale()).batch(items(2), items(3))
    assert torch.equal(together[1:2], alone)
    other_seed = rerendered(Telltale(), seed=8).batch(items(2), items(3))
    assert facts(other_seed)[0][1] != facts(alone)[0][1]


def test_views_fill_the_law_evenly() -> None:
    views = views_of(LAW, 0, torch.arange(4000), torch.zeros(4000, dtype=torch.int64))
    azimuth, elevation = views.azimuth.rad2deg(), views.elevation.rad2deg()
    assert abs(float(azimuth.mean())) < 2.5
    assert abs(float(elevation.mean()) - 37.5) < 1.0
    assert abs(float(azimuth.std()) - 120 / math.sqrt(12)) < 1.0
    assert abs(float(elevation.std()) - 45 / math.sqrt(12)) < 0.5


def test_what_is_announced_is_rendered_meanwhile_and_only_once() -> None:
    renderer = Telltale()
    pictures = rerendered(renderer)
    renderer.gate.clear()
    pictures.prefetch(items(1, 2), items(0, 0))  # returns although nothing can be finished
    assert renderer.submitted.wait(20)
    renderer.gate.set()
    pictures.batch(items(1, 2), items(0, 0))
    assert renderer.batches == 1
    pictures.batch(items(1, 2), items(1, 1))
    assert renderer.batches == 2


def test_the_sampler_tells_the_next_batch_and_its_passes() -> None:
    sampler = InfiniteSampler(5, seed=1)
    seen = []
    for size in (3, 3, 3, 12):
        announced = sampler.peek(size)
        drawn = sampler.draw_with_passes(size)
        assert all(torch.equal(a, b) for a, b in zip(announced, drawn, strict=True))
        seen += list(zip(drawn[1].tolist(), drawn[0].tolist(), strict=True))
    assert sorted(seen[:20]) == [(k, item) for k in range(4) for item in range(5)]


def test_examples_are_the_same_each_time() -> None:
    pictures = rerendered(Telltale(), views_per_object=3)
    few = pictures.examples(4)
    assert len(pictures.examples(100)) == 15
    assert torch.equal(pictures.examples(4), few)
    assert torch.equal(few, pictures.batch(items(0, 5, 9, 14), items(0, 0, 0, 0)))


class Forbidden:
    def submit(self, grid: Tensor, cameras: Cameras) -> Pending:
        raise AssertionError("rendered again")


def still(renderer: Telltale | Forbidden, cache: ImageCache | None = None, **changes: object) -> StillPictures:
    settings = {"shapes": SHAPES, "views_per_object": 2, "law": LAW, "seed": 7, "renderer_identity": {"kind": "toy"}}
    return render_still(**(settings | changes), renderer=renderer, cache=cache)  # type: ignore[arg-type]


def test_a_still_set_is_the_first_pass_of_a_re_rendered_one() -> None:
    order = torch.arange(10)
    expected = rerendered(Telltale(), views_per_object=2).batch(order, torch.zeros_like(order))
    torch.testing.assert_close(still(Telltale()).images, expected, atol=0.5, rtol=1e-3)  # kept in 16 bits


def test_a_rendered_set_is_kept_until_anything_it_depends_on_changes(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path)
    first = still(Telltale(), cache)

    assert torch.equal(still(Forbidden(), cache).images, first.images)
    for changes in (
        {"seed": 8},
        {"views_per_object": 1},
        {"law": ViewLaw()},
        {"shapes": ProceduralShapes("chair", 5, 8)},
        {"shapes": ProceduralShapes("chair", 5, 16, 3)},
        {"renderer_identity": {"kind": "other"}},
    ):
        with pytest.raises(AssertionError, match="rendered again"):
            still(Forbidden(), cache, **changes)


def test_a_set_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    shapes = ProceduralShapes("cubes", 130, 8)
    reports: list[tuple[int, int]] = []
    with pytest.raises(CancelledError, match=r"of 130 training pictures"):
        render_still(
            shapes, 1, LAW, 0, Telltale(), {}, ImageCache(tmp_path), lambda *r: reports.append(r), lambda: True
        )
    assert not list(tmp_path.iterdir())
    render_still(shapes, 1, LAW, 0, Telltale(), {}, None, lambda *r: reports.append(r))
    assert reports == [(64, 130), (128, 130), (130, 130)]


def test_the_black_box_of_the_gan_renders_sets() -> None:
    box = BlackBox(RayMarchRenderer(16), IGGAN_LIGHTING, "linear")
    pictures = RerenderedPictures(SHAPES, 1, LAW, 0, box, (2, 16, 16))
    batch = pictures.batch(items(0, 1), items(0, 0))
    views = views_of(LAW, 0, items(0, 1), items(0, 0))
    assert torch.equal(batch, box.render(SHAPES.grids(items(0, 1)), views))
    assert float(batch[:, 1].max()) == 1.0


def test_an_unknown_class_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"'sofa'.*couch"):
        ProceduralShapes("sofa", 5, 8)
