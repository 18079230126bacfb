# SPDX-License-Identifier: Apache-2.0
"""`interpolate.interpolate` in plain PyTorch."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.fragments import Fragments


def interpolate(attributes: Tensor, fragments: Fragments, faces: Tensor) -> Tensor:
    """Images [B, C, H, W]; attributes [1 or B, N, C], faces [1 or B, F, 3]; autograd gives the gradient."""
    batch, vertices = fragments.face.shape[0], attributes.shape[1]
    # Empty pixels see a face of their own, whose corners are noughts.
    values = torch.cat([attributes, torch.zeros_like(attributes[:, :1])], dim=1)
    if vertices == 0:
        values = attributes.new_zeros(len(attributes), 1, attributes.shape[2])
    own = torch.full((len(faces), 1, 3), vertices, dtype=torch.long, device=faces.device)
    triangles = torch.cat([faces.long(), own], dim=1)
    image = torch.arange(batch, device=faces.device).view(-1, 1, 1)
    face = torch.where(fragments.face >= 0, fragments.face.long(), faces.shape[1])
    corners = triangles[image if len(faces) > 1 else 0, face]
    seen = values[image.unsqueeze(-1) if len(values) > 1 else 0, corners]
    return torch.einsum("bkhw,bhwkc->bchw", fragments.barycentrics, seen)
