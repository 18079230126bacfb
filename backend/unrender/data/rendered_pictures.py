# SPDX-License-Identifier: Apache-2.0
"""Still sets of renders of shapes, made once and kept on disk, so that many trainings share them."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from unrender.data.image_cache import ImageCache
from unrender.data.shape_sets import ShapeSet
from unrender.data.training_pictures import Items, PendingPictures, PictureRenderer, StillPictures, views_of
from unrender.errors import CancelledError
from unrender.geometry.cameras import ViewLaw

# Raise it when the same shapes, views and renderer would give other pictures.
CONTENT_VERSION = 1
_BATCH = 64
_AHEAD = 3  # batches at the renderer while the oldest is waited for


def render_still(
    shapes: ShapeSet,
    views_per_object: int,
    law: ViewLaw,
    seed: int,
    renderer: PictureRenderer,
    renderer_identity: Mapping[str, Any],
    cache: ImageCache | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    items: Items | None = None,
) -> StillPictures:
    """Pictures of every object from `views_per_object` views each, item k of object `k // views_per_object`.

    The views are those of `RerenderedPictures` in pass 0. renderer_identity: all that the pictures depend on besides
    shapes and views, as values that JSON can hold. The pictures have the precision of 16-bit floats, in which they are
    kept. items: only these of the set. Raises CancelledError, and whatever the renderer raises.
    """
    facts = {
        "version": CONTENT_VERSION,
        "shapes": shapes.identity,
        "views_per_object": views_per_object,
        "law": [law.azimuth_degrees, law.elevation_degrees, law.width, law.field_of_view],
        "seed": seed,
        "renderer": dict(renderer_identity),
        "items": None if items is None else items.tolist(),
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    stored = cache.load(key) if cache is not None else None
    if stored is not None:
        return StillPictures(stored[0].float())
    if items is None:
        items = torch.arange(len(shapes) * views_per_object)
    images = _render(shapes, views_per_object, law, seed, renderer, items, progress, cancelled)
    if cache is not None:
        cache.save(key, images, facts)
    return StillPictures(images.float())


@torch.no_grad()
def _render(
    shapes: ShapeSet,
    views_per_object: int,
    law: ViewLaw,
    seed: int,
    renderer: PictureRenderer,
    items: Items,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Tensor:
    total = len(items)
    finished: list[Tensor] = []
    pending: deque[PendingPictures] = deque()
    done = 0
    parts = items.split(_BATCH)
    for number, part in enumerate(parts):
        if cancelled():
            raise CancelledError(f"Stopped after {done} of {total} training pictures were rendered.")
        views = views_of(law, seed, part, torch.zeros_like(part))
        pending.append(renderer.submit(shapes.grids(part // views_per_object), views))
        while len(pending) > _AHEAD or (pending and number == len(parts) - 1):
            finished.append(pending.popleft().result().half().cpu())
            done += len(finished[-1])
            progress(done, total)
    return torch.cat(finished)
