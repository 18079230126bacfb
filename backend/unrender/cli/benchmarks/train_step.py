# SPDX-License-Identifier: Apache-2.0
"""`unrender bench train-step`: what a training step costs beside its parts."""

import time
from typing import Annotated, Any

import typer

from unrender.cli.console import print_json


def command(
    config: Annotated[str, typer.Option(help="Name of a preset, or a .toml file.")] = "iggan-32",
    steps: Annotated[int, typer.Option(min=4, help="Steps measured of each kind.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time a training step with the renderer in the loop, the networks alone, and the renderer alone, in one run.

    `ratio` is the step's time over its limit: network + render where both share a CPU, the larger of the two where the
    networks run on a GPU.
    """
    result = measure(config, steps)
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        typer.echo(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")


def measure(config_name: str, steps: int) -> dict[str, Any]:
    """Medians in seconds. The three measurements alternate in rounds, so that a busy machine slows them alike."""
    import statistics

    import torch

    from unrender.methods.voxel_gan.black_box import BlackBox
    from unrender.methods.voxel_gan.config import load_config, network_threads
    from unrender.methods.voxel_gan.evaluation import Evaluation
    from unrender.methods.voxel_gan.method import VoxelGan
    from unrender.methods.voxel_gan.rendering import build_renderer
    from unrender.metrics.feature_classifier import load_feature_classifier
    from unrender.training.devices import Devices
    from unrender.training.method import Phase

    config = load_config(config_name)
    torch.set_num_threads(network_threads(config))
    devices = Devices.single(config.precision)
    renderer = build_renderer(config)
    try:
        replayed = _ReplayedRenderer()
        real = _procedural_pictures(config, renderer, replayed)
        evaluation = Evaluation(load_feature_classifier(), real)
        live, still = (
            VoxelGan(config, BlackBox(box, config.lighting, config.photos.encoding), evaluation, devices)
            for box in (renderer, replayed)
        )
        phase = Phase("adversarial", config.total_images)
        times: dict[str, list[float]] = {"step": [], "network": [], "render": []}
        shown = 0
        rounds = max(1, steps // 5)
        for method in (live, still):
            _train(method, phase, 0, real, 3)
        for _ in range(rounds):
            times["step"] += _train(live, phase, shown, real, 5)
            live.settle()
            times["network"] += _train(still, phase, shown, real, 5)
            times["render"] += _render(config, renderer, replayed, 5)
            shown += 5 * config.batch_size
    finally:
        renderer.close()
    step, network, render = (statistics.mean(times[name]) for name in ("step", "network", "render"))
    limit = max(network, render) if devices.device.type == "cuda" else network + render
    return {
        "config": config_name,
        "device": torch.cuda.get_device_name() if devices.device.type == "cuda" else "cpu",
        "batch_size": config.batch_size,
        "step_seconds": step,
        "network_seconds": network,
        "render_seconds": render,
        "limit": "max(network, render)" if devices.device.type == "cuda" else "network + render",
        "ratio": step / limit,
        "ratio_allowed": 1.25 if devices.device.type == "cuda" else 1.15,
    }


class _ReplayedRenderer:
    """Returns images that were rendered before: what is left of a step is the networks' time."""

    differentiable = False
    render_seconds = 0.0

    def __init__(self) -> None:
        self.images: Any = None
        self.grid: Any = None
        self.cameras: Any = None

    def submit(self, shapes: Any, cameras: Any, lighting: Any) -> "_ReplayedRenderer":
        return self

    def render(self, shapes: Any, cameras: Any, lighting: Any) -> Any:
        return self.images

    def result(self, timeout: float | None = None) -> Any:
        return self.images

    def close(self) -> None:
        """Nothing to release."""


def _procedural_pictures(config: Any, renderer: Any, replayed: _ReplayedRenderer) -> Any:
    """Renders of chairs as training images; the last batch is what the replayed renderer returns."""
    import numpy as np
    import torch

    from unrender.data.procedural import make_shape
    from unrender.methods.voxel_gan.black_box import discriminator_images

    shapes = np.stack([make_shape("chair", seed, config.resolution) for seed in range(config.batch_size)])
    replayed.grid = torch.from_numpy(shapes[:, None])
    replayed.cameras = config.views.sample(config.batch_size, torch.Generator().manual_seed(0))
    replayed.images = renderer.render(replayed.grid, replayed.cameras, config.lighting)
    return discriminator_images(replayed.images, config.photos.encoding)


def _train(method: Any, phase: Any, shown: int, real: Any, steps: int) -> list[float]:
    times = []
    for step in range(steps):
        started = time.perf_counter()
        method.step(phase, shown + step * method.batch_size, real)
        times.append(time.perf_counter() - started)
    return times


def _render(config: Any, renderer: Any, replayed: _ReplayedRenderer, batches: int) -> list[float]:
    times = []
    for _ in range(batches):
        started = time.perf_counter()
        renderer.render(replayed.grid, replayed.cameras, config.lighting)
        times.append(time.perf_counter() - started)
    return times
