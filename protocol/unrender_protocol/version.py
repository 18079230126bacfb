# SPDX-License-Identifier: Apache-2.0
"""The protocol's number: the one file that both halves of Unrender read.

Policy: `PROTOCOL` grows by one when an older peer could no longer understand or serve what it receives (a field
without a default was added, a field's meaning changed, a message was removed). New messages that are only sent to
peers that announce the capability, and new fields with defaults, do not change it: decoders ignore fields they do not
know. `OLDEST_PROTOCOL` is the lowest number that this version still serves. `FRAME_VERSION` changes only when the
framing itself changes, so that even peers of very different age can tell each other to update.

Changelog
---------
1 (0.1): first version. Added without a new number, since older peers can do without: `CancelJob.patience_seconds`,
`Welcome.datasets`, `ModelList.datasets`, `FetchModelPreview` / `ModelPreview` (capability `model_previews`),
`FetchMesh` / `ShapeMesh` (capability `meshes`), `methods` and `presets` of `Welcome` and `ModelList`, and the arrays
`curve_NAME` and the `notes` of `JobProgress`.
"""

from __future__ import annotations

PACKAGE_VERSION = "0.1.0"

FRAME_VERSION = 1
PROTOCOL = 1
OLDEST_PROTOCOL = 1


def agree_on_protocol(
    their_min: int, their_max: int, our_min: int = OLDEST_PROTOCOL, our_max: int = PROTOCOL
) -> int | None:
    """Return the highest protocol number that both sides speak, or None where the ranges do not meet."""
    best = min(our_max, their_max)
    return best if best >= max(our_min, their_min) else None
