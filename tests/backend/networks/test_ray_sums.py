# SPDX-License-Identifier: Apache-2.0
"""The fused sums along rays against their definition in plain PyTorch."""

import pytest
import torch

from unrender.geometry.cameras import ViewLaw
from unrender.networks.ray_sums import ray_sums, ray_sums_reference


@pytest.mark.parametrize("absorption", [0.0, 0.3])
def test_the_kernel_sums_and_differentiates_as_the_definition_does(absorption: float) -> None:
    random = torch.Generator().manual_seed(0)
    cameras = ViewLaw().sample(5, random)
    grid = torch.rand(5, 1, 9, 9, 9, generator=random).requires_grad_(True)
    weights = torch.randn(5, 1, 16, 16, generator=random)
    results = []
    for function in (ray_sums, ray_sums_reference):
        image = function(grid, cameras, 16, 20, absorption)
        (gradient,) = torch.autograd.grad((image * weights).sum(), grid)
        results.append((image, gradient))
    (fused, fused_gradient), (plain, plain_gradient) = results
    torch.testing.assert_close(fused, plain, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(fused_gradient, plain_gradient, atol=2e-5, rtol=1e-4)
    assert plain_gradient.abs().max() > 0.5


def test_no_light_is_left_out_at_the_border_of_the_grid() -> None:
    cameras = ViewLaw().sample(1, torch.Generator().manual_seed(3))
    full = torch.ones(1, 1, 8, 8, 8)
    torch.testing.assert_close(
        ray_sums(full, cameras, 12, 64), ray_sums_reference(full, cameras, 12, 64), atol=1e-3, rtol=1e-4
    )
