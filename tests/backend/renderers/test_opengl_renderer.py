# SPDX-License-Identifier: Apache-2.0
"""What OpenGL draws, by hand-computed values; that it agrees with Blender stands in tests/renderer_agreement."""

from __future__ import annotations

import ctypes
import math
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh

from unrender.errors import ConfigurationError, OpenGLNotFoundError, RenderError
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.surface import extract_surface
from unrender.methods import train
from unrender.methods.voxel_gan.config import load_config
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.renderers.base import PendingRender, RenderedImages, Renderer
from unrender.renderers.off_the_shelf import opengl_context
from unrender.renderers.off_the_shelf.opengl_renderer import OpenGLRenderer

FRONT = Cameras(torch.zeros(1), torch.zeros(1), 1.0)
SIZE = 32


def as_mesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(shape.vertices, np.float32), np.asarray(shape.faces, np.int32))


def box(width: float, depth: float, height: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    shape = trimesh.creation.box((width, depth, height))
    shape.apply_translation(centre)
    return as_mesh(shape)


@pytest.fixture(scope="module")
def renderer() -> Iterator[OpenGLRenderer]:
    with OpenGLRenderer(SIZE, passes=("depth", "normal"), smooth=False) as renderer:
        yield renderer


def assert_equal(first: RenderedImages, second: RenderedImages, tolerance: float = 0.0) -> None:
    for name in ("rgb", "alpha", "depth", "normal"):
        one, other = getattr(first, name), getattr(second, name)
        torch.testing.assert_close(one, other, atol=tolerance, rtol=0.0)


def test_a_box_from_the_front(renderer: OpenGLRenderer) -> None:
    """A quarter of the frame wide, half of it high, its front 0.1 before the origin."""
    images = renderer.render([box(0.25, 0.2, 0.5)], FRONT, IGGAN_LIGHTING)
    assert images.depth is not None
    assert images.normal is not None
    expected = torch.zeros(SIZE, SIZE)
    expected[8:24, 12:20] = 1.0
    torch.testing.assert_close(images.alpha[0, 0], expected)
    radiance = 0.15 + 0.45 * 0.5 + 0.45 * 0.5
    torch.testing.assert_close(images.rgb[0], (radiance * expected).expand(3, -1, -1))
    torch.testing.assert_close(images.depth[0, 0], 1.9 * expected)
    torch.testing.assert_close(images.normal[0], torch.stack([0 * expected, 0 * expected, expected]))


def test_four_samples_a_pixel_average_at_the_outline() -> None:
    """A quarter turn is on pixel borders; the outline of a turned box is a line of fractions, not of steps."""
    turned = trimesh.creation.box((0.5, 0.5, 0.5))
    turned.apply_transform(trimesh.transformations.rotation_matrix(0.3, (0, 1, 0)))
    shape = [as_mesh(turned)]
    with OpenGLRenderer(SIZE, smooth=False) as fine, OpenGLRenderer(SIZE, samples=1) as coarse:
        smooth = fine.render(shape, FRONT, IGGAN_LIGHTING)
        hard = coarse.render(shape, FRONT, IGGAN_LIGHTING)
    assert set(smooth.alpha.unique().tolist()) == {0.0, 0.25, 0.5, 0.75, 1.0}
    assert set(hard.alpha.unique().tolist()) == {0.0, 1.0}
    assert float(smooth.alpha.mean()) == pytest.approx(0.25, abs=0.005)
    assert float(hard.alpha.mean()) == pytest.approx(0.25, abs=0.02)
    ratio = smooth.rgb[:, :1][smooth.alpha > 0] / smooth.alpha[smooth.alpha > 0]
    torch.testing.assert_close(ratio, torch.full_like(ratio, float(ratio[0])), atol=1e-5, rtol=0)  # premultiplied
    assert smooth.depth is None
    assert smooth.normal is None


@pytest.mark.parametrize("field_of_view", [None, math.radians(50.0)], ids=["orthographic", "perspective"])
def test_a_view_of_a_batch_is_the_view_alone(renderer: OpenGLRenderer, field_of_view: float | None) -> None:
    """Also where a shape leaves its frame: nothing of it may show in the neighbours' images."""
    meshes = [box(0.3, 0.2, 0.1), box(3.0, 0.1, 0.1), box(0.1, 0.1, 3.0), box(0.2, 1.5, 0.4), box(0.1, 0.1, 0.1)]
    law = ViewLaw(width=0.9, field_of_view=field_of_view)
    cameras = law.sample(len(meshes), torch.Generator().manual_seed(1))
    together = renderer.render(meshes, cameras, IGGAN_LIGHTING)
    assert bool((together.alpha.flatten(1).mean(dim=1) > 0.005).all())
    for index, mesh in enumerate(meshes):
        alone = renderer.render([mesh], cameras[index : index + 1], IGGAN_LIGHTING)
        chosen = slice(index, index + 1)
        assert together.depth is not None
        assert together.normal is not None
        part = RenderedImages(
            together.rgb[chosen], together.alpha[chosen], together.depth[chosen], together.normal[chosen]
        )
        # Tiles lie at other places, so that single edge samples may fall to the other side.
        for name, tolerance in (("alpha", 0.25), ("rgb", 0.3)):
            difference = (getattr(part, name) - getattr(alone, name)).abs()
            assert float(difference.max()) <= tolerance
            assert int((difference > 1e-4).sum()) <= 6
        assert alone.depth is not None
        assert int(((part.depth - alone.depth).abs() > 1e-4).sum()) <= 2


def test_more_views_than_a_framebuffer_holds() -> None:
    """1024 pixels leave four tiles."""
    meshes = [box(0.1 * (index + 1), 0.2, 0.3) for index in range(6)]
    with OpenGLRenderer(1024, samples=1) as renderer:
        images = renderer.render(meshes, Cameras(torch.zeros(6), torch.zeros(6), 1.0), IGGAN_LIGHTING)
    expected = torch.tensor([0.1 * (index + 1) * 0.3 for index in range(6)])
    torch.testing.assert_close(images.alpha.mean(dim=(1, 2, 3)), expected, atol=2e-3, rtol=0.0)


def test_grids_are_their_surfaces(renderer: OpenGLRenderer) -> None:
    """Grids leave out faces that are seen from behind; meshes do not, which shows nowhere on a closed surface."""
    grid = torch.zeros(2, 1, 16, 16, 16, dtype=torch.bool)
    grid[:, :, 4:12, 6:9, 3:7] = True
    grid[1, :, 5:7, 6:14, 7:13] = True
    cameras = Cameras(torch.tensor([0.5, 3.0]), torch.tensor([0.4, -0.3]), 1.1)
    centred = 0.5 * (grid.float() + _blurred(grid))
    meshes = [extract_surface(field[0].numpy()) for field in centred]
    assert_equal(renderer.render(grid, cameras, IGGAN_LIGHTING), renderer.render(meshes, cameras, IGGAN_LIGHTING), 1e-6)


def _blurred(grid: torch.Tensor) -> torch.Tensor:
    line = torch.tensor([0.25, 0.5, 0.25])
    kernel = line[:, None, None] * line[None, :, None] * line[None, None, :]
    return torch.nn.functional.conv3d(grid.float(), kernel[None, None], padding=1)


def test_a_camera_inside_of_a_closed_shape_sees_its_walls(renderer: OpenGLRenderer) -> None:
    """Faces seen from behind are left out only where something in front hides them."""
    wide = Cameras(torch.zeros(1), torch.zeros(1), 1.0, math.radians(100.0))
    assert wide.distance < 0.5
    with OpenGLRenderer(SIZE, passes=("depth", "normal"), smooth=False, closed=True) as closed:
        for shape in (box(0.9, 0.95, 0.9), box(0.2, 0.2, 0.2)):
            images = closed.render([shape], wide, IGGAN_LIGHTING)
            assert_equal(images, renderer.render([shape], wide, IGGAN_LIGHTING))
            assert float(images.alpha.max()) == 1.0


def test_a_single_sheet_is_lit_on_the_side_that_is_seen(renderer: OpenGLRenderer) -> None:
    corners = np.array([[-0.25, 0, -0.25], [0.25, 0, -0.25], [0.25, 0, 0.25], [-0.25, 0, 0.25]], np.float32)
    sheet = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    other = Mesh(corners, sheet.faces[:, ::-1].copy())
    both = Cameras(torch.zeros(2), torch.zeros(2), 1.0)
    images = renderer.render([sheet, other], both, IGGAN_LIGHTING)
    assert images.normal is not None
    assert float(images.rgb[0, 0, 16, 16]) == pytest.approx(0.6, abs=1e-5)
    torch.testing.assert_close(images.rgb[0], images.rgb[1])
    torch.testing.assert_close(images.normal[:, :, 16, 16], torch.tensor([[0.0, 0.0, 1.0]] * 2))


def test_smooth_normals_turn_over_a_sphere() -> None:
    ball = as_mesh(trimesh.creation.icosphere(subdivisions=3, radius=0.4))
    across = (torch.arange(SIZE) + 0.5) / SIZE - 0.5
    radii = torch.stack([across.expand(SIZE, -1), -across[:, None].expand(-1, SIZE)]) / 0.4
    inside = radii.norm(dim=0) < 0.9
    expected = torch.cat([radii, (1 - (radii**2).sum(dim=0)).clamp(min=0).sqrt()[None]])[:, inside]
    for smooth, within in ((True, 0.01), (False, 0.2)):
        with OpenGLRenderer(SIZE, passes=("normal",), smooth=smooth) as renderer:
            images = renderer.render([ball], FRONT, IGGAN_LIGHTING)
        assert images.normal is not None
        assert images.depth is None
        difference = (images.normal[0][:, inside] - expected).norm(dim=0)
        assert float(difference.max()) < within
        assert (float(difference.max()) > 0.03) is not smooth


@pytest.mark.parametrize("lights", [0, 1, 3])
def test_any_number_of_lights(renderer: OpenGLRenderer, lights: int) -> None:
    directions = ((0.0, 0.0, 1.0), (0.0, 0.6, 0.8), (0.0, 0.0, -1.0))[:lights]
    lighting = Lighting(directions, (0.3, 0.5, 7.0)[:lights], ambient=0.1)
    images = renderer.render([box(0.4, 0.4, 0.4)], FRONT, lighting)
    assert float(images.rgb[0, 1, 16, 16]) == pytest.approx((0.1, 0.4, 0.8, 0.8)[lights], abs=1e-6)


def test_bright_light_is_neither_clipped_nor_rounded(renderer: OpenGLRenderer) -> None:
    lighting = Lighting(((0.0, 0.0, 1.0),), (12.345678,), ambient=0.0001)
    images = renderer.render([box(0.4, 0.4, 0.4)], FRONT, lighting)
    assert float(images.rgb[0, 0, 16, 16]) == pytest.approx(12.345778, rel=1e-6)


def test_nothing_gives_empty_images(renderer: OpenGLRenderer) -> None:
    empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    for shapes in ([empty], torch.zeros(1, 1, 8, 8, 8, dtype=torch.bool)):
        images = renderer.render(shapes, FRONT, IGGAN_LIGHTING)
        assert images.depth is not None
        assert float(images.rgb.max()) == float(images.alpha.max()) == float(images.depth.max()) == 0.0
    both = Cameras(torch.zeros(2), torch.zeros(2), 1.0)
    images = renderer.render([empty, box(0.5, 0.5, 0.5)], both, IGGAN_LIGHTING)
    assert images.alpha.mean(dim=(1, 2, 3)).tolist() == [0.0, 0.25]


def test_many_threads_may_ask(renderer: OpenGLRenderer) -> None:
    """The context belongs to the renderer's own thread, whoever calls."""
    rendered: dict[int, RenderedImages] = {}

    def ask(number: int) -> None:
        rendered[number] = renderer.render([box(0.125 * number, 0.2, 0.5)], FRONT, IGGAN_LIGHTING)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: float(images.alpha.mean()) for number, images in rendered.items()} == {
        number: 0.0625 * number for number in range(1, 5)
    }


