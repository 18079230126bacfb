# SPDX-License-Identifier: Apache-2.0
"""Every renderer shows the same: outline, depth, normal and shading of shapes without symmetry, from the views that
data sets are made of.

Round and flat shapes with a closed form, and two meshes that people made. No renderer may depart from the exact picture
by more than: the outline, one pixel; depth, 0.5% of the shape's extent; normals, 3 degrees on smooth parts; Lambert's
radiance under the two lights of IG-GAN, 2/255 on flat faces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.renderer_agreement import real_shapes
from tests.renderer_agreement.closed_forms import Shape, boxes, closed_forms
from tests.renderer_agreement.comparison import Departure, depart, look
from tests.renderer_agreement.contestants import GRID, NAMES, Contestant, contestants
from tests.renderer_agreement.rays import Reference
from tests.renderer_agreement.views import PERSPECTIVE, Views, views_of_laws
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.renderers.base import RenderedImages
from unrender.renderers.off_the_shelf.opengl_renderer import OpenGLRenderer

LAWS = ("iggan", "iggan-lvp", "sphere", "turntable", "gan-views")
IMAGES = ("rgb", "alpha", "depth", "normal")
DEPTH, DEGREES, RADIANCE = 0.005, 3.0, 2.0 / 255.0
FORGIVEN = 4  # pixels of a picture of voxels, whose edges are round

FEW = {
    "orthographic": views_of_laws(("iggan", "sphere", "turntable"), 1, None, seed=34),
    "perspective": views_of_laws(("sphere", "gan-views", "iggan-lvp"), 1, PERSPECTIVE, seed=38),
}
MANY = {
    "orthographic": views_of_laws(LAWS, 4, None, seed=9),
    "perspective": views_of_laws(LAWS, 4, PERSPECTIVE, seed=10),
}


@dataclass(frozen=True, slots=True)
class Pictures:
    """What one renderer made of the shapes, all views of one after all views of the other."""

    contestant: Contestant
    views: Views
    shapes: tuple[Shape, ...]
    images: RenderedImages

    def image(self, shape: Shape, view: int) -> dict[str, np.ndarray]:
        index = self.shapes.index(shape) * len(self.views) + view
        named = {name: getattr(self.images, name) for name in IMAGES}
        return {name: stack[index].permute(1, 2, 0).numpy() for name, stack in named.items() if stack is not None}

    def departure(self, shape: Shape, view: int) -> tuple[Departure, Reference, dict[str, np.ndarray]]:
        image = self.image(shape, view)
        wanted = reference(shape, self.views, view)
        return depart(wanted, image["alpha"][..., 0], image["depth"][..., 0], image.get("normal")), wanted, image


@cache
def all_shapes(data: Path | None) -> tuple[Shape, ...]:
    real = [] if data is None else [real_shapes.spot(data), real_shapes.chair(data)]
    return (*closed_forms(), *real)


@cache
def reference(shape: Shape, views: Views, view: int) -> Reference:
    return look(shape.cast, views.viewpoint(view))


def render(contestant: Contestant, shapes: tuple[Shape, ...], views: Views) -> Pictures:
    renderer = contestant.open()
    try:
        if contestant.takes_grids:
            shapes = tuple(shape for shape in shapes if shape.inside is not None)
            parts = []
            for shape in shapes:
                grid = torch.from_numpy(shape.voxelise(GRID))[None, None]
                for view in range(len(views)):
                    parts.append(renderer.render(grid, views.cameras()[view : view + 1], IGGAN_LIGHTING))
            stacks = (
                torch.cat([getattr(part, name) for part in parts]) for name in ("rgb", "alpha", "depth", "normal")
            )
            return Pictures(contestant, views, shapes, RenderedImages(*stacks))
        meshes = [shape.mesh for shape in shapes for _ in range(len(views))]
        return Pictures(contestant, views, shapes, renderer.render(meshes, views.cameras(len(shapes)), IGGAN_LIGHTING))
    finally:
        renderer.close()


@pytest.fixture(scope="session")
def data() -> Path | None:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="module", params=FEW)
def lens(request: pytest.FixtureRequest) -> str:
    return request.param


def _cases(few: bool) -> list[object]:
    rare = ("workbench of the system",)
    return [pytest.param(name, marks=[] if few and name not in rare else pytest.mark.slow) for name in NAMES]


@pytest.fixture(scope="module", params=_cases(few=True))
def pictures(request: pytest.FixtureRequest, lens: str, blender_python: Path, data: Path | None) -> Pictures:
    return render(contestants(blender_python)[request.param], all_shapes(data), FEW[lens])


def assert_agreement(pictures: Pictures, name: str) -> None:
    """The whole of what is promised, for one shape in all views."""
    shape = next((shape for shape in pictures.shapes if shape.name == name), None)
    if shape is None:
        known_only_as_mesh = name in ("spot", "chair") and pictures.contestant.takes_grids
        pytest.skip("is a mesh, and this renderer takes grids" if known_only_as_mesh else "../shared/data is not there")
    for view in range(len(pictures.views)):
        where = f"{shape.name} by {pictures.contestant.name}, view {np.degrees(pictures.views.angles[view]).round()}"
        departure, wanted, image = pictures.departure(shape, view)
        forgiven = FORGIVEN if pictures.contestant.takes_grids else 0
        assert departure.lacking <= forgiven, f"{where} lacks pixels inside the outline"
        assert departure.excess <= forgiven, f"{where} has pixels outside the outline"
        assert departure.compared.sum() > 0.2 * wanted.silhouette.sum()
        assert departure.depth is not None
        if pictures.contestant.takes_grids:
            assert_near_the_voxels(departure, where)
            continue
        assert departure.depth.max() < DEPTH * shape.extent, where
        if departure.normal is not None:
            assert departure.normal.max() < DEGREES, where
        if pictures.contestant.shades:
            assert_lambert(shape, departure, wanted, image, where)


def assert_near_the_voxels(departure: Departure, where: str) -> None:
    """A binary grid knows where the surface is to half a voxel, and its direction from a few voxels around."""
    assert departure.depth is not None
    assert departure.normal is not None
    assert np.quantile(departure.depth, 0.95) < 1.5 / GRID, where
    assert np.median(departure.normal) < 10.0, where


def assert_lambert(
    shape: Shape, departure: Departure, wanted: Reference, image: dict[str, np.ndarray], where: str
) -> None:
    """Flat faces have the closed form's radiance; a pixel of a round surface has some average of what it shows."""
    got = image["rgb"][departure.compared]
    if not shape.smooth:
        assert np.abs(got - lambert(wanted.normal[departure.compared])[:, None]).max() < RADIANCE, where
        return
    assert wanted.normals is not None
    shown = lambert(wanted.normals[departure.compared])
    darkest, brightest = shown.min(axis=1, keepdims=True), shown.max(axis=1, keepdims=True)
    outside = np.maximum(darkest - got, got - brightest)
    assert outside.max() < RADIANCE, where


