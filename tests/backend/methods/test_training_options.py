# SPDX-License-Identifier: Apache-2.0
"""What people choose from is what can be trained."""

from typing import get_args

import pytest

from unrender.errors import ConfigurationError
from unrender.methods import METHODS as KNOWN_METHODS
from unrender.methods import USUAL_PRESETS, image_size, preset_names
from unrender.methods.textured_mesh_gan.config import load_config as load_textured
from unrender.methods.training_options import METHODS, list_presets
from unrender.methods.voxel_gan.config import Route, load_config


def test_every_preset_is_listed_with_one_sentence() -> None:
    presets = list_presets()
    assert [preset.name for preset in presets] == [name for method in KNOWN_METHODS for name in preset_names(method)]
    for preset in presets:
        assert 10 < len(preset.description) < 200, preset
        assert not preset.description.endswith("."), preset
        assert preset.name in preset_names(preset.method)
    described = {preset.name: preset for preset in presets}
    assert described["iggan-32"].description == "IG-GAN that learns in minutes on a CPU"
    assert described["iggan-photos-32"].pictures == "photos"
    assert described["iggan-32"].pictures == "renders"
    assert described["textured-photos-64"].pictures == "photos"
    assert described["textured-cars-64"].pictures == "renders"


def test_every_route_is_a_method() -> None:
    routes = {str(method.settings.get("route", "proxy")) for method in METHODS if method.method == "voxel_gan"}
    assert routes == set(get_args(Route))
    assert len({method.name for method in METHODS}) == len(METHODS)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_goes_with_all_of_its_presets(method) -> None:
    settings = tuple(f"{key}={value}" for key, value in method.settings.items())
    for preset in list_presets():
        if method.method == preset.method == "voxel_gan":
            assert load_config(preset.name, settings).route == method.settings.get("route", "proxy")
        elif method.method == preset.method:
            assert load_textured(preset.name, settings).method == method.method


def test_every_method_can_be_chosen_and_has_a_usual_preset() -> None:
    assert {option.method for option in METHODS} == set(KNOWN_METHODS)
    for method in KNOWN_METHODS:
        assert USUAL_PRESETS[method] in preset_names(method)
        assert image_size(method, "") == image_size(method, USUAL_PRESETS[method]) >= 16


@pytest.mark.parametrize(
    ("method", "config", "said"),
    [
        ("voxel_gan", "textured-16", "textured-16 has settings of textured_mesh_gan, but voxel_gan"),
        ("textured_mesh_gan", "iggan-32", "iggan-32 has settings of voxel_gan, but textured_mesh_gan"),
        ("textured_mesh_gan", "nothing", "no preset 'nothing'"),
        ("mesh_gan", "", "no method 'mesh_gan'"),
    ],
)
def test_settings_of_another_method_are_one_sentence(method: str, config: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        image_size(method, config)
