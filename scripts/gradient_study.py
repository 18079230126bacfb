# SPDX-License-Identifier: Apache-2.0
"""Which gradient of a proxy renderer trains a voxel GAN, at equal budgets: the runs of docs/results/gradients.md.

python scripts/gradient_study.py OUT                       # every cell at 16^3; finished ones are skipped
python scripts/gradient_study.py OUT --cells chair/max     # only those whose name contains one of these
python scripts/gradient_study_page.py OUT docs/results     # the page, from what is finished

A cell is SCALE/CLASS/PROXY/GRADIENT/seedN. Start the program twice to use two cores: each takes cells that nobody has
begun. A cell that was killed is begun anew.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image
from torch import Tensor

from unrender.atomic_file import write_atomically
from unrender.configuration import dump_toml
from unrender.data.procedural import make_shape
from unrender.geometry.cameras import Cameras
from unrender.losses.matching import reward
from unrender.losses.threshold_chain import (
    band_of_voxels,
    correct_band_sums,
    exact_band_sums,
    level_edges,
    lovasz_gradient,
    nested_sets,
    slope_edges,
)
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config
from unrender.methods.voxel_gan.game.critic import Critic
from unrender.methods.voxel_gan.gradients.audit import PATHS, band_audit, proxy_gradient
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.training.checkpoint import load_checkpoint, save_checkpoint
from unrender.training.devices import Devices
from unrender.training.run_folder import RunFolder

RECORD = "record.json"
PROXIES = {
    "product": ("proxy.compositing=product",),
    "max": ("proxy.compositing=max",),
    "render_net": ("proxy.kind=render_net", "proxy.channels_3d=4", "proxy.pretrain_learning_rate=1e-3"),
}
EVERY_FOURTH = "@4"  # the correction every fourth step only
GRADIENTS = tuple(path + band for path in PATHS for band in ("", "+band", f"+band{EVERY_FOURTH}"))
CLASSES = ("chair", "bathtub")
ELEVATIONS = {"chair": "[-30.0,60.0]", "bathtub": "[15.0,60.0]"}
SEEDS = 3
PICTURES = 1000
EVALUATIONS = 8  # during the game
AUDITED = 24  # shapes per band audit
EXACT = 2  # shapes whose exact gradient is computed voxel by voxel
EXACT_SEEDS = 1  # so many of the seeds
CHUNK = 256
AUDITS = (2, 4, 8)  # at these evaluations
LOGGED = ("occupancy", "grey_share", "proxy_psnr", "generator_loss", "discriminator_loss")


@dataclass(frozen=True, slots=True)
class Scale:
    preset: str
    images: int
    pretrain: int
    renderer: tuple[str, ...] = ("renderer.kind=opengl",)


SCALES = {
    "16": Scale("iggan-16", 3200, 1600),
    "16-long": Scale("iggan-16", 6400, 1600),  # what a correction costs, spent on images instead
    "16-cycles": Scale("iggan-16", 3200, 1600, ("renderer.kind=blender", "renderer.samples=1", "renderer.threads=1")),
    "32": Scale("iggan-32", 3200, 1600),
}


@dataclass(frozen=True, slots=True)
class Cell:
    scale: str
    shapes: str
    proxy: str
    gradient: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.scale}/{self.shapes}/{self.proxy}/{self.gradient}/seed{self.seed}"

    def config(self) -> VoxelGanConfig:
        """The settings of the cell: everything that is not its proxy or its gradient is the same in all cells."""
        scale = SCALES[self.scale]
        return load_config(
            scale.preset,
            (
                f"seed={self.seed}",
                f"total_images={scale.images}",
                f"proxy.pretrain_images={scale.pretrain}",
                f"proxy.gradient={self.gradient.removesuffix(EVERY_FOURTH)}",
                f"proxy.band_interval={4 if self.gradient.endswith(EVERY_FOURTH) else 1}",
                f"views.elevation_degrees={ELEVATIONS[self.shapes]}",
                "batch_size=8",
                "decay_from=1.0",  # so that any point of a curve may be compared with any point of another
                "generator.average_decay=0.98",
                "evaluate_images=200",
                "audit_samples=0",
                "precision=float32",
                "torch_threads=1",
                *scale.renderer,
                *PROXIES[self.proxy],
            ),
        )


def cells() -> Iterator[Cell]:
    """Seed after seed, so that what is finished is always comparable."""
    for scale in SCALES:
        for shapes in CLASSES:
            for seed in range(SEEDS):
                for proxy in PROXIES:
                    for gradient in GRADIENTS:
                        yield Cell(scale, shapes, proxy, gradient, seed)


def run_cell(cell: Cell, root: Path) -> dict[str, Any]:
    """Train, measure, and leave a run folder that `unrender evaluate` and `unrender generate` take."""
    config = cell.config()
    run = RunFolder(root / cell.name)
    run.write_config(dump_toml(config))
    renderer = build_renderer(config)
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        pictures = training_pictures(cell, config, black_box, root)
        method = VoxelGan(config, black_box, Evaluation(load_feature_classifier(), pictures), single())
        record: dict[str, Any] = {"cell": cell.name, "curve": [], "audits": []}
        record["pretraining"] = pretrain(cell, method, root, pictures)
        phase = method.phases()[-1]
        every = phase.images // EVALUATIONS // config.batch_size
        sampler = torch.Generator().manual_seed(config.seed)
        clock = Clock()
        for step in range(1, phase.images // config.batch_size + 1):
            real = pictures[torch.randint(len(pictures), (config.batch_size,), generator=sampler)]
            with clock:
                statistics = method.step(phase, (step - 1) * config.batch_size, real)
            if not all(np.isfinite(value) for value in statistics.values()):
                return record | {"failed": f"not finite after {step} steps"}
            if step % every == 0:
                point = {"images": step * config.batch_size, **clock.read(), **method.evaluate()}
                record["curve"].append(point | {name: statistics[name] for name in LOGGED if name in statistics})
                if step // every in AUDITS:
                    record["audits"].append({"images": point["images"], **audit(method, config)})
        if cell.seed < EXACT_SEEDS:
            record["exact"] = exact_comparison(method, config)
        save_checkpoint(run.checkpoint_path(config.total_images), {"method": method.state_dict()}, TRAINING_KIND)
        write_atomically(run.path / "samples.png", lambda path: save_sheet(path, method, pictures))
    finally:
        renderer.close()
    return record


def pretrain(cell: Cell, method: VoxelGan, root: Path, pictures: Tensor) -> dict[str, float]:
    """The proxy's pre-training, done once for all gradients of a proxy and seed: it does not depend on them."""
    path = root / f"pretrained_{cell.scale}_{cell.shapes}_{cell.proxy}_{cell.seed}.safetensors"
    if path.exists():
        state = load_checkpoint(path, TRAINING_KIND)
        method.load_state_dict(state["method"])
        return dict(state["pretraining"])
    clock, batch = Clock(), method.batch_size
    phase = method.phases()[0]
    for step in range(phase.images // batch):
        with clock:
            statistics = method.step(phase, step * batch, pictures[:batch])
    result = clock.read() | {"proxy_psnr": statistics["proxy_psnr"]}
    save_checkpoint(path, {"method": method.state_dict(), "pretraining": result}, TRAINING_KIND)
    return result


class Clock:
    """Seconds by the wall and of the processors, of this process and the renderers that it started."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._begun = (time.perf_counter(), _cpu_seconds())

    def __exit__(self, *exception: object) -> None:
        self.wall += time.perf_counter() - self._begun[0]
        self.cpu += _cpu_seconds() - self._begun[1]

    def read(self) -> dict[str, float]:
        return {"wall_seconds": round(self.wall, 2), "cpu_seconds": round(self.cpu, 2)}


def _cpu_seconds() -> float:
    own = time.process_time()
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return own + sum(part.user + part.system for part in times)


def single() -> Devices:
    return Devices.single("float32", torch.device("cpu"))


def training_pictures(cell: Cell, config: VoxelGanConfig, black_box: BlackBox, root: Path) -> Tensor:
    """One picture each of many objects, the same ones for every cell of a scale and class."""
    path = root / f"pictures_{cell.scale}_{cell.shapes}.npy"
    if not path.exists():
        grids = np.stack([make_shape(cell.shapes, seed, config.resolution) for seed in range(PICTURES)])[:, None]
        cameras = config.views.sample(PICTURES, torch.Generator().manual_seed(0))
        solids = torch.from_numpy(grids)
        parts = [slice(first, first + 50) for first in range(0, PICTURES, 50)]
        images = torch.cat([black_box.render(solids[part], cameras[part]) for part in parts])

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.save(file, images.numpy())

        write_atomically(path, save)
    return torch.from_numpy(np.load(path))


def audit(method: VoxelGan, config: VoxelGanConfig) -> dict[str, Any]:
    """All gradient paths of the cell's proxy, whichever it is trained with."""
    occupancy, cameras = some_shapes(method, config, AUDITED)
    logits, softness = logits_of(method), config.proxy.threshold_softness
    assert method.networks.proxy is not None
    return band_audit(occupancy, cameras, method.networks.proxy, logits, method.black_box, softness).summary()


def some_shapes(method: VoxelGan, config: VoxelGanConfig, count: int) -> tuple[Tensor, Cameras]:
    random = torch.Generator().manual_seed(1234)
    z = torch.randn(count, config.generator.latent, generator=random)
    with torch.no_grad():
        return method.networks.average(z), config.views.sample(count, random)


def logits_of(method: VoxelGan) -> Any:
    return Critic(method.networks.discriminator, single()).score


def exact_comparison(method: VoxelGan, config: VoxelGanConfig) -> dict[str, Any]:
    """Cosine between estimated and exact gradients with respect to the occupancies' logits, voxel by voxel.

    The exact one takes a render per voxel. Estimates: every path, as it is and with corrected bands of several kinds.
    """
    occupancy, cameras = some_shapes(method, config, EXACT)
    slope = occupancy * (1.0 - occupancy)
    logits = logits_of(method)
    score = chain_score(method.black_box, logits, cameras)
    exact = lovasz_gradient(occupancy, score)
    proxy = method.networks.proxy
    assert proxy is not None
    result: dict[str, Any] = {}
    for path in PATHS:
        estimate = proxy_gradient(occupancy, cameras, proxy, logits, path, config.proxy.threshold_softness)
        result[path] = cosine(estimate * slope, exact * slope)
        for kind in ("slope", "levels"):
            for bands in (4, 8, 16, 32):
                edges = level_edges(bands).expand(EXACT, -1) if kind == "levels" else slope_edges(occupancy, bands)
                sums = exact_band_sums(score(nested_sets(occupancy, edges)))
                for share in ("magnitude", "uniform"):
                    band = band_of_voxels(occupancy, edges)
                    corrected = correct_band_sums(estimate, band, sums, share)  # type: ignore[arg-type]
                    result[f"{path}+{bands} {kind} {share}"] = cosine(corrected * slope, exact * slope)
    return result


def chain_score(black_box: BlackBox, logits: Any, cameras: Cameras) -> Any:
    """Scores of nested sets by the black box; equal sets, which have equal counts, are rendered once."""

    @torch.no_grad()
    def score(sets: Tensor) -> Tensor:
        rows = []
        for index, chain in enumerate(sets):
            _, inverse = torch.unique(chain.flatten(1).sum(dim=1), return_inverse=True)
            first = torch.zeros(int(inverse.max()) + 1, dtype=torch.long).scatter(0, inverse, torch.arange(len(chain)))
            solids = chain[first][:, None]
            views = cameras[torch.full((len(solids),), index)]
            parts = [slice(start, start + CHUNK) for start in range(0, len(solids), CHUNK)]
            images = [black_box.render(solids[part], views[part]) for part in parts]
            rows.append(torch.cat([reward(logits(part), "logit") for part in images])[inverse])
        return torch.stack(rows)

    return score


def cosine(ours: Tensor, truth: Tensor) -> float:
    """Mean over samples."""
    a, b = ours.flatten(1).double(), truth.flatten(1).double()
    norms = a.norm(dim=1) * b.norm(dim=1)
    return round(float(((a * b).sum(dim=1) / norms.clamp(min=1e-30)).mean()), 4)


def write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def save_sheet(path: Path, method: VoxelGan, pictures: Tensor) -> None:
    Image.fromarray(method.sample_sheet(pictures[:8])).save(path, "PNG")


def claim(folder: Path) -> bool:
    """Whether this process may do the cell: nobody alive is at it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "begun"
    if lock.exists():
        owner = int(lock.read_text(encoding="utf-8") or 0)
        if owner != os.getpid() and psutil.pid_exists(owner):
            return False
        lock.unlink()
    try:
        with lock.open("x", encoding="utf-8") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cells", nargs="*", default=["16/"], help="parts of names; a cell has to contain one")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no cell after so many")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    started = time.monotonic()
    for cell in cells():
        if not any(part in cell.name for part in arguments.cells):
            continue
        folder = arguments.out / cell.name
        if (folder / RECORD).exists() or time.monotonic() - started > 60 * arguments.minutes or not claim(folder):
            continue
        record = run_cell(cell, arguments.out)
        write_atomically(folder / RECORD, partial(write, json.dumps(record)))
        last = record["curve"][-1] if record["curve"] else {}
        print(
            cell.name, json.dumps({name: last.get(name) for name in ("kid", "cpu_seconds", "wall_seconds")}), flush=True
        )


if __name__ == "__main__":
    main()
