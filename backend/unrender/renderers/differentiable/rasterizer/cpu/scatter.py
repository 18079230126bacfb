# SPDX-License-Identifier: Apache-2.0
"""CPU kernels that add up what pixels say about the corners of their faces, always in the order of the pixels.

Each thread owns a range of an image's vertices and goes through all of its pixels: the sums are the same to the last
bit for any number of threads, and need neither atomics nor a table.
"""

import numba
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads


def scatter_corners(values: Tensor, face: Tensor, faces: Tensor, vertices: int) -> Tensor:
    """Sums [B, N, C] of values [B, H, W, 3, C] over the corners of face [B, H, W] in faces [1 or B, F, 3]."""
    batch, channels = len(values), values.shape[-1]
    threads = torch.get_num_threads()
    summed = torch.zeros(batch, vertices, channels, dtype=torch.float64)
    use_threads(threads)
    parts = -(-threads // max(batch, 1))
    _scatter(values.detach().flatten(1, 2).numpy(), face.flatten(1).numpy(), faces.numpy(), parts, summed.numpy())
    return summed.to(values.dtype)


@compiled(parallel=True, cache=True)
def _scatter(values, seen, faces, parts, summed):  # type: ignore[no-untyped-def]
    batch, vertices, channels = summed.shape
    for task in numba.prange(batch * parts):
        image, part = task // parts, task % parts
        first, last = vertices * part // parts, vertices * (part + 1) // parts
        triangles = faces[image % len(faces)]
        for pixel in range(seen.shape[1]):
            face = seen[image, pixel]
            if face < 0:
                continue
            for corner in range(3):
                vertex = triangles[face, corner]
                if first <= vertex < last:
                    for channel in range(channels):
                        summed[image, vertex, channel] += values[image, pixel, corner, channel]
