# SPDX-License-Identifier: Apache-2.0
"""The outlines of the volumetric renderers, which know neither depth nor normals, against the exact ones."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from tests.renderer_agreement.closed_forms import Shape, closed_forms
from tests.renderer_agreement.comparison import depart, look
from tests.renderer_agreement.contestants import GRID
from tests.renderer_agreement.rays import Reference
from tests.renderer_agreement.views import PERSPECTIVE, SIZE, views_of_laws
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.renderers.differentiable.volumetric import Volumetric, VolumetricRenderer

FORGIVEN = 4  # pixels of a picture of voxels, whose edges are round
VIEWS = {lens: views_of_laws(("iggan", "sphere"), 1, lens, seed=34) for lens in (None, PERSPECTIVE)}
SHAPES = {shape.name: shape for shape in closed_forms() if shape.name in ("ellipsoid", "letter F")}


@cache
def references(name: str, lens: float | None) -> list[Reference]:
    return [look(SHAPES[name].cast, VIEWS[lens].viewpoint(view)) for view in range(len(VIEWS[lens]))]


@cache
def grids(name: str) -> torch.Tensor:
    shape: Shape = SHAPES[name]
    return torch.from_numpy(shape.voxelise(GRID))[None, None]


# It takes 0.03 world units of the published absorption to hide half of what lies behind; the letter has thinner edges.
@pytest.mark.parametrize(
    ("kind", "density"), [("visual_hull", 64.0), ("absorption", 60.0), ("emission_absorption", 100.0)]
)
@pytest.mark.parametrize("lens", [None, PERSPECTIVE], ids=["orthographic", "perspective"])
@pytest.mark.parametrize("name", SHAPES)
def test_outlines_are_the_exact_ones(kind: Volumetric, density: float, lens: float | None, name: str) -> None:
    views = VIEWS[lens]
    renderer = VolumetricRenderer(kind, SIZE, density)
    alpha = renderer.render(grids(name).expand(len(views), -1, -1, -1, -1), views.cameras(), IGGAN_LIGHTING).alpha
    for view, wanted in enumerate(references(name, lens)):
        departure = depart(wanted, alpha[view, 0].numpy())
        assert departure.lacking <= FORGIVEN
        assert departure.excess <= FORGIVEN
