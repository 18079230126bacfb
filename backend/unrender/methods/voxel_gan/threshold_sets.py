# SPDX-License-Identifier: Apache-2.0
"""The nested solids of a batch on their way through the black box, and their scores by the discriminator."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.losses.threshold_chain import nested_sets
from unrender.methods.voxel_gan.black_box import BlackBox, PendingImages

_RENDERS = 48  # images per request: keeps the memory of renderers small
_SCORES = 256
Scorer = Callable[[Float[Tensor, "N 2 H W"]], Float[Tensor, "N"]]


@dataclass(slots=True)
class PendingChain:
    """K + 1 renders of every sample, each from the sample's own camera."""

    edges: Float[Tensor, "B E"]
    pending: list[PendingImages]

    def images(self) -> Float[Tensor, "B E 2 H W"]:
        """Wait for the renders."""
        images = torch.cat([part.result() for part in self.pending])
        return images.view(*self.edges.shape, *images.shape[1:])

    @property
    def render_seconds(self) -> float:
        return sum(part.render_seconds for part in self.pending)


def submit_chain(
    black_box: BlackBox, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras, edges: Float[Tensor, "B E"]
) -> PendingChain:
    """Start rendering {x >= edge} of every sample and edge; a renderer with workers returns at once."""
    sets = nested_sets(occupancy, edges).flatten(0, 1)[:, None].cpu()
    of_sample = torch.arange(len(occupancy)).repeat_interleave(edges.shape[1])
    views = cameras[of_sample]
    parts = [slice(first, first + _RENDERS) for first in range(0, len(sets), _RENDERS)]
    return PendingChain(edges, [black_box.submit(sets[part], views[part]) for part in parts])


@torch.no_grad()
def score_chain(images: Float[Tensor, "B E 2 H W"], score: Scorer) -> Float[Tensor, "B E"]:
    """Scores of the renders."""
    scores = torch.cat([score(part) for part in images.flatten(0, 1).split(_SCORES)])
    return scores.view(images.shape[:2])
