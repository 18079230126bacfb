# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from tests.backend.methods.textured_mesh_gan.measuring.scenes_for_tests import spheres, tiny_config
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.measuring.turning import turn_figures
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.networks.scene_generator import Scene
from unrender.training.progress import ignore_progress, never_cancelled
from unrender.training.work import Work


def _figures(scenes: Scene) -> dict[str, float]:
    config = tiny_config("image_size=32", "discriminator.channels=[8,8,8,8]", "generator.mesh_cells=16")
    work = Work(ignore_progress, never_cancelled)
    return turn_figures(scenes, PictureMaker(config), ViewPrior(config.views), load_feature_classifier(), work)


def _greys() -> torch.Tensor:
    return torch.linspace(0.1, 0.95, 4)[:, None].expand(-1, 3)


def test_spheres_of_one_colour_keep_their_identity_whatever_their_backgrounds() -> None:
    figures = _figures(spheres(_greys(), cells=16))
    assert figures["identity_recall"] > 0.95
    # The mesh is no perfect sphere, and a pixel more or less is covered.
    assert figures["identity_share"] > 0.99
    assert figures["identity_within"] > 0.999 > figures["identity_between"]
    assert figures["identity_colour_share"] > 0.999
    assert figures["identity_colour_recall"] == 1.0


def test_a_sphere_has_no_front() -> None:
    figures = _figures(spheres(_greys(), cells=16))
    assert figures["view_agreement"] == pytest.approx(figures["view_turned"], abs=0.01)
    assert figures["view_agreement"] > 0.85


def _noses(angles: list[float]) -> Scene:
    """Spheres with a bump that stands out at these angles about the vertical, from the front."""
    sphere = torch.from_numpy(octahedral_sphere(8).vertices)
    shapes = []
    for angle in angles:
        direction = torch.tensor([math.sin(angle), -math.cos(angle), 0.0])
        bump = ((sphere @ direction - 0.5).clamp(min=0.0) / 0.5).unsqueeze(1)
        shapes.append(0.25 * sphere * (1.0 + 0.9 * bump))
    plain = spheres(torch.full((len(angles), 3), 0.6), cells=16)
    return Scene(torch.stack(shapes), plain.texture, plain.background)


def test_noses_that_point_the_same_way_need_no_turn_and_others_are_found_out() -> None:
    same = _figures(_noses([0.3, 0.3, 0.3]))
    assert same["view_turn_degrees"] == 0.0
    assert same["view_agreement"] > same["view_turned"] + 0.1
    assert same["identity_share"] < 1e-6, "they are one and the same"
    assert _figures(_noses([0.0, math.pi / 2.0]))["view_turn_degrees"] == pytest.approx(90.0)
