# SPDX-License-Identifier: Apache-2.0
"""The soft mask of DIB-R: a silhouette that fades out exponentially around a mesh.

What it is: 1 where the mesh is, and around it the probability that at least one of the near faces reaches the pixel, if
each does so with `exp(-distance^2 sharpness)`. When to use it: to fit shapes to masks, from starts that are pixels away
from them, with a loss on the mask alone. Pictures get no gradient from it: pair it with `rasterize` and `interpolate`.
It dilates the silhouette, and it does not see edges of the mesh before itself.

Chen et al., Learning to Predict 3D Objects with an Interpolation-based Differentiable Renderer, 2019. In its code the
first faces in the order of the mesh count; here the nearest ones do, so that the order of the faces does not matter.
"""

import math
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve
from unrender.renderers.differentiable.rasterizer.checks import (
    batched,
    check_faces,
    check_near,
    check_screen,
    check_size,
    check_together,
)


def dibr_mask(
    screen: Float[Tensor, "B N 3"],
    faces: Int[Tensor, "*batch F 3"],
    size: tuple[int, int],
    *,
    sharpness: float = 1.0,
    box: float = 3.0,
    nearest: int = 30,
    near: float = 1e-3,
    backend: Backend = "auto",
) -> Float[Tensor, "B 1 H W"]:
    """The mask `1 - prod_j (1 - exp(-d_j^2 sharpness))` over the nearest faces j, and 1 in covered pixels.

    screen, faces, size, near: as for `rasterize`; faces seen from behind count like the others.
    sharpness: per squared pixel. d_j is in pixels, from the pixel's centre to the nearest point of the face. Kaolin's
        `sigmainv` is for images that span -1 to 1, hence `sharpness = sigmainv (2 / S)^2` in images of S x S pixels
        (7000 is 1.7 at 128 x 128).
    box: pixels by which the bounding box of a face is grown; only pixels in it see the face. Kaolin's `boxlen` times
        S / 2. The mask steps down to 0 there, from `exp(-box^2 sharpness)` or less.
    nearest: how many faces a pixel may see; the farther ones do not count.

    Gradients reach columns and rows of `screen` from pixels that are not covered; they are equal to the last bit from
    run to run. Raises ValueError for inputs of other shapes, dtypes, devices or ranges.
    """
    check_screen(screen)
    check_faces(faces, screen.shape[1], screen.shape[0])
    check_size(size)
    check_near(near)
    check_together(screen=screen, faces=faces)
    if not (0.0 < sharpness < math.inf and 0.0 <= box < math.inf):
        raise ValueError(
            f"sharpness came as {sharpness} and box as {box}; expected finite numbers above 0, and 0 or more"
        )
    if nearest < 1:
        raise ValueError(f"nearest came as {nearest}; expected at least 1 face per pixel")
    chosen = resolve(backend, screen)
    module = kernels("dibr_mask", chosen)
    closest = float(torch.tensor(near, dtype=screen.dtype))
    if chosen == "reference":
        mask: Tensor = module.dibr_mask(screen, batched(faces), size, sharpness, box, nearest, closest)
    else:
        mask = _DibrMask.apply(screen, batched(faces), size, sharpness, box, nearest, closest, module)
    return mask


class _DibrMask(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        screen: Tensor,
        faces: Tensor,
        size: tuple[int, int],
        sharpness: float,
        box: float,
        nearest: int,
        near: float,
        module: ModuleType,
    ) -> Tensor:
        screen = screen.contiguous()
        mask, *kept = module.dibr_mask_forward(screen, faces, size, sharpness, box, nearest, near)
        context.save_for_backward(screen, faces, *kept)
        context.sharpness, context.box, context.near, context.module = sharpness, box, near, module
        result: Tensor = mask
        return result

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        screen, faces, *kept = context.saved_tensors
        to_screen = context.module.dibr_mask_backward(
            screen, faces, *kept, gradient.contiguous(), context.sharpness, context.box, context.near
        )
        return to_screen, None, None, None, None, None, None, None
