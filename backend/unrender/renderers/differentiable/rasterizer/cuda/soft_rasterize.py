# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `soft_rasterize.soft_rasterize`.

Forward: one program per tile walks the tile's faces, with the sums of the blend scaled to its highest score so far.
Backward: one program per pair of a face and a tile computes the face's weights once more, and sums what the tile's
pixels say about its corners.
"""

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.closest import (
    along_backward,
    border_weights,
    load_outline,
    one_minus_exp,
    pixel_centres,
    surface_point,
    surface_point_backward,
    to_border,
)
from unrender.renderers.differentiable.rasterizer.cuda.device import blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.face_tiles import (
    TILE,
    FaceTiles,
    face_tiles,
    sum_to_vertices,
    tile_grid,
)

# mypy: disable-error-code="no-untyped-def"

_TOGETHER = 16  # channels that a program holds at a time


def soft_rasterize_forward(
    screen: Tensor,
    faces: Tensor,
    attributes: Tensor,
    attribute_faces: Tensor,
    size: tuple[int, int],
    sigma: float,
    gamma: float,
    reach: float,
    background: float,
    perspective: bool,
    cull: bool,
    near: float,
) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Colour [B, C, H, W], alpha and background weight [B, 1, H, W]; and what the backward needs: the logarithms of
    what alpha lacks and of the sum that the weights are shares of, and the tiles."""
    batch, channels = len(screen), attributes.shape[2]
    tiles = face_tiles(screen, faces, size, reach, cull, near)
    colour = screen.new_empty(batch, channels, *size)
    alpha, rest, missed, total = (screen.new_empty(batch, 1, *size) for _ in range(4))
    down, across = tile_grid(size)
    together = min(triton.next_power_of_2(max(channels, 1)), _TOGETHER)
    launch(
        _blend,
        (batch * down * across, blocks(max(channels, 1), together)),
        *(colour, alpha, rest, missed, total, tiles.corners, tiles.turn, tiles.tiles, tiles.face),
        *(attributes, attribute_faces, *_strides(faces, attributes, attribute_faces), channels, *size, down, across),
        *(sigma, gamma, reach, background),
        PERSPECTIVE=perspective,
        TILE=TILE,
        CHANNELS=together,
    )
    return colour, alpha, rest, [missed, total, *tiles]


def soft_rasterize_backward(
    screen: Tensor,
    faces: Tensor,
    attributes: Tensor,
    attribute_faces: Tensor,
    colour: Tensor,
    alpha: Tensor,
    rest: Tensor,
    missed: Tensor,
    total: Tensor,
    *others: Any,
) -> tuple[Tensor, Tensor]:
    """Gradients of the screen vertices and of the attributes. `others`: the tiles, the gradients of colour, alpha and
    background weight, then the settings from sigma to near."""
    tiles, (to_colour, to_alpha, to_rest) = FaceTiles(*others[:5]), others[5:8]
    sigma, gamma, reach, background, perspective, _, _ = others[8:]
    batch, channels, height, width = colour.shape
    # What a weight is worth if it takes from all the others.
    common = (to_colour * colour).sum(dim=1, keepdim=True) + to_rest * rest
    pairs = len(tiles.face)
    parts, attribute_parts = screen.new_empty(pairs, 3, 3), screen.new_empty(pairs, 3, channels)
    launch(
        _sum_gradients,
        (pairs,),
        *(parts, attribute_parts, to_colour, to_alpha, common, missed, total),
        *(tiles.corners, tiles.turn, tiles.tile, tiles.face),
        *(attributes, attribute_faces, *_strides(faces, attributes, attribute_faces), channels),
        *(height, width, *tile_grid((height, width)), sigma, gamma, reach, background),
        PERSPECTIVE=perspective,
        TILE=TILE,
        CHANNELS=min(triton.next_power_of_2(max(channels, 1)), _TOGETHER),
    )
    to_screen = sum_to_vertices(parts, tiles, faces, batch, batch, screen.shape[1])
    return to_screen, sum_to_vertices(attribute_parts, tiles, attribute_faces, batch, *attributes.shape[:2])


def _strides(faces: Tensor, attributes: Tensor, attribute_faces: Tensor) -> tuple[int, int, int]:
    """Faces per image; then how many rows on the next image's attributes and their faces are."""
    count = faces.shape[1]
    return count, attributes.shape[1] if len(attributes) > 1 else 0, count if len(attribute_faces) > 1 else 0


