# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from unrender.configuration import dump_toml, from_mapping, read_toml, with_overrides
from unrender.errors import ConfigurationError
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_presets_load_and_survive_being_written_resolved(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    path = tmp_path / "config.toml"
    path.write_text(dump_toml(config), encoding="utf-8")
    assert from_mapping(VoxelGanConfig, read_toml(path)) == config


def test_both_routes_of_the_issue_have_a_preset() -> None:
    assert load_config("iggan-32").proxy.gradient == "threshold_conditioned"
    paper = load_config("iggan-paper-32")
    assert (paper.proxy.gradient, paper.proxy.compositing, paper.proxy.matching_weight) == ("continuous", "max", 100.0)
    assert paper.discriminator.spectral_norm
    assert paper.proxy.learning_rate == 2e-5


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("batch_sise=3", "Unknown setting 'batch_sise'"),
        ("generator.latnt=3", r"Unknown setting 'generator\.latnt'"),
        ("batch_size=many", "'batch_size' is 'many', but a value of type int was expected"),
        ("batch_size=true", "'batch_size' is True"),
        ("proxy.kind=magic", "one of 'compositing', 'render_net'"),
        ("views.elevation_degrees=[1]", "a list of 2"),
        ("resolution=64", "build 32"),
        ("batch_size=1", "at least 2"),
        ("seed.deep=1", "a value of type int"),
        ("nonsense", "not an assignment"),
    ],
)
def test_faults_name_the_key_what_came_and_what_was_expected(assignment: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_config("iggan-32", (assignment,))


def test_overrides_take_toml_values_and_bare_words() -> None:
    config = load_config("iggan-32", ("views.elevation_degrees=[15, 60]", "proxy.gradient=continuous", "seed=4"))
    assert config.views.elevation_degrees == (15.0, 60.0)
    assert config.proxy.gradient == "continuous"
    assert config.seed == 4
    assert with_overrides({"a": {"b": 1}}, ["a.c=2"]) == {"a": {"b": 1, "c": 2}}


def test_a_choice_that_looks_like_a_number_needs_no_quotation_marks() -> None:
    assert load_config("iggan-32", ("data.shapes=chair", "data.set=500")).data.set == "500"


def test_settings_that_are_known_yield_to_those_that_are_stated(tmp_path: Path) -> None:
    known = {"views.elevation_degrees": [15.0, 60.0], "views.width": 1.2}
    path = tmp_path / "mine.toml"
    path.write_text("[views]\nwidth = 1.3\n", encoding="utf-8")
    assert load_config(str(path), (), known).views.elevation_degrees == (15.0, 60.0)
    assert load_config(str(path), (), known).views.width == 1.3
    assert load_config(str(path), ("views.elevation_degrees=[0,1]",), known).views.elevation_degrees == (0.0, 1.0)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no preset 'igan-32'.*iggan-32"):
        load_config("igan-32")
    with pytest.raises(ConfigurationError, match=r"no config file"):
        load_config(str(tmp_path / "missing.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("a = ", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"not valid TOML"):
        load_config(str(broken))
