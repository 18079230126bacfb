# SPDX-License-Identifier: Apache-2.0
import torch

from unrender.networks.discriminators import Discriminators
from unrender.networks.image_discriminator import ImageDiscriminator


def test_the_second_discriminator_sees_nothing_but_the_silhouette() -> None:
    torch.manual_seed(0)
    discriminators = Discriminators(32, (4, 6, 8), silhouette=True)
    images = torch.rand(5, 2, 32, 32, requires_grad=True)
    logits, features = discriminators(images)
    assert logits.shape == (5, 2)
    assert len(features) == 6
    (of_image,) = torch.autograd.grad(logits[:, 0].sum(), images, retain_graph=True)
    (of_silhouette,) = torch.autograd.grad(logits[:, 1].sum(), images)
    assert of_image.abs().sum(dim=(0, 2, 3)).gt(0.0).tolist() == [True, True]
    assert of_silhouette.abs().sum(dim=(0, 2, 3)).gt(0.0).tolist() == [False, True]


def test_one_discriminator_is_the_plain_one() -> None:
    torch.manual_seed(0)
    discriminators = Discriminators(32, (4, 6, 8))
    images = torch.rand(5, 2, 32, 32)
    logits, features = discriminators(images)
    judge = discriminators.judges[0]
    assert isinstance(judge, ImageDiscriminator)
    wanted, layers = judge.rate(images)
    assert torch.equal(logits, wanted[:, None])
    assert all(torch.equal(a, b) for a, b in zip(features, layers, strict=True))


def test_both_grow_together() -> None:
    discriminators = Discriminators(32, (4, 6, 8), grows=True, silhouette=True)
    images = torch.rand(3, 2, 32, 32)
    whole, _ = discriminators(images)
    discriminators.halved = True
    small, _ = discriminators(torch.nn.functional.avg_pool2d(images, 2))
    torch.testing.assert_close(whole, small, atol=1e-5, rtol=0.0)