@kernel
def _covers(squared, side_0, side_1, side_2, sigma):
    """Whether the face's inside is there, logarithms of the probabilities that it covers and that it misses."""
    is_inside = (side_0 >= 0.0) & (side_1 >= 0.0) & (side_2 >= 0.0)
    signed = tl.where(is_inside, squared, -squared) / sigma
    softly = tl.log(1.0 + tl.exp(-tl.abs(signed)))
    return is_inside, tl.minimum(signed, 0.0) - softly, tl.minimum(-signed, 0.0) - softly


@kernel
def _linear_weights(is_inside, edge, share, following, side_0, side_1, side_2):
    """Linear barycentrics of the centre itself inside of a face, else of the nearest point of its border."""
    weight_0, weight_1, weight_2 = border_weights(edge, share, following)
    area = tl.where(is_inside, side_0 + side_1 + side_2, 1.0)
    # Corner i is opposite to edge i + 1.
    weight_0 = tl.where(is_inside, side_1 / area, weight_0)
    weight_1 = tl.where(is_inside, side_2 / area, weight_1)
    return weight_0, weight_1, tl.where(is_inside, side_0 / area, weight_2), area


@kernel
def _attribute_rows(attributes, attribute_faces, image, face, stride, face_stride, channels):
    """Where the attributes of a face's three corners begin."""
    place = attribute_faces + (image * face_stride + face) * 3
    # Padding among the attributes of a face that is drawn counts as the first row: it names nothing else.
    i = tl.maximum(tl.load(place), 0).to(tl.int64)
    j = tl.maximum(tl.load(place + 1), 0).to(tl.int64)
    k = tl.maximum(tl.load(place + 2), 0).to(tl.int64)
    first = image * stride
    return attributes + (first + i) * channels, attributes + (first + j) * channels, attributes + (first + k) * channels