def lambert(normals: np.ndarray) -> np.ndarray:
    """Radiance [...] of camera-frame normals [..., 3]."""
    flat = torch.from_numpy(normals.reshape(-1, 3)).float().T[None]
    return IGGAN_LIGHTING.shade(flat).numpy().reshape(normals.shape[:-1])


SHAPES = ("ellipsoid", "stepped box", "torus", "letter F", "spot", "chair")


@pytest.mark.parametrize("name", SHAPES)
def test_outline_depth_normal_and_shading(pictures: Pictures, name: str) -> None:
    assert_agreement(pictures, name)


@pytest.mark.slow
@pytest.mark.parametrize("lens", MANY)
@pytest.mark.parametrize("contestant", NAMES)
def test_in_many_views(contestant: str, lens: str, blender_python: Path, data: Path | None) -> None:
    pictures = render(contestants(blender_python)[contestant], all_shapes(data), MANY[lens])
    for shape in pictures.shapes:
        assert_agreement(pictures, shape.name)


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in ("spot", "chair")])
@pytest.mark.parametrize("axis", ["left and right", "up and down", "front and back"])
def test_a_mirrored_picture_would_be_noticed(name: str, axis: str) -> None:
    """What the comparison is worth: the exact picture itself passes, its mirror images do not."""
    shape = next(shape for shape in all_shapes(None) if shape.name == name)
    views = FEW["orthographic"]
    for view in range(len(views)):
        wanted = reference(shape, views, view)
        same = depart(wanted, wanted.silhouette, wanted.depth, wanted.normal)
        assert (same.lacking, same.excess) == (0, 0)
        assert same.depth is not None
        assert same.depth.max() == 0.0
        if axis == "front and back":
            size = wanted.depth.max() - wanted.depth[wanted.silhouette].min()
            turned = depart(wanted, wanted.silhouette, 2 * views.cameras().distance - wanted.depth, wanted.normal)
            assert turned.depth is not None
            assert np.quantile(turned.depth, 0.5) > 0.05 * size
            continue
        flip = (slice(None), slice(None, None, -1)) if axis == "left and right" else (slice(None, None, -1),)
        mirrored = depart(wanted, wanted.silhouette[flip], wanted.depth[flip], wanted.normal[flip])
        assert mirrored.lacking + mirrored.excess > 20
        components = wanted.normal * ([-1, 1, 1] if axis == "left and right" else [1, -1, 1])
        negated = depart(wanted, wanted.silhouette, wanted.depth, components)
        assert negated.normal is not None
        assert negated.normal.max() > 20.0


