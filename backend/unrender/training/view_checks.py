# SPDX-License-Identifier: Apache-2.0
"""What is odd about the views that a training draws, as sentences for the user."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

_SLACK_DEGREES = 1.0
_ANGLES = ("azimuth_degrees", "elevation_degrees")


@runtime_checkable  # so that annotations can be checked in the tests
class ViewRanges(Protocol):
    """What a method's settings say of its views."""

    @property
    def azimuth_degrees(self) -> tuple[float, float]: ...
    @property
    def elevation_degrees(self) -> tuple[float, float]: ...


def view_complaints(views: ViewRanges, known: Mapping[str, Any]) -> list[str]:
    """Sentences on views that the training draws and that no picture shows.

    known: what the pictures say of their views, as `data.datasets.view_settings`.
    """
    sentences = []
    for angle in _ANGLES:
        name = f"views.{angle}"
        if name not in known:
            continue
        (low, high), (least, most) = getattr(views, angle), known[name]
        if low < least - _SLACK_DEGREES or high > most + _SLACK_DEGREES:
            sentences.append(
                f"{name} is {low:g} to {high:g}, but the pictures were rendered from {least:g} to {most:g}: generated "
                f"shapes will be shown from sides that no picture shows. Set {name}=[{least:g},{most:g}]."
            )
    return sentences
