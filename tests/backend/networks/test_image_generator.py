# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.networks.image_generator import ImageGenerator


@pytest.mark.parametrize("size", [32, 64, 128])
def test_images_are_premultiplied_at_every_size(size: int) -> None:
    torch.manual_seed(0)
    channels = tuple(8 for _ in range(size.bit_length() - 3))
    generator = ImageGenerator(size, 8, channels)
    torch.nn.init.normal_(generator.to_image.weight, 0.0, 2.0)  # far from the middle of the range
    images = generator(torch.randn(4, 8))
    assert images.shape == (4, 2, size, size)
    grey, alpha = images.split(1, dim=1)
    assert (grey >= 0.0).all()
    assert (grey <= alpha).all()
    assert (alpha <= 1.0).all()
    assert alpha.std() > 0.2


def test_every_latent_reaches_every_corner() -> None:
    torch.manual_seed(0)
    generator = ImageGenerator(32, 4, (16, 8, 8))
    z = torch.randn(3, 4, requires_grad=True)
    for corner in ((0, 0), (0, 31), (31, 0), (31, 31)):
        (gradient,) = torch.autograd.grad(generator(z)[:, :, corner[0], corner[1]].square().sum(), z)
        assert (gradient.abs() > 0.0).all()


def test_widths_that_do_not_build_the_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"build 32\^2 images, not 64\^2"):
        ImageGenerator(64, 8, (16, 8, 8))
