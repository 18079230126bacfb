# SPDX-License-Identifier: Apache-2.0
"""The Inception network that FID is usually measured with, when the user has its weights."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.errors import ConfigurationError
from unrender.geometry.conventions import linear_to_srgb

FEATURES = 2048
_SWITCH = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_INSTALL = 'Install it: pip install "unrender[inception]".'


class InceptionFeatures:
    """The last pooled layer of Inception-v3 as ported for FID (torch-fidelity), with weights from a file.

    Raises ConfigurationError where torch-fidelity is not installed, or the file is not there or holds something else.
    """

    def __init__(self, weights: Path) -> None:
        if not weights.is_file():
            raise ConfigurationError(
                f"There are no Inception weights at {weights}.",
                "Download pt_inception-2015-12-05-6726825d.pth of torch-fidelity and give its path, or leave "
                "--inception away: our own features need no download.",
            )
        try:
            from torchmetrics.image.fid import NoTrainInceptionV3

            with _tensors_only():
                self._network = NoTrainInceptionV3("inception-v3-compat", [str(FEATURES)], str(weights))
        except ModuleNotFoundError as error:
            raise ConfigurationError("Inception features need torch-fidelity, which is not installed.", _INSTALL) from (
                error
            )
        except Exception as error:  # whatever unpickling and loading a foreign file raises
            raise ConfigurationError(
                f"{weights} does not hold the weights of FID's Inception network ({type(error).__name__}).",
                "Give pt_inception-2015-12-05-6726825d.pth of torch-fidelity.",
            ) from error

    @torch.no_grad()
    def __call__(
        self, images: Float[Tensor, "B 2 H W"] | Float[Tensor, "B 3 H W"], encoding: str
    ) -> Float[Tensor, "B D"]:
        """Features of (grey, alpha) images over black, as display-encoded 8-bit RGB, like any picture; of three
        channels, which are encoded already, as they are."""
        shown = (images if images.shape[1] == 3 else images[:, :1]).clamp(0.0, 1.0)
        if encoding == "linear" and images.shape[1] != 3:
            shown = linear_to_srgb(shown)
        pixels = (shown * 255.0).round().to(torch.uint8).expand(-1, 3, -1, -1)
        return self._network(pixels)


@contextmanager
def _tensors_only() -> Iterator[None]:
    """torch-fidelity unpickles its file as it is; torch's own switch lets nothing but tensors come out of it."""
    before = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SWITCH]
        else:
            os.environ[_SWITCH] = before
