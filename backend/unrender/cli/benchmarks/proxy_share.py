# SPDX-License-Identifier: Apache-2.0
"""How much of a device's peak the proxy's convolutions reach."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from unrender.cli.benchmarks.training_workload import Game

_PRODUCT_SIDE = {"cuda": 8192, "cpu": 1024}  # large enough for the peak, done in milliseconds


def measure_proxy_share(game: Game, repeats: int) -> dict[str, float] | None:
    """Floating-point operations of the proxy's convolutions, forward and backward with all gradients, over the time of
    the whole proxy, beside those of a large matrix product in the same precision. None without a proxy.

    The time has the resampling and all else of the proxy in it: the share is what the convolutions get out of the
    device, not what they would reach alone.
    """
    proxy, config, devices = game.method.networks.proxy, game.method.config, game.method.devices
    if proxy is None:
        return None
    count = config.batch_size // config.accumulation
    random = torch.Generator().manual_seed(0)
    shape = (count, 1, *[config.resolution] * 3)
    grid = (torch.rand(shape, generator=random) > 0.9).float().to(devices.device).requires_grad_(True)
    cameras = config.views.sample(count, random)
    proxy.requires_grad_(True)

    def run(look: Callable[..., Any]) -> None:
        with devices.autocast():
            images = look(grid, cameras)
        images.sum().backward()

    with FlopCounterMode(display=False) as counter:
        run(proxy.forward)  # what is compiled cannot be counted
    operations = sum(
        float(number) for name, number in counter.get_flop_counts()["Global"].items() if "convolution" in str(name)
    )
    seconds = _seconds(lambda: run(proxy), devices.device, repeats)
    proxy.requires_grad_(False)
    proxy.zero_grad(set_to_none=True)
    peak = _peak(devices.device, torch.bfloat16 if _is_bfloat16(game) else torch.float32, repeats)
    return {
        "operations": operations,
        "seconds": seconds,
        "operations_per_second": operations / seconds,
        "peak_operations_per_second": peak,
        "share_of_peak": operations / seconds / peak,
    }


def _is_bfloat16(game: Game) -> bool:
    with game.method.devices.autocast():
        return torch.is_autocast_enabled(game.method.devices.device.type)


def _peak(device: torch.device, dtype: torch.dtype, repeats: int) -> float:
    """Operations per second of a product of square matrices."""
    side = _PRODUCT_SIDE[device.type]
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2.0 * side**3 / _seconds(lambda: torch.mm(a, b), device, repeats)


def _seconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median, after two runs that do not count."""
    times = []
    for number in range(repeats + 2):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number >= 2:
            times.append(time.perf_counter() - started)
    return statistics.median(times)
