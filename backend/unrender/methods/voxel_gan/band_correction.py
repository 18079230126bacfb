# SPDX-License-Identifier: Apache-2.0
"""`+band`: the proxy's gradient with sums over bands of occupancy levels that are exact for the black box.

The proxy says how the gradient is distributed over the voxels of a band, K + 1 renders of the black box say how much of
it there is: the proxy becomes a control variate. See `losses.threshold_chain`.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrender.losses.threshold_chain import band_of_voxels, correct_band_sums, exact_band_sums, slope_edges
from unrender.methods.voxel_gan.black_box import BlackBox
from unrender.methods.voxel_gan.config import ProxyConfig
from unrender.methods.voxel_gan.critic import Critic
from unrender.methods.voxel_gan.fakes import Fakes
from unrender.methods.voxel_gan.threshold_sets import PendingChain, score_chain, submit_chain


class BandCorrection:
    """Every `band_interval`-th step corrects the gradient of the generator's loss with respect to x_c."""

    def __init__(self, settings: ProxyConfig, black_box: BlackBox, critic: Critic) -> None:
        self._settings, self._black_box, self._critic = settings, black_box, critic
        self._chain: PendingChain | None = None

    def submit(self, step: int, fakes: Fakes) -> None:
        """Start rendering what the correction of this batch needs, if this step has one."""
        if step % self._settings.band_interval == 0:
            edges = slope_edges(fakes.output, self._settings.bands)
            self._chain = submit_chain(self._black_box, fakes.output, fakes.cameras, edges)

    def __call__(self, step: int, fakes: Fakes, gradient: Float[Tensor, "B 1 X Y Z"]) -> Float[Tensor, "B 1 X Y Z"]:
        """The corrected gradient of the mean loss; waits for the renders."""
        if self._chain is None:
            return gradient
        chain, self._chain = self._chain, None
        images = chain.images().to(gradient.device)
        chained = score_chain(images, lambda part: functional.softplus(-self._critic.logits(part)))
        exact = exact_band_sums(chained) / len(gradient)
        return correct_band_sums(gradient, band_of_voxels(fakes.output, chain.edges), exact)
