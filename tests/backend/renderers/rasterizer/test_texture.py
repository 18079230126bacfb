# SPDX-License-Identifier: Apache-2.0
"""Texture sampling: Blender's uv convention, closed forms, PyTorch's own sampler, and the kernels against the
reference."""

from __future__ import annotations

import inspect
import itertools
import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.backend.renderers.rasterizer import shapes
from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.interpolate import interpolate
from unrender.renderers.differentiable.rasterizer.mip import level_sizes, mip_pyramid
from unrender.renderers.differentiable.rasterizer.rasterize import rasterize
from unrender.renderers.differentiable.rasterizer.texture import Filter, Wrap, texture, uv_footprint

SIDES = [(8, 8), (7, 5), (1, 6), (1, 1), (13, 2)]


@dataclass(frozen=True)
class Looks:
    """What `texture` is called with, in float64."""

    uv: Tensor
    image: Tensor
    footprint: Tensor


def looks(height: int = 7, width: int = 5, batch: int = 2, textures: int = 1, seed: int = 0, size: int = 9) -> Looks:
    """uv within and around the texture, with footprints from a tenth of a texel to the whole texture."""
    draw = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=draw, dtype=torch.float64)

    spread = 10.0 ** (2.0 * uniform(batch, 1, size, size + 1) - 2.0)
    return Looks(
        1.6 * uniform(batch, 2, size, size + 1) - 0.3,
        uniform(textures, 3, height, width) - 0.5,
        (uniform(batch, 4, size, size + 1) - 0.5) * spread,
    )


def gradients(given: Looks, filter: Filter, wrap: Wrap, backend: Backend) -> tuple[Tensor, Tensor, Tensor]:
    """The result, and the gradients of uv and of the texture for a fixed upstream gradient."""
    uv, image = given.uv.clone().requires_grad_(True), given.image.clone().requires_grad_(True)
    result = texture(uv, image, footprint=given.footprint, filter=filter, wrap=wrap, backend=backend)
    upstream = torch.linspace(-1.0, 1.0, result.numel(), dtype=result.dtype).reshape(result.shape)
    return result.detach(), *torch.autograd.grad(result, (uv, image), upstream)


def test_uv_is_blender_s() -> None:
    """u to the right, v up, (0, 0) in the lower left corner; images have row 0 at the top."""
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])  # upper left, upper right, lower left, lower right
    uv = torch.tensor([[0.25, 0.75], [0.75, 0.75], [0.25, 0.25], [0.75, 0.25]]).T.reshape(1, 2, 1, 4)
    assert texture(uv, image).flatten().tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_clamped_bilinear_is_grid_sample(height: int, width: int, backend: Backend) -> None:
    given = looks(height, width, textures=2)
    got = gradients(given, "bilinear", "clamp", backend)
    uv, image = given.uv.clone().requires_grad_(True), given.image.clone().requires_grad_(True)
    grid = torch.stack([2.0 * uv[:, 0] - 1.0, 1.0 - 2.0 * uv[:, 1]], dim=-1)
    wanted = functional.grid_sample(image, grid, padding_mode="border", align_corners=False)
    upstream = torch.linspace(-1.0, 1.0, wanted.numel(), dtype=wanted.dtype).reshape(wanted.shape)
    torch.testing.assert_close(got, (wanted.detach(), *torch.autograd.grad(wanted, (uv, image), upstream)))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_repeated_texture_is_its_tiles_side_by_side(backend: Backend) -> None:
    given = looks(6, 5)
    tiled = given.image.tile(1, 1, 3, 3)
    inner = (given.uv + 1.0) / 3.0
    wanted = texture(inner, tiled, backend=backend)
    torch.testing.assert_close(texture(given.uv, given.image, wrap="repeat", backend=backend), wanted)


@pytest.mark.parametrize(("height", "width"), [*SIDES, (16, 16), (11, 21)])
def test_every_level_is_a_box_filter(height: int, width: int) -> None:
    """A texel is the mean over the part of the texture that it covers, by a texture that is constant in tiny cells."""
    image = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    levels = mip_pyramid(image)
    assert [tuple(level.shape[-2:]) for level in levels] == level_sizes(height, width)
    assert levels[-1].shape[-2:] == (1, 1)
    for finer, level in itertools.pairwise(levels):
        torch.testing.assert_close(level.mean((2, 3)), image.mean((2, 3)))
        rows, columns = level.shape[-2:]
        cells = finer.repeat_interleave(rows, 2).repeat_interleave(columns, 3)
        side = (finer.shape[-2], finer.shape[-1])
        torch.testing.assert_close(level, functional.avg_pool2d(cells, side))