def test_it_keeps_the_renderers_contract(renderer: OpenGLRenderer) -> None:
    assert isinstance(renderer, Renderer)
    assert renderer.differentiable is False
    pending = renderer.submit([box(0.5, 0.5, 0.5)], FRONT, IGGAN_LIGHTING)
    assert isinstance(pending, PendingRender)
    assert pending.result(timeout=60.0).rgb.shape == (1, 3, SIZE, SIZE)
    assert pending.done()
    assert pending.render_seconds > 0


@pytest.mark.parametrize(
    ("mesh", "lighting", "message"),
    [
        (Mesh(np.full((3, 3), np.nan, np.float32), np.array([[0, 1, 2]], np.int32)), IGGAN_LIGHTING, "not all finite"),
        (Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 3]], np.int32)), IGGAN_LIGHTING, r"does not have \(3\)"),
        (Mesh(np.zeros((3, 3), np.float32), np.array([[-1, 1, 2]], np.int32)), IGGAN_LIGHTING, "does not have"),
        (
            box(1, 1, 1),
            Lighting(((0.0, 0.0, 1.0),), (1.0,), 0.0, shadows=True),
            'shadows. Use renderer.kind = "blender"',
        ),
    ],
    ids=["not finite", "missing vertex", "negative vertex", "shadows"],
)
@pytest.mark.parametrize("smooth", [True, False])
def test_what_it_cannot_draw_is_said(mesh: Mesh, lighting: Lighting, message: str, smooth: bool) -> None:
    with OpenGLRenderer(SIZE, smooth=smooth) as renderer:
        with pytest.raises(RenderError, match=message):
            renderer.render([mesh], FRONT, lighting)
        after = renderer.render([box(0.5, 0.5, 0.5)], FRONT, IGGAN_LIGHTING)
    assert float(after.alpha.mean()) == 0.25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 3}, "3 samples a pixel were asked for; this OpenGL has 1, 2, 4"),
        ({"samples": 4096}, "4096 samples a pixel were asked for"),
        ({"size": 0}, "The image size is 0; this OpenGL draws 1 to"),
        ({"size": 10**6}, "The image size is 1000000; this OpenGL draws 1 to"),
        ({"passes": ("flow",)}, "OpenGL has no pass flow; expected some of depth, normal"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        OpenGLRenderer(**options)


def test_shapes_and_cameras_come_in_pairs(renderer: OpenGLRenderer) -> None:
    with pytest.raises(ValueError, match="2 shapes came with 1 cameras"):
        renderer.submit([box(1, 1, 1)] * 2, FRONT, IGGAN_LIGHTING)
    with pytest.raises(ValueError, match="No shapes came"):
        renderer.submit([], FRONT[:0], IGGAN_LIGHTING)


def test_closed_renderers_render_no_more() -> None:
    renderer = OpenGLRenderer(SIZE)
    blocks = torch.ones(16, 1, 64, 64, 64, dtype=torch.bool)
    views = Cameras(torch.zeros(16), torch.zeros(16))
    pending = [renderer.submit(blocks, views, IGGAN_LIGHTING) for _ in range(3)]
    renderer.close()
    renderer.close()
    with pytest.raises(RenderError, match="closed before this batch"):
        pending[-1].result()
    with pytest.raises(RenderError, match="is closed"):
        renderer.submit(blocks, views, IGGAN_LIGHTING)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(OpenGLNotFoundError, match=r'pip install "unrender\[opengl\]"'):
        OpenGLRenderer(SIZE)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="EGL and OSMesa are Linux's")


