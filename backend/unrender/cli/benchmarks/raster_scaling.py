# SPDX-License-Identifier: Apache-2.0
"""Times and memory of the rasteriser from a thousand faces to a million, and from small images to large ones."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch

from unrender.cli.benchmarks.raster_workload import Scene, peak_memory, refined, timed, wavy_ball

# Voxels a side of the grid that a mesh comes from, and how often it is refined.
_MESHES = ((14, 0), (53, 0), (53, 2), (53, 3))
_WARM_UP = 16  # pixels


def scaling(device: torch.device, largest: int, most_faces: int) -> Iterator[dict[str, Any]]:
    """One row per mesh and size, for images from 64 pixels a side to `largest` and meshes of up to `most_faces`.

    Each is measured in a process of its own, whose memory nothing else has grown. milliseconds: on the clock;
    processor_milliseconds: of all cores together; megabytes: by which a call raised memory at its highest.
    """
    for voxels, times in _MESHES:
        faces = len(wavy_ball(voxels)[1]) * 4**times
        if faces > most_faces:
            return
        pixels = 64
        while pixels <= largest:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                cell = process.submit(_measured, voxels, times, pixels, device.type, torch.get_num_threads())
                yield {"row": "scaling", "faces": faces, "pixels": pixels} | cell.result()
            pixels *= 2


def _measured(voxels: int, times: int, pixels: int, device_name: str, threads: int) -> dict[str, dict[str, float]]:
    torch.set_num_threads(threads)
    device = torch.device(device_name)
    mesh = wavy_ball(voxels)
    for _ in range(times):
        mesh = refined(*mesh)
    small, scene = Scene(mesh, _WARM_UP, 1, device), Scene(mesh, pixels, 1, device)
    cell: dict[str, dict[str, float]] = {}
    for name in ("rasterise", "learn"):
        getattr(small, name)()  # compiles
        work = getattr(scene, name)
        with peak_memory(device) as peak:
            work()
        timing = timed(work, device)
        cell[name] = {
            "milliseconds": round(1e3 * timing.wall, 3),
            "processor_milliseconds": round(1e3 * timing.processor, 3),
            "megabytes": round(peak.megabytes, 1),
        }
    return cell
