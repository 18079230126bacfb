# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.geometry.cameras import ViewLaw
from unrender.networks.render_net import RenderNet


@pytest.mark.parametrize(("channels_3d", "millions"), [(32, 59.5), (16, 14.9)])
def test_size_at_the_papers_scale(channels_3d: int, millions: float) -> None:
    with torch.device("meta"):
        network = RenderNet(128, channels_3d)
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.01)


def test_stages_have_the_sizes_of_the_paper() -> None:
    """For a block of 128^3: 32 slices of 32 channels at 64 x 64, folded into 1024 channels."""
    shapes: dict[str, tuple[int, ...]] = {}
    with torch.device("meta"):
        network = RenderNet(128, 32)
        for name in ("encoder", "project", "narrow", "decoder"):
            getattr(network, name).register_forward_hook(
                lambda module, inputs, output, name=name: shapes.update({name: tuple(output.shape[1:])})
            )
        encoded = network.encoder(torch.empty(1, 1, 128, 128, 128))
        network.decoder(network.narrow(network.project(encoded.flatten(1, 2))))
    assert shapes == {
        "encoder": (32, 32, 64, 64),
        "project": (1024, 64, 64),
        "narrow": (512, 64, 64),
        "decoder": (2, 128, 128),
    }


def test_learns_one_picture() -> None:
    torch.manual_seed(0)
    network = RenderNet(16, 8)
    grid = torch.zeros(1, 1, 8, 8, 8)
    grid[:, :, 2:6, 3:6, 2:7] = 1.0
    cameras = ViewLaw().sample(1, torch.Generator().manual_seed(0))
    target = torch.zeros(1, 2, 16, 16)
    target[:, :, 4:11, 5:12] = 0.7
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(150):
        loss = (network(grid, cameras) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def test_a_fresh_network_passes_signal_and_gradient_through_all_of_its_layers() -> None:
    torch.manual_seed(0)
    network = RenderNet(32, 8, 1, 3)
    grid = torch.rand(2, 1, 16, 16, 16, requires_grad=True)
    images = network(grid, ViewLaw().sample(2, torch.Generator().manual_seed(0)))
    assert images.std(dim=(2, 3)).min() > 1e-3
    images.square().sum().backward()
    for name, parameter in network.named_parameters():
        if name.endswith("weight") and parameter.dim() > 1:
            assert parameter.grad is not None
            assert parameter.grad.abs().mean() > 1e-6, name


def test_sides_that_do_not_halve_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4, not 30"):
        RenderNet(30, 8)


def test_memory_format_changes_neither_images_nor_names_of_weights() -> None:
    torch.manual_seed(0)
    plain, fast = RenderNet(16, 8, channels_last=False), RenderNet(16, 8, channels_last=True)
    fast.load_state_dict(plain.state_dict())
    assert fast.blocks_2d[0].body[0].weight.is_contiguous(memory_format=torch.channels_last)
    grid, cameras = torch.rand(2, 1, 8, 8, 8), ViewLaw().sample(2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(fast(grid, cameras), plain(grid, cameras), atol=1e-5, rtol=1e-5)
