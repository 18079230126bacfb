# SPDX-License-Identifier: Apache-2.0
"""What `unrender bench train-step --method textured_mesh_gan` measures: a step, and where its time goes."""

import os
import time
from typing import Any

_ROUND = 16  # steps: as many as from one gradient penalty to the next
_ALLOWED_SHARE = 0.25  # of the rasteriser
_PARTS = {
    "generator": ("forward", "backward"),
    "rasterizer": ("forward", "backward"),
    "discriminator": ("update", "verdict"),
}


def measure(config_name: str, steps: int, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Means in seconds over whole rounds of 16 steps, after a round that does not count.

    `seconds`: of the generator and of the rasteriser (views, backgrounds and textures with it), forward and backward;
    of the discriminator, its own update and its verdict on the generator's pictures, each there and back; of the looks
    at the signs of failure. `rasterizer_share` is the rasteriser's part of the step. Real pictures are those of other
    fresh networks. Raises ConfigurationError.
    """
    import torch

    from unrender.methods.textured_mesh_gan.config import load_config, network_threads
    from unrender.methods.textured_mesh_gan.method import TexturedMeshGan
    from unrender.methods.textured_mesh_gan.networks import build_generator
    from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
    from unrender.methods.textured_mesh_gan.views import ViewPrior
    from unrender.metrics.evaluation import Evaluation
    from unrender.metrics.feature_classifier import load_feature_classifier
    from unrender.training.devices import Devices

    config = load_config(config_name, overrides)
    torch.set_num_threads(network_threads(config))
    devices = Devices.single(config.precision)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        scenes = build_generator(config)(torch.randn(config.batch_size, config.generator.latent, generator=random))
        views = ViewPrior(config.views).sample(config.batch_size, random)
        real = PictureMaker(config).render(scenes, views).rgb
    method = TexturedMeshGan(config, Evaluation(load_feature_classifier(), real), devices)
    (phase,) = method.phases()
    rounds = max(1, steps // _ROUND)
    records: list[dict[str, float]] = []
    for step in range((rounds + 1) * _ROUND):
        started = time.perf_counter()
        statistics = method.step(phase, step * config.batch_size, real)
        records.append(statistics | {"step_seconds": time.perf_counter() - started})
    counted = records[_ROUND:]

    def mean(name: str) -> float:
        return sum(record.get(name, 0.0) for record in counted) / len(counted)

    step_seconds = mean("step_seconds")
    seconds = {part: {way: mean(f"{part}_{way}_seconds") for way in ways} for part, ways in _PARTS.items()}
    spent = {part: sum(ways.values()) for part, ways in seconds.items()} | {"monitor": mean("monitor_seconds")}
    shares = {part: value / step_seconds for part, value in spent.items()}
    is_cuda = devices.device.type == "cuda"
    load = {} if not hasattr(os, "getloadavg") else {"load": round(os.getloadavg()[0], 2)}
    return {
        "config": config_name,
        "set": overrides,
        "device": torch.cuda.get_device_name() if is_cuda else "cpu",
        "threads": torch.get_num_threads(),
        **load,
        "batch_size": config.batch_size,
        "image_size": config.image_size,
        "faces": 2 * config.generator.mesh_cells**2,
        "silhouette": config.renderer.silhouette,
        "steps": len(counted),
        "step_seconds": step_seconds,
        "images_per_second": config.batch_size / step_seconds,
        "seconds": seconds,
        "shares": shares | {"other": max(1.0 - sum(shares.values()), 0.0)},
        "rasterizer_share": shares["rasterizer"],
        "rasterizer_share_allowed": _ALLOWED_SHARE,
        "ok": shares["rasterizer"] <= _ALLOWED_SHARE,
        "peak_memory_bytes": devices.peak_memory(),
    }
