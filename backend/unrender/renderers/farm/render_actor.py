# SPDX-License-Identifier: Apache-2.0
"""What runs on a machine of the cluster for the renderer of a training: one headless Blender, watched there."""

import numpy as np

from unrender.renderers.off_the_shelf.discovery import BlenderInstallation
from unrender.renderers.off_the_shelf.pool_contract import Arrays, BatchImages, PoolLimits
from unrender.renderers.off_the_shelf.worker_pool import WorkerPool


class RenderActor:
    """A pool of one worker. Blenders that die are replaced here; only a lost machine concerns the one who asks."""

    def __init__(self, blender: BlenderInstallation, threads: int, limits: PoolLimits) -> None:
        self._pool = WorkerPool(1, threads, blender, limits)

    def ready(self) -> bool:
        """Whether batches can be sent; Blender may still be starting."""
        return True

    def render(self, settings: dict[str, object], arrays: Arrays, images: int) -> BatchImages:
        """Render one batch and wait for it. Raises RenderError."""
        rendered = self._pool.submit(settings, arrays, images).result()
        copies = {name: np.array(array) for name, array in rendered.images.items()}  # theirs is memory of the socket
        return BatchImages(copies, rendered.seconds, rendered.render_seconds)

    def close(self) -> None:
        """End the worker and remove its files."""
        self._pool.close()
