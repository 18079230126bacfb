# SPDX-License-Identifier: Apache-2.0
"""The tower that generators of grids and of images share: 4 x 4 (x 4), then twice the size with every width."""

from torch import nn


def up_convolutions(
    inputs: int,
    channels: tuple[int, ...],
    convolution: type[nn.ConvTranspose2d] | type[nn.ConvTranspose3d],
    norm: type[nn.Module],
) -> nn.Sequential:
    """Three modules per width: up-convolution without bias, batch norm, ReLU. From one cell with `inputs` channels."""
    layers: list[nn.Module] = []
    for index, width in enumerate(channels):
        stride, padding = (1, 0) if index == 0 else (2, 1)
        layers += [convolution(inputs, width, 4, stride, padding, bias=False), norm(width), nn.ReLU(inplace=True)]
        inputs = width
    return nn.Sequential(*layers)
