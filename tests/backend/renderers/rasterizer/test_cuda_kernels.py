# SPDX-License-Identifier: Apache-2.0
"""The Triton kernels of `rasterize`, `interpolate`, `scatter` and `texture`: where they could differ from the other two
implementations, and that a CUDA device could run them at all."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from tests.backend.renderers.rasterizer.compile_for_cuda import compile_launches, launches
from tests.backend.renderers.rasterizer.shapes import ScreenMesh
from unrender.renderers.differentiable.rasterizer import interpolate, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend, is_interpreted
from unrender.renderers.differentiable.rasterizer.scatter import scatter_corners
from unrender.renderers.differentiable.rasterizer.texture import Filter, Wrap, texture

pytestmark = [
    pytest.mark.skipif(not (is_interpreted() and find_spec("triton")), reason="Triton's interpreter is not there"),
    # numpy, which the interpreter computes with, warns of what faces are left out for.
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]


def uniform(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def drawn(mesh: ScreenMesh, backend: Backend, perspective: bool = True, channels: int = 2) -> list[Tensor]:
    """Fragments, an interpolated image, and the gradients of the screen and of the attributes."""
    screen = mesh.leaf()
    attributes = uniform(*screen.shape[:2], channels, dtype=screen.dtype).requires_grad_(True)
    fragments = rasterize(screen, mesh.faces, mesh.size, perspective=perspective, backend=backend)
    image = interpolate(attributes, fragments, mesh.faces, backend=backend)
    weights = uniform(*image.shape, seed=1, dtype=screen.dtype)
    ((image * weights).sum() + (fragments.depth * weights[:, :1]).sum()).backward()
    assert screen.grad is not None
    assert attributes.grad is not None
    parts = (fragments.face, fragments.barycentrics, fragments.depth, image, screen.grad, attributes.grad)
    return [part.detach() for part in parts]


def looked_up(
    backend: Backend, filter: Filter, wrap: Wrap, size: tuple[int, int] = (7, 5), textures: int = 1
) -> list[Tensor]:
    """A texture sampled at wild places, and the gradients of uv and of the texture."""
    uv = uniform(2, 2, 6, 5) * 3.0 - 1.0
    uv[0, 0, 0, 0], uv[0, 1, 0, 2], uv[1, 0, 3, 3] = torch.nan, torch.inf, -torch.inf
    footprint = uniform(2, 4, 6, 5, seed=1) * 1.4 - 0.7
    footprint[0, 0, 2, 2], footprint[1, :, 3, 3], footprint[1, 2, 4, 4] = torch.nan, 0.001, torch.inf
    uv, image = uv.requires_grad_(True), uniform(textures, 3, *size, seed=2).requires_grad_(True)
    steps = footprint if filter == "mipmap" else None
    sampled = texture(uv, image, footprint=steps, filter=filter, wrap=wrap, backend=backend)
    upstream = uniform(*sampled.shape, seed=3)
    upstream[:, :, 1] = 0.0
    sampled.backward(upstream)
    assert uv.grad is not None
    assert image.grad is not None
    return [sampled.detach(), uv.grad, image.grad]


def assert_alike(found: list[Tensor], expected: list[Tensor], tolerance: float = 1e-5) -> None:
    for one, other in zip(found, expected, strict=True):
        if not one.is_floating_point():
            assert torch.equal(one, other)
        else:
            torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance * float(other.abs().max()))


@pytest.mark.parametrize("perspective", [True, False])
def test_fragments_images_and_gradients_are_the_reference_s(perspective: bool) -> None:
    mesh = shapes.padded(shapes.soup((11, 18), count=12, batch=2))
    assert_alike(drawn(mesh, "cuda", perspective), drawn(mesh, "reference", perspective))


def test_tiles_of_either_side_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = shapes.torus((20, 19), rings=9, sides=6)
    small = drawn(mesh, "cuda")
    monkeypatch.setattr("unrender.renderers.differentiable.rasterizer.cuda.rasterize._FEW_TILES", 0)
    for one, other in zip(small, drawn(mesh, "cuda"), strict=True):
        assert torch.equal(one, other)


def test_more_pairs_than_memory_is_spent_on_are_drawn_in_several_goes() -> None:
    # Each of 120 faces touches all four tiles: more pairs than there are faces and pixels.
    mesh = shapes.triangle((16, 16))
    screen = mesh.screen.repeat(1, 120, 1)
    screen[..., 2] += torch.tensor([3, 1, 2, 1] * 30).repeat_interleave(3)
    many = ScreenMesh(screen, torch.arange(360).reshape(120, 3), mesh.size)
    tiles = importlib.import_module("unrender.renderers.differentiable.rasterizer.cuda.tiles")
    assert len(list(tiles.tile_lists(many.screen, many.faces[None], many.size, 0.0, False, 0.0, 8))) >= 2
    fragments = rasterize(many.screen, many.faces, many.size, backend="cuda")
    assert torch.equal(fragments.face[fragments.covered[:, 0]].unique(), torch.tensor([1], dtype=torch.int32))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_near_plane_is_where_the_dtype_has_it(dtype: torch.dtype) -> None:
    near = float(torch.tensor(0.1, dtype=dtype))
    screen = shapes.triangle((5, 5), dtype=dtype).screen
    screen[..., 2] = near
    faces = torch.tensor([[0, 1, 2]])
    assert rasterize(screen, faces, (5, 5), near=0.1, backend="cuda").covered.any()
    behind = torch.nextafter(screen, torch.zeros_like(screen))
    assert not rasterize(behind, faces, (5, 5), near=0.1, backend="cuda").covered.any()


@pytest.mark.parametrize(("size", "channels", "dtype"), [((80, 80), 1, torch.float32), ((5, 4), 11, torch.float64)])
def test_long_runs_padded_meshes_and_many_channels(size: tuple[int, int], channels: int, dtype: torch.dtype) -> None:
    # At 80 x 80 face 0 is seen by 6,000 pixels: its sum is cut into pieces, and the pieces' ends once more.
    faces = torch.tensor([[[0, 1, 2], [2, 1, 3], [-1, -1, -1]], [[3, 2, 0], [0, 1, 3], [1, 1, 2]]])
    face = torch.zeros(2, *size, dtype=torch.int32)
    face[:, -1], face[1, :2], face[1, 2, 1] = -1, 1, 2
    values = uniform(2, *size, 3, channels, dtype=dtype)
    found, expected = (scatter_corners(values, face, faces, 4, backend=name) for name in ("cuda", "reference"))
    assert_alike([found], [expected])


def test_a_gradient_that_is_no_number_stays_with_its_own_vertices() -> None:
    faces = torch.tensor([[[0, 1, 2], [3, 4, 5]]])
    face = torch.tensor([[[0, 1, 0, 1]]], dtype=torch.int32)
    values = torch.ones(1, 1, 4, 3, 1)
    values[0, 0, 2, 0], values[0, 0, 2, 1] = torch.nan, torch.inf
    summed = scatter_corners(values, face, faces, 6, backend="cuda").flatten()
    assert summed[0].isnan()
    assert summed[1:].tolist() == [torch.inf, 2.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("wrap", ["clamp", "repeat"])
@pytest.mark.parametrize("filter", ["bilinear", "mipmap"])
@pytest.mark.parametrize(("size", "textures"), [((7, 5), 2), ((1, 6), 1), ((8, 4), 1), ((1, 1), 2)])
def test_textures_are_the_reference_s(size: tuple[int, int], textures: int, filter: Filter, wrap: Wrap) -> None:
    found = looked_up("cuda", filter, wrap, size, textures)
    assert_alike(found, looked_up("reference", filter, wrap, size, textures))


@pytest.mark.parametrize(
    "run",
    [
        lambda: drawn(shapes.icosphere((13, 12)), "cuda"),
        lambda: looked_up("cuda", "mipmap", "repeat"),
    ],
    ids=["mesh", "texture"],
)
def test_all_is_equal_to_the_last_bit_twice(run: Callable[[], list[Tensor]]) -> None:
    for one, other in zip(run(), run(), strict=True):
        assert torch.equal(one, other)


def _launch_all(dtype: torch.dtype, index: torch.dtype, batch: int) -> None:
    """Every kernel, in sizes that Triton compiles differently: ones become constants, and so do multiples of 16."""
    size = (5, 1) if batch == 1 else (4, 16)
    mesh = shapes.cube(size, batch=batch, dtype=dtype)
    screen, faces = mesh.leaf(), mesh.faces.to(index)
    fragments = rasterize(screen, faces, size, perspective=batch > 1, cull=batch > 1, backend="cuda")
    image = interpolate(uniform(1, 8, batch, dtype=dtype).requires_grad_(True), fragments, faces, backend="cuda")
    (image.sum() + fragments.depth.sum()).backward()
    for steps in (None, torch.full((batch, 4, *size), 0.4, dtype=dtype)):
        uv = uniform(batch, 2, *size, dtype=dtype).requires_grad_(True)
        texels = uniform(1, batch, 3, 4 - batch, dtype=dtype).requires_grad_(True)
        wrap: Wrap = "clamp" if steps is None else "repeat"
        filter: Filter = "bilinear" if steps is None else "mipmap"
        texture(uv, texels, footprint=steps, filter=filter, wrap=wrap, backend="cuda").sum().backward()


def test_every_kernel_compiles_for_a_cuda_device() -> None:
    with launches() as found:
        _launch_all(torch.float32, torch.int64, 1)
    sizes = compile_launches(found, 90)
    assert len(sizes) >= 15
    assert max(size["shared"] for size in sizes.values()) <= 48 << 10  # bytes that any device has


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [80, 90])
def test_every_variant_of_the_kernels_compiles_for_cuda_devices(architecture: int) -> None:
    with launches() as found:
        for dtype in (torch.float32, torch.float64):
            _launch_all(dtype, torch.int32, 1)
            _launch_all(dtype, torch.int64, 2)
    compile_launches(found, architecture)


def test_triton_is_imported_when_it_is_needed_only(checkout: Path) -> None:
    script = "import sys, unrender.renderers.differentiable.rasterizer; sys.exit('triton' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], cwd=checkout, check=True, timeout=300)


def test_without_triton_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = importlib.import_module("unrender.renderers.differentiable.rasterizer.cuda")
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(ImportError, match="pip install triton"):
        importlib.reload(cuda)
