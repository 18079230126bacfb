# SPDX-License-Identifier: Apache-2.0
"""The renderer of a training on a Ray cluster: the same images, also where a machine is killed in mid-run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from unrender.data.procedural import make_shape
from unrender.errors import ConfigurationError, RenderError
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

ROUNDS, BATCH = 24, 12


def batches() -> list[torch.Tensor]:
    """Grids [B, 1, X, Y, Z] of chairs."""
    seeds = range(ROUNDS * BATCH)
    grids = torch.stack([torch.from_numpy(make_shape("chair", seed % 40, 24)) for seed in seeds])
    return list(grids[:, None].split(BATCH))


def render_all(renderer: BlenderRenderer, after_each: Callable[[int], None] = lambda done: None) -> torch.Tensor:
    """All batches, handed over at once: RGB and alpha [N, 4, H, W]."""
    random = torch.Generator().manual_seed(3)
    pending = [renderer.submit(grids, ViewLaw().sample(BATCH, random), IGGAN_LIGHTING) for grids in batches()]
    images = []
    for done, one in enumerate(pending, 1):
        rendered = one.result(timeout=200.0)
        images.append(torch.cat([rendered.rgb, rendered.alpha], dim=1))
        after_each(done)
    return torch.cat(images)


@pytest.mark.peer
@pytest.mark.slow
def test_a_machine_is_killed_in_mid_run_and_the_images_are_those_of_a_local_pool(
    make_cluster: Callable[..., Any], blender: BlenderInstallation
) -> None:
    with BlenderRenderer(48, 2, workers=2, threads=1, blender=blender) as renderer:
        expected = render_all(renderer)
    cluster = make_cluster(2)
    machines: list[set[str]] = []
    with BlenderRenderer(48, 2, threads=1, ray=cluster.address) as renderer:

        def watch(done: int) -> None:
            machines.append(set(renderer.pool.machines()))
            if done == 8:
                cluster.remove_node(cluster.machines[0], allow_graceful=False)

        images = render_all(renderer, watch)
        assert max(map(len, machines)) == 2
        assert len(machines[-1]) == 1
        cluster.add_node(num_cpus=1)
        deadline = time.monotonic() + 120
        while len(renderer.pool.machines()) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(renderer.pool.machines()) == 2, "a machine that joins is not used"
    assert torch.equal(images, expected)
    assert not sys.modules["ray"].is_initialized()


@pytest.mark.peer
@pytest.mark.slow
def test_what_a_cluster_cannot_do_is_one_sentence(
    make_cluster: Callable[..., Any], blender: BlenderInstallation
) -> None:
    with pytest.raises(ConfigurationError, match="Nothing answers at the Ray address 127"):
        BlenderRenderer(ray="127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="No Ray cluster can be joined at 'auto'"):
        BlenderRenderer(ray="auto")
    cluster = make_cluster(1)
    with pytest.raises(ConfigurationError, match="needs 2 processors: of 2 machines the largest declares 1"):
        BlenderRenderer(threads=2, ray=cluster.address)
    with BlenderRenderer(48, 2, threads=1, ray=cluster.address) as renderer:
        grids, views = batches()[0], ViewLaw().sample(BATCH, torch.Generator().manual_seed(3))
        renderer.render(grids, views, IGGAN_LIGHTING)
        cluster.remove_node(cluster.machines[0], allow_graceful=False)
        with pytest.raises(RenderError, match="no machine left that could render"):
            renderer.render(grids, views, IGGAN_LIGHTING)
