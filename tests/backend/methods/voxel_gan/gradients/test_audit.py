# SPDX-License-Identifier: Apache-2.0
"""The audit against a black box whose exact gradient is known: silhouettes along a fixed axis."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from unrender.errors import CheckpointError, ConfigurationError
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.methods import train
from unrender.methods.voxel_gan.gradients.audit import BandAudit, band_audit
from unrender.methods.voxel_gan.measuring.audit_report import audit_picture, audit_run
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.renderers.base import RenderedImages


@dataclass
class Rendered:
    images: RenderedImages
    render_seconds: float

    def result(self, timeout: float | None = None) -> RenderedImages:
        return self.images


class Silhouettes:
    """A pixel is full if any voxel behind it is: 1 - prod(1 - x) of binary voxels, without gradients."""

    differentiable = False

    def __init__(self) -> None:
        self.rendered = 0

    @torch.no_grad()
    def render(self, shapes: Tensor, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        assert shapes.dtype == torch.bool
        self.rendered += len(shapes)
        alpha = shapes.float().amax(dim=4)
        return RenderedImages(0.5 * alpha.expand(-1, 3, -1, -1), alpha)

    def submit(self, shapes: Tensor, cameras: Cameras, lighting: Lighting) -> Rendered:
        started = time.perf_counter()
        return Rendered(self.render(shapes, cameras, lighting), time.perf_counter() - started)

    def close(self) -> None:
        pass


class SilhouetteProxy(nn.Module):
    """`max`: the exact expectation of the silhouette over a global threshold; `product`: over independent voxels."""

    def __init__(self, mode: str, sign: float = 1.0) -> None:
        super().__init__()
        self.mode, self.sign = mode, sign

    def forward(self, occupancy: Tensor, cameras: Cameras) -> Tensor:
        alpha = occupancy.amax(dim=4) if self.mode == "max" else 1 - (1 - occupancy).prod(dim=4)
        return self.sign * torch.cat([0.5 * alpha, alpha], dim=1)


WEIGHT = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(5))


def linear_logits(images: Tensor) -> Tensor:
    return (images * WEIGHT).sum(dim=(1, 2, 3))


def audit(proxy: nn.Module, samples: int = 24, **settings: object) -> tuple[BandAudit, Silhouettes]:
    random = torch.Generator().manual_seed(0)
    along = (
        3.0 * torch.randn(samples, 1, 6, 6, 1, generator=random) - 3.0
    )  # so that the fullest voxels lie in all bands
    occupancy = torch.sigmoid(along + 1.5 * torch.randn(samples, 1, 6, 6, 6, generator=random))
    renderer = Silhouettes()
    black_box = BlackBox(renderer, IGGAN_LIGHTING, "linear")
    cameras = ViewLaw().sample(samples, random)
    return band_audit(occupancy, cameras, proxy, linear_logits, black_box, 0.1, **settings), renderer


def test_an_exact_proxy_passes_in_every_band() -> None:
    result, renderer = audit(SilhouetteProxy("max"), bands=6)
    assert 24 < renderer.rendered <= 24 * 7  # equal sets are rendered once
    np.testing.assert_allclose(result.proxy["continuous"], result.exact, atol=1e-4)
    for band in (None, *range(6)):
        assert result.correlation("continuous", band) == pytest.approx(1.0, abs=1e-4)
        assert result.slope("continuous", band) == pytest.approx(1.0, abs=1e-3)
    assert result.sign_agreement("continuous") > 0.99
    assert result.shares().sum() == pytest.approx(1.0)


def test_a_wrong_proxy_is_found_out() -> None:
    right, _ = audit(SilhouetteProxy("max"))
    product, _ = audit(SilhouetteProxy("product"))
    opposite, _ = audit(SilhouetteProxy("max", -1.0))
    assert product.correlation("continuous") < right.correlation("continuous") - 0.05
    assert opposite.correlation("continuous") == pytest.approx(-1.0, abs=1e-4)
    assert opposite.sign_agreement("continuous") < 0.01


def test_other_scores_are_audited_by_their_own_exact_sums() -> None:
    """log D bends: the silhouette's expectation is exact, the expectation of its score is not."""
    result, _ = audit(SilhouetteProxy("max"), score="log_d")
    assert 0.2 < result.correlation("continuous") < 0.999


def test_figures_without_meaning_are_null_and_the_picture_still_draws() -> None:
    nothing = BandAudit(np.linspace(0, 1, 4), np.zeros((5, 3)), np.zeros((5, 3)), {"continuous": np.zeros((5, 3))})
    summary = nothing.summary()
    assert summary["paths"]["continuous"]["correlation"] == {"all": None, "bands": [None, None, None]}
    assert nothing.statistics("continuous") == {}
    assert audit_picture(nothing).shape[2] == 3


def test_a_finished_run_is_audited_from_its_checkpoint(tiny: tuple[str, ...], pictures: Path, tmp_path: Path) -> None:
    run = train("voxel_gan", "iggan-32", pictures, tmp_path / "run", (*tiny, "total_images=8"))
    report = audit_run(run.path, samples=6, bands=4)
    assert report["samples"] == 6
    assert len(report["edges"]) == 5
    assert set(report["paths"]) == {"straight_through", "continuous", "threshold_conditioned"}
    with Image.open(report["picture"]) as image:
        assert image.format == "PNG"
    weights = run.newest_checkpoint()
    for path in run.checkpoints():
        path.unlink()
    with pytest.raises(CheckpointError, match="no checkpoint of a training"):
        audit_run(run.path)
    assert not weights.exists()
    text = run.config_path.read_text(encoding="utf-8")
    run.config_path.write_text(text.replace('route = "proxy"', 'route = "visual_hull"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="there is no proxy"):
        audit_run(run.path)
