# SPDX-License-Identifier: Apache-2.0
"""Is the proxy's gradient right? Its sums over bands of occupancy levels against the black box's own, which are exact.

See `losses.threshold_chain`: for the score f of the black box's picture, `f({x >= a}) - f({x >= b})` is the exact sum
of the gradient of E_t f over the voxels of a band. No 3D data and no derivative of the black box is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.losses.matching import Score, reward
from unrender.losses.threshold_chain import band_of_voxels, band_sums, exact_band_sums, level_edges
from unrender.methods.voxel_gan.config.networks import GradientPath
from unrender.methods.voxel_gan.gradients.paths import shown_to_proxy
from unrender.methods.voxel_gan.gradients.threshold_sets import score_chain, submit_chain
from unrender.methods.voxel_gan.pictures.black_box import BlackBox

Proxy = Callable[[Float[Tensor, "B 1 X Y Z"], Cameras], Float[Tensor, "B 2 H W"]]
Logits = Callable[[Float[Tensor, "N 2 H W"]], Float[Tensor, "N"]]
PATHS: tuple[GradientPath, ...] = get_args(GradientPath)
BANDS = 8
_PART = 16  # samples at a time


@dataclass(frozen=True, slots=True)
class BandAudit:
    """Gradient sums of N samples in K bands; what a band without voxels would say is left out of every figure.

    edges: of the bands, K + 1. voxels: per sample and band.
    exact: from two renders of the black box each. proxy: by gradient path, averaged over thresholds.
    """

    edges: NDArray[np.float64]
    voxels: NDArray[np.float64]
    exact: NDArray[np.float64]
    proxy: dict[GradientPath, NDArray[np.float64]]

    def correlation(self, path: GradientPath, band: int | None = None) -> float:
        """Pearson's r between the proxy's sums and the exact ones over samples, of one band or of all."""
        ours, truth = self._pairs(path, band)
        if len(truth) < 3 or ours.std() == 0.0 or truth.std() == 0.0:
            return float("nan")
        return float(np.corrcoef(ours, truth)[0, 1])

    def sign_agreement(self, path: GradientPath, band: int | None = None) -> float:
        """Share of sums whose sign the proxy gets right, of those that have one; a half is chance."""
        ours, truth = self._pairs(path, band)
        signed = truth != 0.0
        return float((np.sign(ours) == np.sign(truth))[signed].mean()) if signed.any() else float("nan")

    def slope(self, path: GradientPath, band: int | None = None) -> float:
        """What the proxy's sums must be multiplied by: least squares through the origin."""
        ours, truth = self._pairs(path, band)
        return float((ours * truth).sum() / (ours**2).sum()) if (ours**2).sum() > 0.0 else float("nan")

    def shares(self) -> NDArray[np.float64]:
        """Share of the exact signal, as absolute sums, in every band."""
        size = np.abs(np.where(self.voxels > 0, self.exact, 0.0)).sum(axis=0)
        return size / max(size.sum(), 1e-30)

    def statistics(self, path: GradientPath) -> dict[str, float]:
        """The two figures that are logged while a model trains, as far as they are defined."""
        figures = {"audit_correlation": self.correlation(path), "audit_sign": self.sign_agreement(path)}
        return {name: value for name, value in figures.items() if np.isfinite(value)}

    def summary(self) -> dict[str, Any]:
        """Everything as JSON; figures that are not defined are null."""
        bands = range(self.exact.shape[1])
        paths = {}
        for path in self.proxy:
            figures = {"correlation": self.correlation, "sign": self.sign_agreement, "slope": self.slope}
            paths[path] = {
                name: {"all": _number(figure(path)), "bands": [_number(figure(path, band)) for band in bands]}
                for name, figure in figures.items()
            }
        return {
            "samples": len(self.exact),
            "edges": [_number(edge) for edge in self.edges],
            "voxels": [_number(count) for count in self.voxels.mean(axis=0)],
            "share_of_signal": [_number(share) for share in self.shares()],
            "paths": paths,
        }

    def _pairs(self, path: GradientPath, band: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        chosen = self.voxels > 0
        if band is not None:
            chosen = chosen & (np.arange(self.exact.shape[1]) == band)
        return self.proxy[path][chosen], self.exact[chosen]


def band_audit(
    occupancy: Float[Tensor, "B 1 X Y Z"],
    cameras: Cameras,
    proxy: Proxy,
    logits: Logits,
    black_box: BlackBox,
    softness: float,
    paths: Sequence[GradientPath] = PATHS,
    score: Score = "logit",
    bands: int = BANDS,
    thresholds: int = 8,
) -> BandAudit:
    """Audit a proxy on generated grids, each from its own camera.

    logits: of the discriminator, which must not change from call to call. score: f, the logit or log D. thresholds:
    over which the gradient of the paths that draw one is averaged, evenly spaced. Costs `bands + 1` renders a sample
    at most.
    """
    edges = level_edges(bands).to(occupancy).expand(len(occupancy), -1)
    chain = submit_chain(black_box, occupancy, cameras, edges)
    band = band_of_voxels(occupancy, edges)
    sums = {
        path: band_sums(
            proxy_gradient(occupancy, cameras, proxy, logits, path, softness, score, thresholds), band, bands
        )
        for path in paths
    }
    exact = exact_band_sums(score_chain(chain, lambda images, samples: reward(logits(images), score)))
    voxels = band_sums(torch.ones_like(occupancy), band, bands)
    return BandAudit(
        edges[0].double().cpu().numpy(),
        voxels.cpu().numpy(),
        exact.double().cpu().numpy(),
        {path: value.cpu().numpy() for path, value in sums.items()},
    )


def proxy_gradient(
    occupancy: Float[Tensor, "B 1 X Y Z"],
    cameras: Cameras,
    proxy: Proxy,
    logits: Logits,
    path: GradientPath,
    softness: float,
    score: Score = "logit",
    thresholds: int = 8,
) -> Float[Tensor, "B 1 X Y Z"]:
    """Gradient of the score of the proxy's image with respect to x_c: the mean over evenly spaced thresholds."""
    levels = [0.5] if path == "continuous" else [(k + 0.5) / thresholds for k in range(thresholds)]
    parts = []
    for first in range(0, len(occupancy), _PART):
        grid = occupancy[first : first + _PART].detach().clone().requires_grad_(True)
        views = cameras[first : first + _PART]
        total = torch.zeros_like(grid)
        for level in levels:
            threshold = torch.full((len(grid),), level, device=grid.device)
            with torch.enable_grad():
                shown = shown_to_proxy(grid, threshold, path, softness)
                value = reward(logits(proxy(shown, views)), score).sum()
            total += torch.autograd.grad(value, grid)[0] / len(levels)
        parts.append(total)
    return torch.cat(parts)


def _number(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None
