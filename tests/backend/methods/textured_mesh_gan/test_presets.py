# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from unrender.methods.textured_mesh_gan.config import load_config, preset_names
from unrender.methods.textured_mesh_gan.networks import build_generator
from unrender.networks.residual_discriminator import ResidualDiscriminator


def test_the_presets_are_those_of_the_manual() -> None:
    assert preset_names() == [
        "textured-16",
        "textured-cars-64",
        "textured-mushrooms-64",
        "textured-photos-128",
        "textured-photos-64",
    ]


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_builds_networks_that_fit_one_another(name: str) -> None:
    config = load_config(name)
    scene = build_generator(config)(torch.randn(1, config.generator.latent))
    assert scene.vertices.shape[1] == config.generator.mesh_cells**2 + 2
    assert scene.texture.shape[-1] == config.generator.texture_size
    assert scene.background.shape[-1] == config.background.size
    settings = config.discriminator
    pictures = torch.rand(max(1, settings.group), 3, config.image_size, config.image_size)
    assert ResidualDiscriminator(config.image_size, 3, settings.channels, settings.group)(pictures).isfinite().all()


def test_pictures_are_mirrored_where_views_are_their_own_mirror_images() -> None:
    assert load_config("textured-photos-64").mirror_symmetric
    assert load_config("textured-16", ("views.azimuth_degrees=[-45,45]",)).mirror_symmetric
    assert load_config("textured-16", ("views.azimuth_degrees=[0,360]",)).mirror_symmetric
    assert not load_config("textured-16", ("views.azimuth_degrees=[-10,45]",)).mirror_symmetric
