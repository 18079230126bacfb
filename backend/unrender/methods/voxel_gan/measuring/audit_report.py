# SPDX-License-Identifier: Apache-2.0
"""The band audit of a finished run, as figures and as a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unrender.atomic_file import write_atomically
from unrender.errors import CheckpointError, ConfigurationError
from unrender.losses.matching import Score
from unrender.methods.voxel_gan.game.critic import Critic
from unrender.methods.voxel_gan.game.players import build_networks
from unrender.methods.voxel_gan.gradients.audit import BANDS, PATHS, BandAudit, band_audit
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.methods.voxel_gan.sampling import TRAINING_KIND, read_model_config
from unrender.training.charts import COLOURS, Chart, Series, panels
from unrender.training.checkpoint import load_checkpoint
from unrender.training.devices import Devices
from unrender.training.run_folder import RunFolder

PICTURE = "band_audit.png"
_PANEL = (360, 280)


def audit_run(
    run: Path, samples: int = 96, bands: int = BANDS, seed: int = 0, score: Score = "logit"
) -> dict[str, Any]:
    """Audit the newest checkpoint of a run on shapes of its averaged generator; writes `band_audit.png` beside it.

    Returns what `BandAudit.summary` says, with the name of the picture. Raises CheckpointError where there is no
    checkpoint of a training (a bundled model has neither proxy nor discriminator), ConfigurationError for a route
    without a proxy.
    """
    audit = audit_checkpoint(run, samples, bands, seed, score)
    picture = run / PICTURE
    write_atomically(picture, lambda temporary: Image.fromarray(audit_picture(audit)).save(temporary, "PNG"))
    return audit.summary() | {"score": score, "picture": str(picture)}


@torch.no_grad()
def audit_checkpoint(run: Path, samples: int, bands: int, seed: int, score: Score) -> BandAudit:
    """The audit behind `audit_run`."""
    config = read_model_config(run)
    if config.route != "proxy":
        raise ConfigurationError(
            f"The run {run} was trained with route {config.route!r}, whose gradients are exact: there is no proxy.",
            'Audit a run with route = "proxy".',
        )
    if not RunFolder(run).checkpoints():
        raise CheckpointError(
            f"{run} holds no checkpoint of a training, but proxy and discriminator are needed to audit gradients.",
            "Name the folder of a run that was trained on this machine.",
        )
    weights = RunFolder(run).newest_checkpoint()
    devices = Devices.single("float32", torch.device("cpu"))
    networks = build_networks(config, devices)
    proxy = networks.proxy
    assert proxy is not None  # the route is that of the proxy
    for name, module in (("average", networks.average), ("proxy", proxy), ("discriminator", networks.discriminator)):
        module.load_state_dict(load_checkpoint(weights, TRAINING_KIND, ("method", name)))
        module.eval().requires_grad_(False)
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(samples, config.generator.latent, generator=random)
    cameras = config.views.sample(samples, random)
    occupancy = torch.cat([networks.average(part) for part in z.split(32)])
    renderer = build_renderer(config)
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        return band_audit(
            occupancy,
            cameras,
            proxy,
            Critic(networks.discriminator, devices).score,
            black_box,
            config.proxy.threshold_softness,
            score=score,
            bands=bands,
        )
    finally:
        renderer.close()


def audit_picture(audit: BandAudit) -> NDArray[np.uint8]:
    """Correlation, sign agreement and share of the signal by band; below, proxy against exact sums of every band."""
    bands = audit.exact.shape[1]
    names = [f"{edge:.2f}" for edge in audit.edges[:-1]]
    colours = dict(zip(PATHS, COLOURS, strict=False))
    beside = (-0.6, bands - 0.4)
    positions = [float(band) for band in range(bands)]
    by_band = {"correlation": audit.correlation, "share of equal sign": audit.sign_agreement}
    charts = []
    for title, figure in by_band.items():
        series = [
            Series(positions, [figure(path, band) for band in range(bands)], colours[path], path, "bars")
            for path in audit.proxy
        ]
        low = min([0.0, *[value for one in series for value in one.y if np.isfinite(value)]])
        charts.append(
            Chart(
                title, "band, from", "", y_range=(low, 1.35), x_range=(-0.6, bands - 0.4), x_names=names, series=series
            )
        )
    shares = Series(positions, audit.shares().tolist(), (110, 110, 110), "", "bars")
    charts.append(Chart("share of the exact signal", "band, from", x_range=beside, x_names=names, series=[shares]))
    overall = Chart(f"all bands, {len(audit.exact)} samples", "proxy's sum", "exact sum")
    charts.append(overall)
    for band in range(bands):
        chart = Chart(f"{audit.edges[band]:.2f} <= x < {audit.edges[band + 1]:.2f}", "proxy's sum", "exact sum")
        present = audit.voxels[:, band] > 0
        for path, sums in audit.proxy.items():
            points = Series(
                sums[present, band].tolist(), audit.exact[present, band].tolist(), colours[path], "", "points"
            )
            chart.series.append(points)
            overall.series.append(points)
        charts.append(chart)
    for chart in charts:
        chart.size = _PANEL
    return panels(charts, 4)