@kernel
def _blend(
    colour_out, alpha_out, rest_out, missed_out, total_out, corners, turns, tiles, faces, attributes, attribute_faces,
    count, stride, face_stride, channels, height, width, down, across, sigma, gamma, reach, background,
    PERSPECTIVE: tl.constexpr, TILE: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    tile = tl.program_id(0).to(tl.int64)
    image = tile // (down * across)
    column, row, there, is_pixel = pixel_centres(
        tile, tl.arange(0, TILE * TILE), height, width, down, across, corners, TILE
    )
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    # The background's score is 0, and its share is in the sum from the start.
    highest, missed = tl.zeros_like(column), tl.zeros_like(column)
    total = highest + 1.0
    colour = tl.zeros([TILE * TILE, CHANNELS], corners.dtype.element_ty)
    for pair in range(tl.load(tiles + tile), tl.load(tiles + tile + 1)):
        face = tl.load(faces + pair)
        turn = tl.load(turns + face)
        x0, y0, x1, y1, x2, y2 = load_outline(corners, face)
        squared, _, _, edge, share, following, side_0, side_1, side_2 = to_border(
            column, row, x0, y0, x1, y1, x2, y2, turn
        )
        is_inside, covers, misses = _covers(squared, side_0, side_1, side_2, sigma)
        is_near = is_pixel & (is_inside | (squared < reach * reach))
        if tl.max(is_near.to(tl.int32), 0) > 0:
            weight_0, weight_1, weight_2, _ = _linear_weights(is_inside, edge, share, following, side_0, side_1, side_2)
            z0, z1, z2 = (
                tl.load(corners + face * 9 + 2),
                tl.load(corners + face * 9 + 5),
                tl.load(corners + face * 9 + 8),
            )
            bary_0, bary_1, bary_2, depth = surface_point(weight_0, weight_1, weight_2, z0, z1, z2, PERSPECTIVE)
            score = tl.where(is_near, covers + (background - depth) / gamma, -float("inf"))
            higher = tl.maximum(highest, score)
            scale, weight = tl.exp(highest - higher), tl.exp(score - higher)
            highest, total = higher, total * scale + weight
            missed += tl.where(is_near, misses, 0.0)
            row_0, row_1, row_2 = _attribute_rows(
                attributes, attribute_faces, image, face - image * count, stride, face_stride, channels
            )
            value_0 = tl.load(row_0 + channel, mask=channel < channels, other=0.0)
            value_1 = tl.load(row_1 + channel, mask=channel < channels, other=0.0)
            value_2 = tl.load(row_2 + channel, mask=channel < channels, other=0.0)
            value = bary_0[:, None] * value_0[None, :] + bary_1[:, None] * value_1[None, :]
            value += bary_2[:, None] * value_2[None, :]
            colour = colour * scale[:, None] + tl.where(is_near[:, None], weight[:, None] * value, 0.0)

    place = there + image * (channels - 1) * height * width  # `there` counts one plane for each image before
    place = place[:, None] + channel.to(tl.int64)[None, :] * height * width
    tl.store(colour_out + place, colour / total[:, None], mask=is_pixel[:, None] & (channel < channels)[None, :])
    is_mine = is_pixel & (tl.program_id(1) == 0)
    tl.store(alpha_out + there, one_minus_exp(-missed), mask=is_mine)
    tl.store(rest_out + there, tl.exp(-highest) / total, mask=is_mine)
    tl.store(missed_out + there, missed, mask=is_mine)
    tl.store(total_out + there, highest + tl.log(total), mask=is_mine)


@kernel
def _sum_gradients(
    parts, attribute_parts, to_colour, to_alpha, common_in, missed_in, total_in, corners, turns, tile_of, faces,
    attributes, attribute_faces, count, stride, face_stride, channels, height, width, down, across, sigma, gamma, reach,
    background, PERSPECTIVE: tl.constexpr, TILE: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    pair = tl.program_id(0).to(tl.int64)
    tile, face = tl.load(tile_of + pair), tl.load(faces + pair)
    image = tile // (down * across)
    column, row, there, is_pixel = pixel_centres(
        tile, tl.arange(0, TILE * TILE), height, width, down, across, corners, TILE
    )
    turn = tl.load(turns + face)
    x0, y0, x1, y1, x2, y2 = load_outline(corners, face)
    z0, z1, z2 = tl.load(corners + face * 9 + 2), tl.load(corners + face * 9 + 5), tl.load(corners + face * 9 + 8)
    squared, away_x, away_y, edge, share, following, side_0, side_1, side_2 = to_border(
        column, row, x0, y0, x1, y1, x2, y2, turn
    )
    is_inside, covers, misses = _covers(squared, side_0, side_1, side_2, sigma)
    is_near = is_pixel & (is_inside | (squared < reach * reach))
    weight_0, weight_1, weight_2, area = _linear_weights(is_inside, edge, share, following, side_0, side_1, side_2)
    bary_0, bary_1, bary_2, depth = surface_point(weight_0, weight_1, weight_2, z0, z1, z2, PERSPECTIVE)
    total = tl.load(total_in + there, mask=is_near, other=0.0)
    blend = tl.where(is_near, tl.exp(covers + (background - depth) / gamma - total), 0.0)
    bary_0, bary_1 = tl.where(is_near, bary_0, 0.0), tl.where(is_near, bary_1, 0.0)
    bary_2 = tl.where(is_near, bary_2, 0.0)

    # What the barycentrics are worth, and what the attributes are, some channels after the others.
    to_0, to_1, to_2 = tl.zeros_like(column), tl.zeros_like(column), tl.zeros_like(column)
    row_0, row_1, row_2 = _attribute_rows(
        attributes, attribute_faces, image, face - image * count, stride, face_stride, channels
    )
    first = there + image * (channels - 1) * height * width
    for start in range(0, channels, CHANNELS):
        channel = start + tl.arange(0, CHANNELS)
        wanted = channel < channels
        given = tl.load(
            to_colour + first[:, None] + channel.to(tl.int64)[None, :] * height * width,
            mask=is_near[:, None] & wanted[None, :],
            other=0.0,
        )
        to_0 += tl.sum(given * tl.load(row_0 + channel, mask=wanted, other=0.0)[None, :], 1)
        to_1 += tl.sum(given * tl.load(row_1 + channel, mask=wanted, other=0.0)[None, :], 1)
        to_2 += tl.sum(given * tl.load(row_2 + channel, mask=wanted, other=0.0)[None, :], 1)
        place = attribute_parts + pair * 3 * channels + channel
        tl.store(place, tl.sum((blend * bary_0)[:, None] * given, 0), mask=wanted)
        tl.store(place + channels, tl.sum((blend * bary_1)[:, None] * given, 0), mask=wanted)
        tl.store(place + 2 * channels, tl.sum((blend * bary_2)[:, None] * given, 0), mask=wanted)

    worth = bary_0 * to_0 + bary_1 * to_1 + bary_2 * to_2
    to_score = blend * (worth - tl.load(common_in + there, mask=is_near, other=0.0))
    to_0, to_1, to_2, to_z0, to_z1, to_z2 = surface_point_backward(
        bary_0,
        bary_1,
        bary_2,
        depth,
        z0,
        z1,
        z2,
        blend * to_0,
        blend * to_1,
        blend * to_2,
        -to_score / gamma,
        PERSPECTIVE,
    )
    # The distance: twice the vector from the border's nearest point, the other way round outside.
    slope = tl.load(to_alpha + there, mask=is_near, other=0.0) * tl.exp(
        tl.load(missed_in + there, mask=is_near, other=0.0)
    )
    slope = (slope * tl.exp(covers) + to_score * tl.exp(misses)) * tl.where(is_inside, -2.0, 2.0) / sigma
    pull_x, pull_y = slope * away_x, slope * away_y
    start_dx, start_dy, end_dx, end_dy = share * pull_x, share * pull_y, following * pull_x, following * pull_y
    # The weights outside: those of the two ends of the nearest edge.
    start_x = tl.where(edge == 0, x0, tl.where(edge == 1, x1, x2))
    start_y = tl.where(edge == 0, y0, tl.where(edge == 1, y1, y2))
    end_x = tl.where(edge == 0, x1, tl.where(edge == 1, x2, x0))
    end_y = tl.where(edge == 0, y1, tl.where(edge == 1, y2, y0))
    to_along = tl.where(edge == 0, to_1 - to_0, tl.where(edge == 1, to_2 - to_1, to_0 - to_2))
    ax, ay, bx, by = along_backward(column, row, start_x, start_y, end_x, end_y, following, to_along)
    start_dx, start_dy = tl.where(is_inside, start_dx, start_dx + ax), tl.where(is_inside, start_dy, start_dy + ay)
    end_dx, end_dy = tl.where(is_inside, end_dx, end_dx + bx), tl.where(is_inside, end_dy, end_dy + by)
    # The weights inside: areas opposite to the corners.
    common = weight_0 * to_0 + weight_1 * to_1 + weight_2 * to_2
    scale = tl.where(is_inside, tl.where(turn > 0, 1.0, -1.0) / area, 0.0)
    to_0, to_1, to_2 = scale * (to_0 - common), scale * (to_1 - common), scale * (to_2 - common)
    x0, y0, x1, y1, x2, y2 = x0 - column, y0 - row, x1 - column, y1 - row, x2 - column, y2 - row

    dx0 = tl.where(edge == 0, start_dx, tl.where(edge == 2, end_dx, 0.0)) + to_2 * y1 - to_1 * y2
    dy0 = tl.where(edge == 0, start_dy, tl.where(edge == 2, end_dy, 0.0)) - to_2 * x1 + to_1 * x2
    dx1 = tl.where(edge == 1, start_dx, tl.where(edge == 0, end_dx, 0.0)) + to_0 * y2 - to_2 * y0
    dy1 = tl.where(edge == 1, start_dy, tl.where(edge == 0, end_dy, 0.0)) - to_0 * x2 + to_2 * x0
    dx2 = tl.where(edge == 2, start_dx, tl.where(edge == 1, end_dx, 0.0)) + to_1 * y0 - to_0 * y1
    dy2 = tl.where(edge == 2, start_dy, tl.where(edge == 1, end_dy, 0.0)) - to_1 * x0 + to_0 * x1
    place = parts + pair * 9
    tl.store(place + 0, tl.sum(tl.where(is_near, dx0, 0.0), 0))
    tl.store(place + 1, tl.sum(tl.where(is_near, dy0, 0.0), 0))
    tl.store(place + 2, tl.sum(tl.where(is_near, to_z0, 0.0), 0))
    tl.store(place + 3, tl.sum(tl.where(is_near, dx1, 0.0), 0))
    tl.store(place + 4, tl.sum(tl.where(is_near, dy1, 0.0), 0))
    tl.store(place + 5, tl.sum(tl.where(is_near, to_z1, 0.0), 0))
    tl.store(place + 6, tl.sum(tl.where(is_near, dx2, 0.0), 0))
    tl.store(place + 7, tl.sum(tl.where(is_near, dy2, 0.0), 0))
    tl.store(place + 8, tl.sum(tl.where(is_near, to_z2, 0.0), 0))