@linux
def test_without_any_opengl_it_says_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"libgl": "libGL.so.1", "libegl": "libMissing.so"}
    monkeypatch.setattr(opengl_context, "_LIBRARIES", missing)
    monkeypatch.setattr(opengl_context, "_open_osmesa", lambda library: ctypes.CDLL("libOSMesaMissing.so"))
    with pytest.raises(OpenGLNotFoundError) as caught:
        OpenGLRenderer(SIZE)
    assert "libMissing.so not loaded" in caught.value.message
    assert "OSMesa (libOSMesaMissing.so" in caught.value.message
    assert "apt-get install libegl1" in caught.value.hint


@linux
def test_osmesa_draws_where_egl_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        ctypes.CDLL("libOSMesa.so.8")
    except OSError:
        pytest.skip("libOSMesa.so.8 is not installed (Debian: libosmesa6)")
    monkeypatch.setattr(opengl_context, "_LIBRARIES", {"libgl": "libGL.so.1", "libegl": "libMissing.so"})
    with OpenGLRenderer(SIZE, passes=("depth",)) as renderer:
        images = renderer.render([box(0.25, 0.2, 0.5)], FRONT, IGGAN_LIGHTING)
    assert "llvmpipe" in renderer.device or "softpipe" in renderer.device
    assert images.depth is not None
    assert float(images.alpha.sum()) == 16 * 8
    assert float(images.depth[0, 0, 16, 16]) == pytest.approx(1.9, abs=1e-5)


def test_one_line_of_a_config_exchanges_the_renderer() -> None:
    renderer = build_renderer(load_config("iggan-32", ("renderer.kind=opengl",)))
    assert isinstance(renderer, OpenGLRenderer)
    renderer.close()
    with pytest.raises(ConfigurationError, match="vulkan"):
        load_config("iggan-32", ("renderer.kind=vulkan",))


def test_a_gan_trains_with_opengl_in_the_loop(tiny: tuple[str, ...], pictures: Path, tmp_path: Path) -> None:
    run = train("voxel_gan", "iggan-32", pictures, tmp_path / "run", (*tiny, "renderer.kind=opengl"))
    assert run.metrics()[-1]["images"] == 48
    assert run.metrics()[-1]["render_seconds"] > 0
