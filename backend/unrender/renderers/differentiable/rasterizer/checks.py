# SPDX-License-Identifier: Apache-2.0
"""Input checks that the primitives share: each raises ValueError with one sentence that says what came, what was
expected and what to do."""

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from unrender.renderers.differentiable.rasterizer.fragments import Fragments

_FLOATS = (torch.float32, torch.float64)
_INTEGERS = (torch.int32, torch.int64)

# Face tensor -> (version of its contents, smallest index, largest index). A mesh's faces seldom change, and looking at
# them makes a GPU wait.
_ranges: WeakIdKeyDictionary = WeakIdKeyDictionary()


def described(tensor: Tensor) -> str:
    """A tensor in an error message: its dtype and shape."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def check_screen(screen: Tensor) -> None:
    """Screen vertices must be floating [B, N, 3]."""
    if screen.ndim != 3 or screen.shape[-1] != 3 or screen.dtype not in _FLOATS:
        raise ValueError(
            f"screen came as {described(screen)}; expected float32 or float64 [B, N, 3] with (column, row, depth)"
        )


def check_faces(faces: Tensor, vertices: int, batch: int) -> None:
    """Faces must be integers [F, 3] or [batch, F, 3], each index from -1 (padding) to vertices - 1."""
    if faces.dtype not in _INTEGERS or faces.ndim not in (2, 3) or faces.shape[-1] != 3:
        raise ValueError(f"faces came as {described(faces)}; expected int32 or int64 [F, 3] or [{batch}, F, 3]")
    if faces.ndim == 3 and faces.shape[0] != batch:
        raise ValueError(f"faces of {faces.shape[0]} meshes came with a batch of {batch}; expected one mesh per image")
    if faces.shape[-2] >= 2**31:
        raise ValueError(f"{faces.shape[-2]} faces came in one mesh; expected fewer than 2^31: split the mesh")
    if faces.numel() == 0:
        return
    lowest, highest = _index_range(faces)
    if lowest < -1 or highest >= vertices:
        wrong = highest if highest >= vertices else lowest
        raise ValueError(
            f"A face names vertex {wrong}; expected 0 to {vertices - 1} for {vertices} vertices, or -1 for padding"
        )


def check_size(size: tuple[int, int]) -> None:
    """An image size must be two positive numbers."""
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size came as {tuple(size)}; expected (height, width) of at least 1 pixel each")


def check_near(near: float) -> None:
    """The near plane must lie in front of the camera."""
    if not 0.0 < near < float("inf"):
        raise ValueError(f"near came as {near}; expected a distance above 0, in world units")


def check_fragments(fragments: Fragments, faces: Tensor) -> None:
    """Fragments must be of as many images as there are meshes, and (looked at on the CPU, where it is cheap) name faces
    that exist."""
    batch = fragments.face.shape[0]
    if faces.ndim == 3 and faces.shape[0] != batch:
        raise ValueError(f"faces of {faces.shape[0]} meshes came with fragments of {batch} images; expected as many")
    if fragments.face.device.type == "cpu" and fragments.face.numel() > 0:
        last = int(fragments.face.amax())
        if last >= faces.shape[-2]:
            raise ValueError(
                f"A fragment names face {last}, but {faces.shape[-2]} faces came; "
                "pass the faces that were rasterised, or as many in the same order"
            )


def check_attributes(attributes: Tensor, fragments: Fragments) -> None:
    """Attributes must be floating [1 or B, N, C]."""
    batch = fragments.face.shape[0]
    is_batch = attributes.ndim == 3 and attributes.shape[0] in (1, batch)
    if not is_batch or attributes.dtype not in _FLOATS:
        raise ValueError(
            f"attributes came as {described(attributes)}; expected float32 or float64 [{batch}, N, C] or [1, N, C]"
        )


def check_together(**tensors: Tensor | None) -> None:
    """All tensors must be on one device, and all floating ones of one dtype. None is passed over."""
    first_name, first = next((name, tensor) for name, tensor in tensors.items() if tensor is not None)
    floating: tuple[str, torch.dtype] | None = None
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if tensor.device != first.device:
            raise ValueError(
                f"{first_name} is on {first.device} and {name} on {tensor.device}; move them to the same device"
            )
        if tensor.is_floating_point():
            if floating is not None and floating[1] != tensor.dtype:
                raise ValueError(
                    f"{floating[0]} is {str(floating[1]).removeprefix('torch.')} and {name} "
                    f"{str(tensor.dtype).removeprefix('torch.')}; convert them to the same dtype"
                )
            floating = name, tensor.dtype


def batched(faces: Tensor) -> Tensor:
    """Faces as the kernels take them: contiguous int32 [1, F, 3] where the batch shares them, else [B, F, 3]."""
    return (faces if faces.ndim == 3 else faces.unsqueeze(0)).int().contiguous()


def _index_range(faces: Tensor) -> tuple[int, int]:
    version = -1 if faces.is_inference() else faces._version  # tensors of inference mode do not count their changes
    known = _ranges.get(faces)
    if known is None or known[0] != version or version < 0:
        low, high = torch.aminmax(faces)
        known = (version, int(low), int(high))
        _ranges[faces] = known
    return known[1], known[2]
