# SPDX-License-Identifier: Apache-2.0
"""Texture sampling in plain PyTorch: the definition that the kernels are tested against."""

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.mip import mip_pyramid


def sample_texture(
    uv: Float[Tensor, "B 2 H W"],
    image: Float[Tensor, "B2 C h w"],
    footprint: Float[Tensor, "B 4 H W"] | None,
    repeat: bool,
) -> Float[Tensor, "B C H W"]:
    """`texture` by autograd: every level is sampled everywhere, and the hat function of the wanted level weighs it."""
    if footprint is None:
        return _bilinear(uv, image, repeat)
    levels = mip_pyramid(image)
    wanted = mip_level(footprint.detach(), image.shape[-2], image.shape[-1], len(levels))
    sampled = [
        _bilinear(uv, level, repeat) * (1.0 - (wanted - i).abs()).clamp(min=0.0) for i, level in enumerate(levels)
    ]
    return torch.stack(sampled).sum(dim=0)


def mip_level(footprint: Float[Tensor, "B 4 H W"], height: int, width: int, levels: int) -> Float[Tensor, "B 1 H W"]:
    """log2 of the longer side of the footprint in texels, within [0, levels - 1]; 0 where it is NaN."""
    u_column, v_column, u_row, v_row = footprint.unbind(1)
    longer = torch.maximum(
        (u_column * width) ** 2 + (v_column * height) ** 2, (u_row * width) ** 2 + (v_row * height) ** 2
    )
    level = (0.5 * torch.log2(longer)).nan_to_num(nan=0.0, posinf=float(levels))
    return level.clamp(0.0, float(levels - 1)).unsqueeze(1)


def footprint_of(
    uv: Float[Tensor, "B2 M 2"],
    uv_faces: Integer[Tensor, "*batch2 F 3"],
    screen: Float[Tensor, "B N 3"],
    faces: Integer[Tensor, "*batch F 3"],
    fragments: Fragments,
    perspective: bool,
) -> Float[Tensor, "B 4 H W"]:
    """`uv_footprint`, from the corners of the face that each pixel shows."""
    batch, rows, columns = fragments.face.shape
    item = torch.arange(batch, device=screen.device).view(-1, 1, 1)
    seen = fragments.face.clamp(min=0).long()

    def corners(values: Tensor, triangles: Tensor) -> Tensor:
        if triangles.shape[-2] == 0:
            return values.new_zeros(batch, rows, columns, 3, values.shape[-1])
        of_item = triangles.expand(batch, -1, -1)[item, seen].long().clamp(min=0)
        return values.expand(batch, -1, -1)[item.unsqueeze(-1), of_item]

    place = corners(screen.detach(), faces)
    x, y, depth = place.unbind(-1)
    x_next, x_before = x.roll(-1, -1), x.roll(-2, -1)
    y_next, y_before = y.roll(-1, -1), y.roll(-2, -1)
    area = ((x_next - x) * (y_before - y) - (x_before - x) * (y_next - y))[..., :1]
    # How fast the weight of each corner grows per pixel: linear on the screen, the same all over the face.
    by_column, by_row = (y_next - y_before) / area, (x_before - x_next) / area
    if perspective:
        # The weight divided by depth is linear instead, and so is 1 / depth, which it is normalised by.
        nearness = fragments.depth.detach()[:, 0, ..., None] / depth
        weights = fragments.barycentrics.detach().permute(0, 2, 3, 1)
        by_column, by_row = (
            slope * nearness - weights * (slope * nearness).sum(-1, keepdim=True) for slope in (by_column, by_row)
        )
    at_corners = corners(uv.detach(), uv_faces)
    steps = torch.cat([(slope.unsqueeze(-1) * at_corners).sum(-2) for slope in (by_column, by_row)], dim=-1)
    return torch.where((fragments.face >= 0).unsqueeze(1), steps.permute(0, 3, 1, 2), 0.0)


def _bilinear(uv: Tensor, image: Tensor, repeat: bool) -> Tensor:
    """Four texels around each uv, weighted by how near they are. Where uv is not finite: 0, without a gradient."""
    batch, _, rows, columns = uv.shape
    channels, height, width = image.shape[1:]
    finite = uv.isfinite().all(dim=1)
    u, v = torch.where(finite.unsqueeze(1), uv, 0.0).unbind(1)
    column, x_left, x_right = _taps(u, width, repeat)
    row, y_top, y_bottom = _taps(1.0 - v, height, repeat)
    flat = image.expand(batch, -1, -1, -1).reshape(batch, channels, -1)
    result = uv.new_zeros(batch, channels, rows, columns)
    for y, y_weight in ((y_top, 1.0 - row), (y_bottom, row)):
        for x, x_weight in ((x_left, 1.0 - column), (x_right, column)):
            index = (y * width + x).reshape(batch, 1, -1).expand(-1, channels, -1)
            texels = flat.gather(2, index).reshape(batch, channels, rows, columns)
            result = result + texels * (x_weight * y_weight * finite).unsqueeze(1)
    return result


def _taps(share: Tensor, count: int, repeat: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Along one axis of `count` texels whose centres lie at (i + 0.5) / count: how far each position is on the way
    between two neighbours, and which these are."""
    if repeat:
        place = (share - share.detach().floor()) * count - 0.5
        before = place.detach().floor()
        first = before.long() % count
        return place - before, first, (first + 1) % count
    place = (share * count - 0.5).clamp(0.0, float(count - 1))
    before = place.detach().floor()
    first = before.long()
    return place - before, first, (first + 1).clamp(max=count - 1)
