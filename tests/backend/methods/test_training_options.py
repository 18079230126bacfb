# SPDX-License-Identifier: Apache-2.0
"""What people choose from is what can be trained."""

from typing import get_args

import pytest

from unrender.methods import METHODS as KNOWN_METHODS
from unrender.methods.training_options import METHODS, list_presets
from unrender.methods.voxel_gan.config import Route, load_config, preset_names


def test_every_preset_is_listed_with_one_sentence() -> None:
    presets = list_presets()
    assert [preset.name for preset in presets] == preset_names()
    for preset in presets:
        assert 10 < len(preset.description) < 200, preset
        assert not preset.description.endswith("."), preset
        assert preset.method in KNOWN_METHODS
    described = {preset.name: preset for preset in presets}
    assert described["iggan-32"].description == "IG-GAN that learns in minutes on a CPU"
    assert described["iggan-photos-32"].pictures == "photos"
    assert described["iggan-32"].pictures == "renders"


def test_every_route_is_a_method() -> None:
    routes = {str(method.settings.get("route", "proxy")) for method in METHODS}
    assert routes == set(get_args(Route))
    assert len({method.name for method in METHODS}) == len(METHODS)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_goes_with_every_preset(method) -> None:
    assert method.method in KNOWN_METHODS
    settings = tuple(f"{key}={value}" for key, value in method.settings.items())
    for preset in list_presets():
        config = load_config(preset.name, settings)
        assert config.route == method.settings.get("route", "proxy")
