# SPDX-License-Identifier: Apache-2.0
"""`unrender bench train-step`: what a training step costs beside its parts, beside a plain loop, and in float32."""

import dataclasses
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrender.cli.benchmarks.comparison import Comparison, Question, compare
from unrender.cli.console import print_json

if TYPE_CHECKING:
    from unrender.cli.benchmarks.training_workload import Workload
    from unrender.methods.voxel_gan.config import VoxelGanConfig

_ROUND = 8  # steps: as many as from one gradient penalty to the next


def command(
    method: Annotated[str, typer.Option(help="Whose step: voxel_gan or textured_mesh_gan.")] = "voxel_gan",
    config: Annotated[
        str, typer.Option(help="Name of a preset, or a .toml file; left out: the method's usual one.")
    ] = "",
    steps: Annotated[int, typer.Option(min=4, help="Steps measured of each kind, in rounds of 8.")] = 32,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, over the config.")] = None,
    compiled: Annotated[
        bool | None,
        typer.Option("--compile/--no-compile", help="Whether the fast side is compiled; left out: on a GPU it is."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time training steps in one run: as they are, without overlap, the networks and the renderer alone, in float32.

    Of a textured-mesh GAN: the step, and the seconds of its generator, rasteriser and discriminator, there and back,
    in rounds of 16; `rasterizer_share` beside the share that is allowed. The rest is of a voxel GAN:

    `ratio` is the step's time over its limit: network + render where both share a CPU, the larger of the two where the
    networks run on a GPU. `overlap` compares with a loop that waits for each batch of renders before it goes on,
    `precision` the networks alone with themselves in float32, neither compiled nor with channels last. `proxy` is how
    fast the proxy's convolutions are beside the fastest product of matrices.
    """
    from unrender.methods import USUAL_PRESETS

    if method not in USUAL_PRESETS:
        raise typer.BadParameter(f"There is no method {method!r}; methods are {', '.join(USUAL_PRESETS)}.")
    preset, overrides = config or USUAL_PRESETS[method], tuple(settings or ())
    if method == "textured_mesh_gan":
        from unrender.cli.benchmarks.textured_step import measure as measure_textured

        if compiled is not None:
            raise typer.BadParameter("--compile and --no-compile are of voxel_gan; textured_mesh_gan is not compiled.")
        result = measure_textured(preset, steps, overrides)
    else:
        result = measure(preset, steps, overrides, compiled)
    if as_json:
        print_json(result)
        return
    for name, value in result.items():
        typer.echo(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")


def measure(config_name: str, steps: int, overrides: tuple[str, ...], compiled: bool | None) -> dict[str, Any]:
    """Means in seconds. The measurements alternate in rounds, so that a busy machine slows them alike.

    Raises ConfigurationError, BlenderNotFoundError.
    """
    import torch

    from unrender.methods.voxel_gan.config import load_config, network_threads
    from unrender.methods.voxel_gan.pictures.rendering import build_renderer
    from unrender.training.devices import Devices

    config = load_config(config_name, overrides)
    torch.set_num_threads(network_threads(config))
    devices = Devices.single(config.precision)
    is_cuda = devices.device.type == "cuda"
    fast = dataclasses.replace(
        config, precision="bfloat16", channels_last=True, compile=is_cuda if compiled is None else compiled
    )
    plain = dataclasses.replace(config, precision="float32", channels_last=False, compile=False)
    load = {} if not hasattr(os, "getloadavg") else {"load": round(os.getloadavg()[0], 2)}
    renderer = build_renderer(config)
    try:
        from unrender.cli.benchmarks.training_workload import Workload

        work = Workload(config, renderer, devices)
        device = torch.cuda.get_device_name() if is_cuda else "cpu"
        result = {"config": config_name, "set": overrides, "device": device, "batch_size": config.batch_size} | load
        result |= _parts(work, steps)
        result["overlap"] = dataclasses.asdict(_overlap(work, steps))
        result |= _precision(work, fast, plain, steps)
    finally:
        renderer.close()
    return result


def _rounds(steps: int) -> list[int]:
    """Steps of each round, `steps` together."""
    return [_ROUND] * (steps // _ROUND) or [steps]


def _parts(work: "Workload", steps: int) -> dict[str, Any]:
    """The step, what its networks take in it, and the networks and the renderer alone."""
    live, still = work.game(work.renderer), work.game(work.replayed)
    times: dict[str, list[float]] = {"step": [], "network": [], "render": []}
    for count in _rounds(steps):
        times["step"] += live.train(count)
        times["network"] += still.train(count)
        times["render"] += work.render_seconds(count)
    step, network, render = (sum(times[name]) / len(times[name]) for name in ("step", "network", "render"))
    within = {name: live.mean(f"{name}_seconds") for name in ("generator", "discriminator", "proxy", "wait")}
    is_cuda = work.devices.device.type == "cuda"
    limit = max(network, render) if is_cuda else network + render
    return {
        "step_seconds": step,
        "images_per_second": work.config.batch_size / step,
        "split_of_step": within | {"other": max(step - sum(within.values()), 0.0)},
        "network_seconds": network,
        "render_seconds": render,
        "limit": "max(network, render)" if is_cuda else "network + render",
        "ratio": step / limit,
        "ratio_allowed": 1.25 if is_cuda else 1.15,
        "peak_memory_bytes": work.devices.peak_memory(),
    }


def _overlap(work: "Workload", steps: int) -> Comparison:
    """The loop as it is against the same code that waits for its renders at once."""
    from unrender.cli.benchmarks.training_workload import WaitingRenderer

    rounds = _rounds(steps)
    live, waiting = work.game(work.renderer), work.game(WaitingRenderer(work.renderer))
    asked = 1.6 if work.devices.device.type == "cuda" else 1.0
    question = Question("overlap", "rendering while the networks compute, over waiting for it", "steps/s", asked)
    settings = {"renderer": work.config.renderer.kind, "steps": sum(rounds)}
    return compare(
        question,
        lambda: live.steps_per_second(rounds[0]),
        lambda: waiting.steps_per_second(rounds[0]),
        len(rounds),
        settings,
    )


def _precision(work: "Workload", fast: "VoxelGanConfig", plain: "VoxelGanConfig", steps: int) -> dict[str, Any]:
    """The networks alone, fast against plain, and what the fast proxy gets out of the device."""
    from unrender.cli.benchmarks.proxy_share import measure_proxy_share
    from unrender.training.devices import Devices

    rounds = _rounds(steps)
    device = work.devices.device
    one, other = (
        work.game(work.replayed, config, Devices.single(config.precision, device)) for config in (fast, plain)
    )
    way = "bfloat16, channels last" + (", compiled" if fast.compile else "")
    asked = 2.0 if device.type == "cuda" else 1.0
    question = Question("precision", f"{way}, over float32", "steps/s", asked)
    precision = compare(
        question,
        lambda: one.steps_per_second(rounds[0]),
        lambda: other.steps_per_second(rounds[0]),
        len(rounds),
        {"steps": sum(rounds), "tf32": device.type == "cuda" and _allows_tf32()},
    )
    return {"precision": dataclasses.asdict(precision), "proxy": measure_proxy_share(one, min(steps, 2 * _ROUND))}


def _allows_tf32() -> bool:
    import torch

    return bool(torch.backends.cudnn.allow_tf32)