@pytest.mark.parametrize("wrap", ["clamp", "repeat"])
@pytest.mark.parametrize("filter", ["bilinear", "mipmap"])
@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize("textures", [1, 2])
def test_the_kernels_are_the_reference(height: int, width: int, textures: int, filter: Filter, wrap: Wrap) -> None:
    given = looks(height, width, textures=textures)
    torch.testing.assert_close(gradients(given, filter, wrap, "cpu"), gradients(given, filter, wrap, "reference"))
    single = Looks(*(getattr(given, name).float() for name in ("uv", "image", "footprint")))
    for got, wanted in zip(
        gradients(single, filter, wrap, "cpu"), gradients(given, filter, wrap, "reference"), strict=True
    ):
        assert got.dtype == torch.float32
        torch.testing.assert_close(got.double(), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("wrap", ["clamp", "repeat"])
@pytest.mark.parametrize("filter", ["bilinear", "mipmap"])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_gradients_are_those_of_central_differences(backend: Backend, filter: Filter, wrap: Wrap) -> None:
    given = looks(6, 5, batch=2, size=3)
    # The gradient of uv jumps where a texel ends: keep clear of that on every level.
    place = torch.linspace(-0.2431, 1.2137, 12, dtype=torch.float64)
    uv = torch.stack([place.reshape(3, 4), place.flip(0).reshape(3, 4) * 0.97]).expand(2, -1, -1, -1).clone()
    assert torch.autograd.gradcheck(
        lambda uv, image: texture(uv, image, footprint=given.footprint, filter=filter, wrap=wrap, backend=backend),
        (uv.requires_grad_(True), given.image.requires_grad_(True)),
    )


def test_a_pixel_as_large_as_the_texture_shows_its_mean_and_a_tiny_one_a_texel() -> None:
    given = looks(16, 16)
    whole = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64).view(1, 4, 1, 1).expand(2, 4, 9, 10)
    shown = texture(given.uv, given.image, footprint=whole, filter="mipmap")
    torch.testing.assert_close(shown, given.image.mean((2, 3), keepdim=True).expand_as(shown))
    sharp = texture(given.uv, given.image, footprint=whole / 17.0, filter="mipmap")
    torch.testing.assert_close(sharp, texture(given.uv, given.image))
    between = texture(given.uv, given.image, footprint=whole / 16.0 * math.sqrt(2.0), filter="mipmap")
    coarser = texture(given.uv, functional.avg_pool2d(given.image, 2))
    torch.testing.assert_close(between, 0.5 * (sharp + coarser))


