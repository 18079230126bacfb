# SPDX-License-Identifier: Apache-2.0
"""How well a trained proxy imitates the black box on shapes of its own generator."""

import torch

from unrender.errors import CheckpointError
from unrender.methods.models import Model
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.measuring.samples import GridSamples
from unrender.methods.voxel_gan.networks import build_proxy
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.metrics.psnr import psnr
from unrender.training.checkpoint import load_checkpoint

_PART = 16


@torch.no_grad()
def proxy_psnr(model: Model, config: VoxelGanConfig, samples: GridSamples, seed: int) -> float:
    """PSNR in decibels of the proxy's images of binary grids against the black box's, over grey and alpha.

    Every shape is binarised at a random threshold of its own, as in training. Raises CheckpointError.
    """
    proxy = build_proxy(config)
    try:
        proxy.load_state_dict(load_checkpoint(model.weights, TRAINING_KIND, ("method", "proxy")))
    except RuntimeError as error:
        raise CheckpointError(
            f"The proxy in {model.weights} does not fit the config beside it.", "Was config.toml edited after training?"
        ) from error
    proxy.eval()
    thresholds = torch.rand(len(samples), generator=torch.Generator().manual_seed(seed))
    solid = (torch.from_numpy(samples.grids)[:, None] > thresholds.view(-1, 1, 1, 1, 1)).float()
    images = [
        proxy(solid[first : first + _PART], samples.cameras[first : first + _PART])
        for first in range(0, len(samples), _PART)
    ]
    return psnr(torch.cat(images), samples.images(thresholds))
