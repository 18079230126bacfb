# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from unrender.networks.sphere_padding import blur_sphere, pad_sphere, upsample_padded, upsample_sphere


def direction(x: Tensor, y: Tensor) -> Tensor:
    """[..., 3], not of unit length: where on the octahedron a point of the square lies, by its definition.

    Points beyond the square are folded back one side at a time.
    """
    for _ in range(2):
        over_x = x.abs() > 1.0
        x, y = torch.where(over_x, 2.0 * x.sign() - x, x), torch.where(over_x, -y, y)
        over_y = y.abs() > 1.0
        x, y = torch.where(over_y, -x, x), torch.where(over_y, 2.0 * y.sign() - y, y)
    front = 1.0 - x.abs() - y.abs()
    folded_x = torch.where(front < 0.0, x.sign() * (1.0 - y.abs()), x)
    folded_y = torch.where(front < 0.0, y.sign() * (1.0 - x.abs()), y)
    return torch.stack([folded_x, -front, folded_y], dim=-1)


def chart(side: int, beyond: int = 0) -> Tensor:
    """[1, 3, m, m]: directions at the centres of the pixels of a square and of so many around it."""
    centres = (torch.arange(-beyond, side + beyond, dtype=torch.float64) + 0.5) * 2.0 / side - 1.0
    y, x = torch.meshgrid(-centres, centres, indexing="ij")
    return direction(x, y).permute(2, 0, 1)[None]


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_a_function_of_direction_is_continued_by_its_own_values(width: int) -> None:
    torch.testing.assert_close(pad_sphere(chart(6), width), chart(6, width))


def test_the_corners_are_one_point() -> None:
    padded = pad_sphere(torch.arange(16.0).view(1, 1, 4, 4))[0, 0]
    for rows in (slice(2), slice(-2, None)):
        for columns in (slice(2), slice(-2, None)):
            assert padded[rows, columns].flatten().sort().values.tolist() == [0.0, 3.0, 12.0, 15.0]


def test_constants_stay_constant() -> None:
    constant = torch.full((2, 3, 8, 8), 0.3)
    for sigma in (0.0, 0.4, 1.0, 5.0):
        torch.testing.assert_close(blur_sphere(constant, sigma), constant)
    torch.testing.assert_close(upsample_sphere(constant), torch.full((2, 3, 16, 16), 0.3))


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_what_is_symmetric_stays_so(turn: int) -> None:
    """A turn of the square about its middle is one of the sphere about its front."""
    image = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for way in (pad_sphere, upsample_sphere, lambda x: blur_sphere(x, 1.3)):
        torch.testing.assert_close(way(torch.rot90(image, turn, (2, 3))), torch.rot90(way(image), turn, (2, 3)))


def test_blurring_goes_across_the_seam() -> None:
    spot = torch.zeros(1, 1, 8, 8)
    spot[0, 0, 0, 1] = 1.0  # on the upper border, left of its middle
    blurred = blur_sphere(spot, 1.0)[0, 0]
    assert blurred[0, 6] > 0.5 * blurred[0, 1]  # the pixel that it lies beside, on the other half of the border
    torch.testing.assert_close(blurred.sum(), torch.tensor(1.0))


def test_blurring_is_gaussian_far_from_the_border() -> None:
    spot = torch.zeros(1, 1, 33, 33, dtype=torch.float64)
    spot[0, 0, 16, 16] = 1.0
    blurred = blur_sphere(spot, 2.0)[0, 0]
    x = torch.arange(33.0, dtype=torch.float64) - 16.0
    wanted = torch.exp(-0.5 * (x / 2.0) ** 2) / math.sqrt(2.0 * math.pi * 4.0)
    torch.testing.assert_close(blurred, wanted[:, None] * wanted, atol=2e-4, rtol=0.0)


def test_upsampling_is_bilinear_between_centres() -> None:
    small = torch.rand(1, 2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    large = upsample_sphere(small)
    inner = functional.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(large[..., 1:-1, 1:-1], inner[..., 1:-1, 1:-1])
    # The border's own pixels lie a quarter of a pixel from their neighbours' centres across the seam.
    wanted = 0.75 * small[0, :, 0, :] + 0.25 * small[0, :, 0, :].flip(1)
    torch.testing.assert_close(large[0, :, 0, 1:-1:2], 0.75 * wanted[:, :-1] + 0.25 * wanted[:, 1:])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_exact(layout: torch.memory_format) -> None:
    image = torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    image = image.contiguous(memory_format=layout).requires_grad_()
    for width in (1, 3):
        assert torch.autograd.gradcheck(lambda x, width=width: pad_sphere(x, width), image)
        assert torch.autograd.gradgradcheck(lambda x, width=width: pad_sphere(x, width), image)
    assert torch.autograd.gradcheck(upsample_padded, image)
    assert torch.autograd.gradgradcheck(upsample_padded, image)


def test_the_layout_of_channels_is_kept() -> None:
    image = torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(upsample_sphere(image).square().sum(), image)
    assert upsample_sphere(image).stride(1) == 1
    assert gradient.is_contiguous(memory_format=torch.channels_last)
