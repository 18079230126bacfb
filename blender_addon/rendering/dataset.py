# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes x cameras -> a folder of images with their cameras: the one implementation behind every door.

The shapes come from the caller as a function; everything about image k follows from (seed, k), so any split into
shards and any interruption gives the same files.

Folder: `images/NNNNNN.png` (RGBA, sRGB, straight alpha), `manifest.jsonl` (one record per image), `cameras.json` and
`contact_sheet.png` once all images are there.
"""

from __future__ import annotations

import hashlib
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from .contact_sheet import write_contact_sheet
from .manifest import DatasetError, Manifest, write_cameras
from .png import straight_srgb, write_png
from .scene import RenderScene
from .settings import RenderSettings

MakeMesh = Callable[[int], "tuple[np.ndarray, np.ndarray]"]
Report = Callable[[dict], None]

# Two beams from 45 degrees below the camera, 45 degrees to its left and right (IG-GAN, section 4.2).
LIGHTS = {
    "iggan": {
        "light_directions": ((-0.5, -math.sqrt(0.5), 0.5), (0.5, -math.sqrt(0.5), 0.5)),
        "light_intensities": (0.45, 0.45),
        "ambient": 0.15,
    },
    "headlight": {"light_directions": ((0.0, 0.0, 1.0),), "light_intensities": (0.85,), "ambient": 0.1},
}
CAMERAS = ("iggan", "above", "limited")
OBJECTS = "objects"  # the source that is meshes which somebody gave
_FROM_ABOVE = ("bathtub", "couch")  # hollow or low things, which the paper shows from 15 degrees up


@dataclass(frozen=True)
class DatasetPlan:
    """What the data set is; image k shows object k // views. size in pixels, resolution in voxels per side.

    objects: for the source "objects", a hash of the given meshes.
    """

    source: str
    count: int = 500
    views: int = 1
    seed: int = 0
    size: int = 64
    samples: int = 4
    resolution: int = 32
    cameras: str = "iggan"
    lights: str = "iggan"
    width: float = 1.1
    shadows: bool = False
    engine: str = "cycles"
    objects: str = ""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("count", 1, 10_000_000),
            ("views", 1, 10_000),
            ("seed", 0, 2**32 - 1),
            ("size", 8, 4096),
            ("samples", 1, 4096),
            ("resolution", 8, 512),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise DatasetError(f"{name} is {value}; expected {low} to {high}.")
        for name, known in (("cameras", CAMERAS), ("lights", tuple(LIGHTS))):
            if getattr(self, name) not in known:
                raise DatasetError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(known)}.")

    @property
    def images(self) -> int:
        return self.count * self.views

    def fingerprint(self) -> str:
        """Changes with everything that changes an image; not with `count`, so that a data set can be extended."""
        facts = {key: value for key, value in asdict(self).items() if key != "count" and (value or key != "objects")}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def shape_seed(self, index: int) -> int:
        """Seed of the object with this index; of a given object, its index."""
        if self.source == OBJECTS:
            return index
        return int(np.random.SeedSequence([self.seed, index]).generate_state(1)[0])

    def view(self, image: int) -> tuple[float, float]:
        """Azimuth and elevation of an image's camera in radians, uniform in degrees."""
        (low_a, high_a), (low_e, high_e) = self._view_law()
        generator = np.random.Generator(np.random.PCG64([self.seed, image, 1]))
        across, above = generator.random(), generator.random()
        return math.radians(low_a + (high_a - low_a) * across), math.radians(low_e + (high_e - low_e) * above)

    def render_settings(self, threads: int) -> RenderSettings:
        base = RenderSettings(self.size, self.samples, self.engine, self.width, threads=threads, shadows=self.shadows)
        # Procedural shapes are made of voxels, whose steps smooth normals hide; a given mesh is what it is.
        return replace(base, smooth=self.source != OBJECTS, **LIGHTS[self.lights])

    def record(self) -> dict:
        """What `dataset.json` says: the plan, and the law of its views, which a training needs to know."""
        azimuth, elevation = self._view_law()
        return asdict(self) | {"azimuth_degrees": list(azimuth), "elevation_degrees": list(elevation)}

    def _view_law(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Degrees of azimuth and elevation (IG-GAN, section 4.2; `limited` is its LVP set)."""
        if self.cameras == "limited":
            return (-60.0, 60.0), (15.0, 60.0)
        from_above = self.cameras == "above" or self.source in _FROM_ABOVE
        return (-180.0, 180.0), (15.0 if from_above else -30.0, 60.0)


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """Rows: the camera's right, up and backward axes in the world, float32 [3, 3]."""
    sin_a, cos_a, sin_e, cos_e = math.sin(azimuth), math.cos(azimuth), math.sin(elevation), math.cos(elevation)
    return np.array(
        [(cos_a, sin_a, 0.0), (-sin_e * sin_a, sin_e * cos_a, cos_e), (sin_a * cos_e, -cos_a * cos_e, sin_e)],
        np.float32,
    )


def render_dataset(
    plan: DatasetPlan,
    make_mesh: MakeMesh,
    out: Path,
    shard: tuple[int, int] = (0, 1),
    threads: int = 2,
    resume: bool = False,
    report: Report = lambda record: None,
) -> int:
    """Render this shard's images that are not there yet; returns how many failed.

    make_mesh: shape seed -> (vertices float32 [N, 3], faces int32 [F, 3]) in world coordinates, inside the unit ball.
    shard: (i, n) renders the objects i, i + n, ... Each shard that ends renews cameras and contact sheet.
    report: called with each image's record as it is done, and with {"failed": k, "tag": ...} for one that failed.
    Raises DatasetError where the folder holds another data set, or this one without `resume`.
    """
    manifest = Manifest.open(out, plan.fingerprint(), plan.record(), shard, resume)
    objects = [
        (index, missing)
        for index in range(shard[0], plan.count, shard[1])
        if (missing := manifest.missing(range(index * plan.views, (index + 1) * plan.views)))
    ]
    scene = RenderScene()
    scene.configure(plan.render_settings(threads))
    failed = 0
    with _Writer(manifest, out / "images", report) as writer:
        for index, missing, mesh in _meshes_ahead(plan, make_mesh, objects):
            if isinstance(mesh, Exception):
                failed += len(missing)
                for image in missing:
                    report({"failed": image, "tag": "bad_shape", "message": str(mesh)})
                continue
            scene.set_mesh(*mesh)
            for image in missing:
                failed += not _render_image(plan, scene, index, image, writer, report)
    manifest.save()
    _summarise(plan, manifest, out)
    return failed


def _summarise(plan: DatasetPlan, manifest: Manifest, out: Path) -> None:
    """Write what speaks of the whole data set, again if another shard saved its records meanwhile."""
    records: list[dict] = []
    while len(found := manifest.all_records()) > len(records):
        records = found
        manifest.save_all(records)
        write_cameras(out, records, plan.size, plan.width)
        write_contact_sheet(out, [record["file"] for record in records[:64]])


def _render_image(
    plan: DatasetPlan, scene: RenderScene, index: int, image: int, writer: _Writer, report: Report
) -> bool:
    azimuth, elevation = plan.view(image)
    try:
        rgba = scene.render(camera_axes(azimuth, elevation))["rgba"]
    except RuntimeError as error:
        report({"failed": image, "tag": "render_failed", "message": str(error)})
        return False
    record = {
        "index": image,
        "file": f"images/{image:06d}.png",
        "class": plan.source,
        "object": index,
        "shape_seed": plan.shape_seed(index),
        "azimuth": azimuth,
        "elevation": elevation,
        "config": plan.fingerprint(),
    }
    writer.put(record, rgba)
    return True


def _meshes_ahead(plan: DatasetPlan, make_mesh: MakeMesh, objects: Iterable[tuple[int, list[int]]]) -> Iterator[tuple]:
    """Make the next meshes in a thread while Cycles renders the current one."""

    def make(index: int) -> object:
        try:
            return make_mesh(plan.shape_seed(index))
        except Exception as error:  # one shape that cannot be made must not end the whole data set
            return error

    with ThreadPoolExecutor(1, thread_name_prefix="shapes") as executor:
        waiting: list = []
        for index, missing in objects:
            waiting.append((index, missing, executor.submit(make, index)))
            if len(waiting) > 3:
                first, images, future = waiting.pop(0)
                yield first, images, future.result()
        for first, images, future in waiting:
            yield first, images, future.result()


class _Writer:
    """Encodes and writes images in a thread; the manifest lists an image only after its file is complete."""

    def __init__(self, manifest: Manifest, folder: Path, report: Report) -> None:
        self._manifest, self._folder, self._report = manifest, folder, report
        self._queue: queue.Queue = queue.Queue(maxsize=32)
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="image writer", daemon=True)

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._queue.put(None)
        self._thread.join()
        self._raise_error()

    def put(self, record: dict, rgba: np.ndarray) -> None:
        """Hand over one image; waits where the disk is slower than the renderer. Raises what writing raised."""
        self._raise_error()
        self._queue.put((record, rgba))

    def _raise_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise DatasetError(f"Writing to {self._folder} failed: {error}. Free some space, then run with --resume.")

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            record, rgba = item
            if self._error is not None:
                continue
            try:
                write_png(self._folder / Path(record["file"]).name, straight_srgb(rgba))
                self._manifest.add(record)
            except OSError as error:
                self._error = error
            else:
                self._report(record | {"time": time.time()})
