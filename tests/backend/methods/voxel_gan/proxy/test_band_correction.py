# SPDX-License-Identifier: Apache-2.0
"""`+band` against the black box: after it, band sums are the differences of two renders' losses."""

import itertools
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.losses.threshold_chain import level_edges
from unrender.methods import train
from unrender.methods.voxel_gan.config import ProxyConfig
from unrender.methods.voxel_gan.game.critic import Critic, Judge
from unrender.methods.voxel_gan.game.fakes import Fakes
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.proxy.band_correction import BandCorrection
from unrender.networks.discriminators import Discriminators
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer
from unrender.training.devices import Devices
from unrender.training.run_folder import RunFolder

BATCH, BANDS = 3, 5


@pytest.fixture
def fakes() -> Fakes:
    random = torch.Generator().manual_seed(0)
    smooth = functional.interpolate(torch.randn(BATCH, 1, 4, 4, 4, generator=random), (8, 8, 8), mode="trilinear")
    return Fakes(torch.sigmoid(6.0 * smooth), ViewLaw().sample(BATCH, random), torch.rand(1, BATCH, generator=random))


def correction_of(interval: int) -> tuple[BandCorrection, BlackBox, Critic]:
    torch.manual_seed(3)
    critic = Critic(Discriminators(16, (8, 16)), Devices.single("float32", torch.device("cpu")))
    black_box = BlackBox(RayMarchRenderer(16), IGGAN_LIGHTING, "linear")
    settings = ProxyConfig(gradient="continuous+band", bands=BANDS, band_interval=interval)
    return BandCorrection(settings, black_box), black_box, critic


def test_band_sums_are_differences_of_the_losses_of_hard_renders(fakes: Fakes) -> None:
    correction, black_box, critic = correction_of(1)
    gradient = 1e-3 * torch.randn(fakes.output.shape, generator=torch.Generator().manual_seed(1))
    correction.submit(0, fakes)
    corrected = correction(0, fakes, gradient, Judge(critic, None, None))
    edges = level_edges(BANDS)
    seen = 0
    for sample in range(BATCH):
        x, camera = fakes.output[sample : sample + 1], fakes.cameras[slice(sample, sample + 1)]
        for low, high in itertools.pairwise(edges):
            losses = [
                functional.softplus(-critic.score(black_box.render(x >= edge, camera))).item() for edge in (low, high)
            ]
            inside = (x >= low) & (x < high)
            expected = (losses[0] - losses[1]) / BATCH  # of the batch's mean
            assert corrected[sample : sample + 1][inside].sum().item() == pytest.approx(expected, abs=2e-6)
            seen += abs(expected) > 1e-5
    assert seen > BATCH  # not a test of noughts
    assert not torch.allclose(corrected, gradient)


def test_only_every_so_many_steps_are_corrected(fakes: Fakes) -> None:
    correction, _, critic = correction_of(3)
    gradient = torch.ones_like(fakes.output)
    changed = []
    for step in range(5):
        correction.submit(step, fakes)
        changed.append(not torch.equal(correction(step, fakes, gradient, Judge(critic, None, None)), gradient))
    assert changed == [True, False, False, True, False]


@pytest.mark.parametrize("gradient", ["straight_through+band", "threshold_conditioned+band"])
def test_training_with_corrected_bands_reports_its_audit(
    gradient: str, tiny: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    settings = (*tiny, "total_images=8", f"proxy.gradient={gradient}", "proxy.bands=4", "audit_samples=6")
    run: RunFolder = train("voxel_gan", "iggan-32", pictures, tmp_path / "run", settings)
    last = run.metrics()[-1]
    assert -1.0 <= last["audit_correlation"] <= 1.0
    assert 0.0 <= last["audit_sign"] <= 1.0
