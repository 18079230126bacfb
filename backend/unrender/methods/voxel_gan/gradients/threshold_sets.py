# SPDX-License-Identifier: Apache-2.0
"""The nested solids of a batch on their way through the black box, and their scores by the discriminator."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.losses.threshold_chain import nested_sets
from unrender.methods.voxel_gan.pictures.black_box import BlackBox, PendingImages

_RENDERS = 48  # images per request: keeps the memory of renderers small
_SCORES = 256  # images at a time
Scorer = Callable[[Float[Tensor, "N 2 H W"], Int[Tensor, "N"]], Float[Tensor, "N"]]
"""Images, and of which samples they are -> their scores."""


@dataclass(slots=True)
class PendingChain:
    """K + 1 renders of every sample, each from the sample's own camera. Equal sets are rendered once."""

    edges: Float[Tensor, "B E"]
    pending: list[PendingImages]
    render_of_set: Int[Tensor, "B E"]
    sample_of_render: Int[Tensor, "N"]

    def images(self) -> Float[Tensor, "N 2 H W"]:
        """Wait for the renders; `render_of_set` says which of them shows a sample's set."""
        return torch.cat([part.result() for part in self.pending])

    @property
    def render_seconds(self) -> float:
        return sum(part.render_seconds for part in self.pending)


def submit_chain(
    black_box: BlackBox, occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras, edges: Float[Tensor, "B E"]
) -> PendingChain:
    """Start rendering {x >= edge} of every sample and edge; a renderer with workers returns at once."""
    sets = nested_sets(occupancy, edges)
    # The sets of a sample are nested, so equal ones have equal counts and lie side by side.
    counts = sets.flatten(2).sum(dim=2)
    is_new = torch.ones_like(counts, dtype=torch.bool)
    is_new[:, 1:] = counts[:, 1:] != counts[:, :-1]
    render_of_set = (is_new.flatten().cumsum(dim=0) - 1).view_as(counts)
    solids = sets[is_new][:, None].cpu()
    sample_of_render = torch.arange(len(counts)).repeat_interleave(is_new.sum(dim=1).cpu())
    views = cameras[sample_of_render]
    parts = [slice(first, first + _RENDERS) for first in range(0, len(solids), _RENDERS)]
    pending = [black_box.submit(solids[part], views[part]) for part in parts]
    return PendingChain(edges, pending, render_of_set, sample_of_render)


@torch.no_grad()
def score_chain(chain: PendingChain, score: Scorer) -> Float[Tensor, "B E"]:
    """Scores of all sets; waits for the renders."""
    images = chain.images().to(chain.edges.device).split(_SCORES)
    samples = chain.sample_of_render.split(_SCORES)
    scores = torch.cat([score(part, rows) for part, rows in zip(images, samples, strict=True)])
    return scores[chain.render_of_set]
