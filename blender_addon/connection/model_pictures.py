# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the generator's models: asked for once per model, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .states import ModelCard

if TYPE_CHECKING:
    import numpy as np

MOST_PICTURES = 64  # of at most 256 x 256 pixels; there are not more models in a list


class ModelPictures:
    """Pictures by the model's hash, and whom to ask for next.

    A model that was retrained has another hash, and is asked for again; the old picture is let go of.
    """

    def __init__(self) -> None:
        self.pictures: dict[str, np.ndarray] = {}
        self._settled: set[str] = set()  # hashes that came, or have no picture
        self._asked: str | None = None  # the model's name

    def next_to_ask(self, models: tuple[ModelCard, ...]) -> str | None:
        """The name of the model to ask for now; None while an answer is awaited, and where nothing is missing."""
        offered = [card for card in models if card.hash][:MOST_PICTURES]
        hashes = {card.hash for card in offered}
        for gone in self.pictures.keys() - hashes:
            del self.pictures[gone]
        self._settled &= hashes
        if self._asked is None:
            self._asked = next((card.name for card in offered if card.hash not in self._settled), None)
            return self._asked
        return None

    def answered(self, model: str, hash: str, picture: np.ndarray | None, models: tuple[ModelCard, ...]) -> None:
        """Note the answer about a model.

        Args:
            model: its name.
            hash: of the weights that the picture shows; empty where the server did not answer.
            picture: uint8 [H, W, 3], or None where the model has none.
            models: all that the server offers.
        """
        if model == self._asked:
            self._asked = None
        # The one that was asked for counts as settled even where the answer names other weights, made meanwhile.
        self._settled |= {hash, *(card.hash for card in models if card.name == model)}
        if hash and picture is not None:
            self.pictures[hash] = picture

    def ask_anew(self) -> None:
        """What was asked for on another connection is not answered any more."""
        self._asked = None
