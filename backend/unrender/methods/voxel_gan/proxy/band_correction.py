# SPDX-License-Identifier: Apache-2.0
"""`+band`: the proxy's gradient with sums over bands of occupancy levels that are exact for the black box.

The proxy says how the gradient is distributed over the voxels of a band, K + 1 renders of the black box say how much of
it there is: the proxy becomes a control variate. See `losses.threshold_chain`.
"""

from jaxtyping import Float
from torch import Tensor

from unrender.losses.threshold_chain import band_of_voxels, correct_band_sums, exact_band_sums, level_edges
from unrender.methods.voxel_gan.config import ProxyConfig
from unrender.methods.voxel_gan.game.critic import Judge
from unrender.methods.voxel_gan.game.fakes import Fakes
from unrender.methods.voxel_gan.gradients.threshold_sets import PendingChain, score_chain, submit_chain
from unrender.methods.voxel_gan.pictures.black_box import BlackBox


class BandCorrection:
    """Every `band_interval`-th step corrects the gradient of the generator's loss with respect to x_c.

    Bands at fixed levels, and the correction spread evenly over a band, come closest to the exact gradient of single
    voxels (measured: docs/results/gradients.md).
    """

    def __init__(self, settings: ProxyConfig, black_box: BlackBox) -> None:
        self._settings, self._black_box = settings, black_box
        self._chain: PendingChain | None = None

    def submit(self, step: int, fakes: Fakes) -> None:
        """Start rendering what the correction of this batch needs, if this step has one."""
        if step % self._settings.band_interval == 0:
            edges = level_edges(self._settings.bands).to(fakes.output).expand(len(fakes.output), -1)
            self._chain = submit_chain(self._black_box, fakes.output, fakes.cameras, edges)

    def __call__(
        self, step: int, fakes: Fakes, gradient: Float[Tensor, "B 1 X Y Z"], judge: Judge
    ) -> Float[Tensor, "B 1 X Y Z"]:
        """The corrected gradient of the mean loss; waits for the renders."""
        if self._chain is None:
            return gradient
        chain, self._chain = self._chain, None
        chained = score_chain(chain, judge.losses)
        exact = exact_band_sums(chained) / len(gradient)
        return correct_band_sums(gradient, band_of_voxels(fakes.output, chain.edges), exact, "uniform")
