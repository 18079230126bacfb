# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `interpolate.interpolate`: rows of pixels on all cores."""

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads


def interpolate_forward(attributes: Tensor, barycentrics: Tensor, face: Tensor, faces: Tensor) -> Tensor:
    """Images [B, C, H, W] of contiguous attributes [1 or B, N, C], barycentrics [B, 3, H, W], face [B, H, W] and faces
    [1 or B, F, 3]."""
    image = attributes.new_zeros(len(face), attributes.shape[2], *face.shape[1:])
    use_threads(torch.get_num_threads())
    _weigh(attributes.detach().numpy(), barycentrics.detach().numpy(), face.numpy(), faces.numpy(), image.numpy())
    return image


def interpolate_backward(
    attributes: Tensor,
    barycentrics: Tensor,
    face: Tensor,
    faces: Tensor,
    gradient: Tensor,
    wants_attributes: bool,
    wants_barycentrics: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of the attributes and of the barycentrics, None where not wanted, given that of the images."""
    threads = torch.get_num_threads()
    use_threads(threads)
    to_attributes, to_barycentrics = None, None
    seen, triangles, upstream = face.numpy(), faces.numpy(), gradient.numpy()
    if wants_barycentrics:
        to_barycentrics = torch.zeros_like(barycentrics)
        _pull_to_barycentrics(attributes.detach().numpy(), seen, triangles, upstream, to_barycentrics.numpy())
    if wants_attributes:
        summed = torch.zeros(attributes.shape, dtype=torch.float64)
        parts = -(-threads // max(len(attributes), 1))
        weights = barycentrics.detach().numpy()
        _pull_to_attributes(weights, seen, triangles, upstream, parts, summed.numpy())
        to_attributes = summed.to(attributes.dtype)
    return to_attributes, to_barycentrics


@compiled(parallel=True, cache=True)
def _weigh(attributes, barycentrics, seen, faces, result):  # type: ignore[no-untyped-def]
    batch, height, width = seen.shape
    channels = attributes.shape[2]
    for line in numba.prange(batch * height):
        image, row = line // height, line % height
        values, triangles = attributes[image % len(attributes)], faces[image % len(faces)]
        for column in range(width):
            face = seen[image, row, column]
            if face < 0:
                continue
            i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            if min(i, j, k) < 0:
                continue
            a = barycentrics[image, 0, row, column]
            b = barycentrics[image, 1, row, column]
            c = barycentrics[image, 2, row, column]
            for channel in range(channels):
                result[image, channel, row, column] = (
                    a * values[i, channel] + b * values[j, channel] + c * values[k, channel]
                )


@compiled(parallel=True, cache=True)
def _pull_to_barycentrics(attributes, seen, faces, gradient, result):  # type: ignore[no-untyped-def]
    batch, height, width = seen.shape
    channels = attributes.shape[2]
    for line in numba.prange(batch * height):
        image, row = line // height, line % height
        values, triangles = attributes[image % len(attributes)], faces[image % len(faces)]
        for column in range(width):
            face = seen[image, row, column]
            if face < 0:
                continue
            i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            if min(i, j, k) < 0:
                continue
            a = b = c = 0.0
            for channel in range(channels):
                g = np.float64(gradient[image, channel, row, column])
                a += g * values[i, channel]
                b += g * values[j, channel]
                c += g * values[k, channel]
            result[image, 0, row, column] = a
            result[image, 1, row, column] = b
            result[image, 2, row, column] = c


@compiled(parallel=True, cache=True)
def _pull_to_attributes(barycentrics, seen, faces, gradient, parts, summed):  # type: ignore[no-untyped-def]
    """Each task owns a range of the vertices of one set of attributes, as in `cpu.scatter`."""
    batch, height, width = seen.shape
    sets, vertices, channels = summed.shape
    for task in numba.prange(sets * parts):
        owner, part = task // parts, task % parts
        first, last = vertices * part // parts, vertices * (part + 1) // parts
        for image in range(owner, batch, sets):
            triangles = faces[image % len(faces)]
            for row in range(height):
                for column in range(width):
                    face = seen[image, row, column]
                    if face < 0:
                        continue
                    for corner in range(3):
                        vertex = triangles[face, corner]
                        if first <= vertex < last:
                            weight = np.float64(barycentrics[image, corner, row, column])
                            for channel in range(channels):
                                summed[owner, vertex, channel] += weight * gradient[image, channel, row, column]