@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_the_footprint_is_the_difference_between_neighbouring_pixels(backend: Backend, perspective: bool) -> None:
    """Against images 64 times as fine, in which neighbours of one face are a 64th of a pixel apart."""
    coarse, fine = (shapes.icosphere((side, side), batch=2, dtype=torch.float64) for side in (6, 6 * 64))
    uv = torch.rand(1, 50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    uv_faces = torch.randint(0, 50, coarse.faces.shape, generator=torch.Generator().manual_seed(1))
    seen, seen_finely = (rasterize(m.screen, m.faces, m.size, perspective=perspective) for m in (coarse, fine))
    got = uv_footprint(
        uv, coarse.screen, seen, coarse.faces, uv_faces=uv_faces, perspective=perspective, backend=backend
    )
    image = interpolate(uv, seen_finely, uv_faces)
    # The fine pixel right and below of the centre of each coarse one, and its neighbours.
    middle = slice(32, None, 64)
    here, face = image[..., middle, middle], seen_finely.face[:, middle, middle]
    compared = 0
    for axis, number in ((3, 0), (2, 2)):
        step = image.roll(-1, axis)[..., middle, middle] - here
        same = (seen_finely.face.roll(-1, axis - 1)[:, middle, middle] == face) & (face == seen.face) & (face >= 0)
        compared += int(same.sum())
        for item in range(2):
            wanted = 64.0 * step[:, item][same]
            torch.testing.assert_close(got[:, number + item][same], wanted, atol=0.02, rtol=0.05)
    assert compared > 40
    assert (got.permute(0, 2, 3, 1)[seen.face < 0] == 0.0).all()


def test_a_far_checkerboard_is_grey_without_moire() -> None:
    """A plane that runs to the horizon, of cells finer than pixels, against a box filter of 16 x 16 samples a pixel."""
    image = torch.zeros(1, 1, 256, 256)
    image[..., ::2, ::2] = image[..., 1::2, 1::2] = 1.0
    uv, footprint = _plane(32)
    fine, _ = _plane(32 * 16)
    wanted = functional.avg_pool2d(texture(fine, image, wrap="repeat"), 16)
    mipmapped = texture(uv, image, footprint=footprint, filter="mipmap", wrap="repeat")
    bilinear = texture(uv, image, wrap="repeat")
    far = slice(0, 16)
    assert (mipmapped - wanted)[..., far, :].abs().max() < 0.04
    assert (bilinear - wanted)[..., far, :].abs().mean() > 0.1
    assert (mipmapped - wanted).abs().mean() < 0.3 * (bilinear - wanted).abs().mean()


def _plane(size: int) -> tuple[Tensor, Tensor]:
    """uv and footprint of a floor seen from above it, from 1 cell a pixel nearby to hundreds at the horizon."""
    centre = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    row, column = torch.meshgrid(centre, centre, indexing="ij")
    away = 0.25 / (row + 0.02)
    u, v = (column - 0.5) * away, away
    slope = -away / (row + 0.02) / size
    steps = torch.stack([away / size, torch.zeros_like(away), (column - 0.5) * slope, slope])
    return torch.stack([u, v]).float()[None], steps.float()[None]


@pytest.mark.parametrize("filter", ["bilinear", "mipmap"])
def test_the_gradient_is_bitwise_the_same_twice_and_on_any_number_of_threads(filter: Filter) -> None:
    given = looks(9, 9, size=60)
    given = Looks(*(getattr(given, name).float() for name in ("uv", "image", "footprint")))
    first = gradients(given, filter, "repeat", "cpu")
    threads = torch.get_num_threads()
    for count in (threads, 1, threads):
        torch.set_num_threads(count)
        assert all(torch.equal(a, b) for a, b in zip(first, gradients(given, filter, "repeat", "cpu"), strict=True))


@pytest.mark.parametrize("wrap", ["clamp", "repeat"])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_uv_of_any_kind_does_no_harm(backend: Backend, wrap: Wrap) -> None:
    values = [0.3, math.nan, math.inf, -math.inf, 1e30, -1e30, -1e-9, 1.0]
    given = Looks(
        torch.tensor(values).view(1, 1, 1, -1).expand(1, 2, 1, -1).clone(),
        torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(1)),
        torch.tensor([math.nan, math.inf, 0.1, 1e30]).view(1, 4, 1, 1).expand(1, 4, 1, len(values)),
    )
    for filter in ("bilinear", "mipmap"):
        result, of_uv, of_image = gradients(given, filter, wrap, backend)
        assert result.isfinite().all()
        assert of_uv.isfinite().all()
        assert of_image.isfinite().all()
        assert (result[..., 1:4] == 0.0).all()
        assert (of_uv[..., 1:4] == 0.0).all()


def test_images_of_no_pixels_and_second_derivatives() -> None:
    empty = texture(torch.zeros(2, 2, 0, 5), torch.ones(1, 3, 4, 4))
    assert empty.shape == (2, 3, 0, 5)
    image = torch.ones(1, 1, 2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        texture(torch.full((1, 2, 1, 1), 0.4), image).square().sum(), image, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filter": "cubic"}, "filter came as"),
        ({"wrap": "mirror"}, "wrap came as"),
        ({"filter": "mipmap"}, "without a footprint"),
        ({"footprint": torch.zeros(1, 4, 2, 2)}, "footprint came as"),
        ({"image": torch.ones(3, 3, 4, 4)}, "texture came as"),
        ({"image": torch.ones(1, 3, 0, 4)}, "texture came as"),
        ({"image": torch.ones(1, 3, 4, 4, dtype=torch.float64)}, "float64"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"uv": torch.zeros(2, 2, 3, 3), "image": torch.ones(1, 3, 4, 4)}
    with pytest.raises(ValueError, match=message):
        inspect.unwrap(texture)(**(given | change))  # past the shape checking of the tests
