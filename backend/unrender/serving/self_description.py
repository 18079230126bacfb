# SPDX-License-Identifier: Apache-2.0
"""What a server has to know of itself, whoever answers for it."""

from typing import Protocol, runtime_checkable

import numpy as np

from unrender_protocol.messages import ModelSummary, TrainingMethod, TrainingPreset, Welcome


@runtime_checkable
class Descriptions(Protocol):
    """What the server tells of itself."""

    def welcome(self, protocol: int) -> Welcome:
        """The answer to a client that is let in."""
        ...

    def models(self) -> tuple[ModelSummary, ...]:
        """The models that clients can use."""
        ...

    def expire(self) -> None:
        """What was told may not be true any more: a job has ended, and may have made a model or a data set."""
        ...

    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets that can be trained on."""
        ...

    def methods(self) -> tuple[TrainingMethod, ...]:
        """The methods that can be trained."""
        ...

    def presets(self) -> tuple[TrainingPreset, ...]:
        """Their presets."""
        ...

    def model_preview(self, name: str) -> tuple[str, np.ndarray | None]:
        """The hash of a model and a picture uint8 [H, W, 3] of it, if there is one; raises UnknownModelError."""
        ...

    def weights(self, name: str, hash: str) -> tuple[str, bool]:
        """The folder of the model with these weights, empty where there is none; whether any model has that name."""
        ...
