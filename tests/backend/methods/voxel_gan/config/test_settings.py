# SPDX-License-Identifier: Apache-2.0
"""Settings that make no sense are refused by one sentence that says what came and what was expected."""

from __future__ import annotations

import pytest
import torch

from tests.backend.methods.voxel_gan.game_for_tests import tiny_config
from unrender.errors import ConfigurationError
from unrender.methods.voxel_gan.config import ProxyConfig, load_config
from unrender.methods.voxel_gan.networks import build_any_generator, build_proxy
from unrender.methods.voxel_gan.pictures import rendering
from unrender.networks.image_generator import ImageGenerator
from unrender.networks.render_net import RenderNet
from unrender.networks.voxel_generator import VoxelGenerator
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (("route=magic",), "one of 'proxy', 'visual_hull', 'absorption', 'emission_absorption', 'image'"),
        (("accumulation=3",), r"accumulation is 3, but a whole number of equal parts of batch_size \(4\)"),
        (("accumulation=0",), "accumulation is 0"),
        (("batch_size=1",), "batch normalisation needs at least 2"),
        (("progressive_images=99",), r"progressive_images is 99, but 0 to total_images \(32\)"),
        (("augmentation_target=1.5",), "augmentation_target is 1.5"),
        (("route=image", "discriminator.fakes=proxy"), "route = 'image' has no proxy"),
        (("discriminator.r1_interval=0",), "discriminator: r1_interval is 0"),
        (("discriminator.r1_gamma=-1.0",), "r1_gamma is -1.0"),
        (("generator.channels=[]",), "generator: channels is empty"),
        (("generator.latent=0",), "z needs at least one number"),
        (("proxy.gradient=sideways",), r"'continuous', 'threshold_conditioned', 'straight_through\+band'"),
        (("proxy.joint=false", "proxy.pretrain_images=0"), "would never learn to render"),
        (("proxy.pretrain_shapes=chair,unicorn",), "proxy: pretrain_shapes has 'unicorn', but procedural classes are"),
        (("proxy.pretrain_shapes=[]",), "pretrain_shapes has"),
        (("proxy.matching_thresholds=0",), "matching_thresholds is 0, but at least 1"),
        (("proxy.matching_thresholds=4",), "one render is the exact target already"),
        (("proxy.matching_weight=-0.5",), "matching_weight is -0.5, but at least 0"),
        (("proxy.threshold_softness=0.0",), "threshold_softness is 0.0, but a positive width"),
        (("proxy.replay_images=3",), r"proxy.replay_images is 3, but 0 \(none\) or at least a batch \(4\)"),
        (("proxy.blocks_2d=1",), "blocks_2d is 1, but at least 2"),
        (("renderer.engine=eevee",), "only kind = \"blender\" has engines, not 'ray_march'"),
        (("data.set=500",), "set is '500', but shapes does not say of what"),
        (("data.objects=0",), "data: objects is 0"),
        (("data.first_seed=-1",), "first_seed is -1"),
    ],
)
def test_nonsense_is_refused(settings: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        tiny_config(*settings)


@pytest.mark.parametrize(
    ("gradient", "path", "has_band"),
    [
        ("continuous", "continuous", False),
        ("straight_through+band", "straight_through", True),
        ("threshold_conditioned+band", "threshold_conditioned", True),
    ],
)
def test_a_gradient_is_a_path_with_or_without_band(gradient: str, path: str, has_band: bool) -> None:
    settings = ProxyConfig(gradient=gradient)  # type: ignore[arg-type]
    assert (settings.path, settings.has_band_correction) == (path, has_band)


@pytest.mark.parametrize("engine", ["cycles", "eevee", "workbench"])
def test_the_black_box_is_one_line(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built: dict[str, object] = {}

    def build(**settings: object) -> RayMarchRenderer:
        built.update(settings)
        return RayMarchRenderer(32)

    monkeypatch.setattr(rendering, "BlenderRenderer", build)
    rendering.build_renderer(load_config("iggan-32", (f"renderer.engine={engine}",)))
    assert built["engine"] == engine
    for kind in ("opengl", "mesh", "ray_march"):
        assert load_config("iggan-32", (f"renderer.kind={kind}",)).renderer.kind == kind


def test_the_mesh_rasteriser_is_one_config_line_away() -> None:
    config = tiny_config("renderer.kind=mesh")
    renderer = rendering.build_renderer(config)
    grids = torch.zeros(2, 1, 8, 8, 8, dtype=torch.bool)
    grids[0, :, 2:6, 2:6, 2:6] = True
    images = renderer.render(grids, config.views.sample(2, torch.Generator()), config.lighting)
    assert images.alpha.shape == (2, 1, 32, 32)
    assert not images.alpha.requires_grad
    assert images.alpha[0].max() == 1.0
    assert images.alpha[1].max() == 0.0


def test_the_black_box_waits_until_a_baseline_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(rendering.training_renderer(tiny_config()), RayMarchRenderer)
    config = tiny_config("route=visual_hull")
    lazy = rendering.training_renderer(config)
    assert isinstance(lazy, rendering.LazyRenderer)
    assert not lazy.started
    lazy.close()
    images = lazy.render(torch.ones(1, 1, 4, 4, 4) > 0.5, config.views.sample(1, torch.Generator()), config.lighting)
    assert lazy.started
    assert images.alpha.shape == (1, 1, 32, 32)
    lazy.close()
    assert not lazy.started


def test_the_papers_scale() -> None:
    full, slim = load_config("iggan-64"), load_config("iggan-64-slim")
    for config, millions in ((full, 59.5), (slim, 14.9)):
        assert (config.resolution, config.image_size, config.generator.latent) == (64, 128, 200)
        rates = (config.generator.learning_rate, config.discriminator.learning_rate, config.proxy.learning_rate)
        assert rates == (2e-4, 2e-4, 2e-5)
        assert (config.proxy.gradient, config.proxy.matching_weight, config.decay_from) == ("continuous", 100.0, 1.0)
        with torch.device("meta"):
            proxy, generator = build_proxy(config), build_any_generator(config)
        assert isinstance(proxy, RenderNet)
        assert isinstance(generator, VoxelGenerator)
        assert sum(weights.numel() for weights in proxy.parameters()) / 1e6 == pytest.approx(millions, rel=0.01)
        assert sum(weights.numel() for weights in generator.parameters()) / 1e6 == pytest.approx(17.57, rel=0.01)
    image = build_any_generator(load_config("iggan-32", ("route=image",)))
    assert isinstance(image, ImageGenerator)


def test_the_best_recipe_at_the_papers_scale_is_that_of_the_small_one() -> None:
    best, small, paper = (load_config(name) for name in ("iggan-64-best", "iggan-32", "iggan-64"))
    assert (best.resolution, best.image_size, best.batch_size) == (64, 128, 32)
    assert (best.generator.channels, best.discriminator.channels) == (
        paper.generator.channels,
        paper.discriminator.channels,
    )
    for name in ("kind", "compositing", "gradient", "matching_score", "matching_weight", "joint"):
        assert getattr(best.proxy, name) == getattr(small.proxy, name), name
    for name in ("spectral_norm", "r1_gamma", "r1_interval", "beta1", "beta2", "silhouette"):
        assert getattr(best.discriminator, name) == getattr(small.discriminator, name), name
    assert best.adversarial_loss == small.adversarial_loss


def test_each_kind_of_proxy_is_pre_trained_at_a_rate_that_suits_it() -> None:
    kinds = {kind: load_config("iggan-16", (f"proxy.kind={kind}",)).proxy for kind in ("compositing", "render_net")}
    assert kinds["render_net"].pretraining_rate < 1e-3 < kinds["compositing"].pretraining_rate
    assert load_config("iggan-16", ("proxy.pretrain_learning_rate=3e-4",)).proxy.pretraining_rate == 3e-4