def test_sampled_suns_light_flat_faces_as_the_closed_form_does(blender_python: Path) -> None:
    """Cycles picks one of the suns at random for every sample, so that only the mean over a face is exact."""
    block = boxes("block", np.array([[(-0.3, -0.2, -0.25), (0.3, 0.2, 0.25)]]))
    suns = replace(IGGAN_LIGHTING, shadows=True)
    views = Views(((0.6, -0.5), (-2.2, 0.3)), None)
    renderer = contestants(blender_python)["cycles"].open()
    try:
        images = renderer.render([block.mesh] * len(views), views.cameras(), suns)
    finally:
        renderer.close()
    for view in range(len(views)):
        wanted = look(block.cast, views.viewpoint(view))
        departure = depart(wanted, images.alpha[view, 0].numpy())
        for face in np.unique(wanted.face[departure.compared]):
            seen = departure.compared & (wanted.face == face)
            assert seen.sum() > 100
            got = images.rgb[view].permute(1, 2, 0).numpy()[seen].mean()
            assert got == pytest.approx(float(lambert(wanted.normal[seen][0])), abs=RADIANCE)


def test_opengl_draws_a_flat_mesh_flat_and_a_smooth_one_smooth() -> None:
    """Flat shading of a mesh with shared corners is what Blender draws of one whose faces have their own."""
    round_shape = all_shapes(None)[0]
    views = FEW["orthographic"]
    shared, own = round_shape.mesh, real_shapes.with_own_corners(round_shape.mesh)
    images = []
    for mesh, smooth in ((shared, False), (own, True)):
        with OpenGLRenderer(96, passes=("normal",), smooth=smooth) as renderer:
            images.append(renderer.render([mesh] * len(views), views.cameras(), _one_light()))
    torch.testing.assert_close(images[0].rgb, images[1].rgb, atol=1e-5, rtol=0.0)


def _one_light() -> Lighting:
    return Lighting(((0.36, 0.48, 0.8),), (0.7,), 0.2)


def test_views_are_of_all_sides() -> None:
    """Not only frontal: azimuths all round, from above and below."""
    azimuth, elevation = np.degrees([angle for views in FEW.values() for angle in views.angles]).T
    assert np.ptp(azimuth) > 150
    assert elevation.min() < -10
    assert elevation.max() > 25
    assert isinstance(FEW["perspective"].cameras(), Cameras)
