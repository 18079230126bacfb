# SPDX-License-Identifier: Apache-2.0
"""`scatter.scatter_corners` in plain PyTorch."""

import torch
from torch import Tensor


def scatter_corners(values: Tensor, face: Tensor, faces: Tensor, vertices: int) -> Tensor:
    """One `index_add` for the whole batch, mesh after mesh."""
    batch, channels = values.shape[0], values.shape[-1]
    image = torch.arange(batch, device=face.device).view(-1, 1, 1).expand_as(face)
    seen = face >= 0
    image, face = image[seen], face[seen].long()
    corners = faces.long()[image if len(faces) > 1 else 0, face]
    rows = (corners + image.unsqueeze(-1) * vertices).flatten()
    summed = values.new_zeros(batch * vertices, channels).index_add(0, rows, values[seen].reshape(-1, channels))
    return summed.view(batch, vertices, channels)
