# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects x cameras -> a folder of images with their cameras: the one implementation behind every door.

Everything about image k follows from (seed, k), so any split into shards and workers and any interruption gives the
same files.

Folder: `images/NNNNNN.png` (RGBA, sRGB, straight alpha, unless asked otherwise) and a folder for each further pass,
`manifest.jsonl` (one record per image), `dataset.json` (the plan), `cameras.json`, `contact_sheet.png`,
`failures.jsonl` (what could not be rendered, and why), and what the writers make.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .backgrounds import check_background
from .cameras import CAMERAS, canonical
from .contact_sheet import write_contact_sheet
from .given_objects import GivenObjects
from .manifest import DatasetError, Manifest
from .outputs import FOLDERS
from .plan import BLEND, FILES, MOST_OBJECTS, OBJECTS, PROCEDURAL, DatasetPlan, Views
from .png import replace_file
from .sources.catalogue import Item, digest, find_meshes
from .supervisor import Crew, Launch, Task
from .writers import WRITERS, check_writers

Report = Callable[[dict], None]
Listed = tuple[DatasetPlan, "list[Item] | None"]


@dataclass(frozen=True)
class Job:
    """What one command does. plan: as asked for; launch: how its workers start; shard: (i, n), objects i, i + n, ...;
    only: the images wanted, none for all; writers: names of WRITERS; say: tells the user a sentence."""

    plan: DatasetPlan
    out: Path
    launch: Launch
    workers: int = 1
    shard: tuple[int, int] = (0, 1)
    resume: bool = False
    only: tuple[int, ...] = ()
    writers: tuple[str, ...] = ("folder",)


@dataclass
class Outcome:
    """What came of a job: images rendered now, images that failed by the tag of the reason, objects that failed."""

    rendered: int
    failed: Counter
    objects: list[str]


def list_objects(plan: DatasetPlan, count: int | None, classes: tuple[str, ...]) -> Listed:
    """Complete a plan with the objects of its source; the items are None where only Blender can list them.

    count: how many are wanted, None for 500 procedural shapes or all there are. Raises DatasetError for a source that
    does not exist or is empty.
    """
    path = Path(plan.source)
    if plan.kind == OBJECTS:
        given = GivenObjects(plan.source)
        items = [Item(f"object_{index:04d}", OBJECTS) for index in range(len(given))][:count]
        return replace(plan, count=len(items), objects=given.hash), items
    if plan.source in classes:
        return replace(plan, kind=PROCEDURAL, count=500 if count is None else count), []
    if path.suffix.lower() == ".blend":
        if not path.is_file():
            raise DatasetError(f"There is no file {path}.")
        return replace(plan, kind=BLEND, source=str(path.resolve()), count=count or MOST_OBJECTS), None
    try:
        items = find_meshes(path)[:count]
    except DatasetError as error:
        known = f" The classes of procedural shapes are {', '.join(classes)}." if not path.exists() else ""
        raise DatasetError(f"{error}{known}") from None
    return replace(plan, kind=FILES, source=str(path.resolve()), count=len(items), objects=digest(items)), items


def complete_plan(plan: DatasetPlan, count: int | None, classes: tuple[str, ...]) -> Listed:
    """The plan with what its source, cameras and background hold, and its objects; see `list_objects`."""
    plan, items = list_objects(plan, count, classes)
    if plan.cameras in CAMERAS:
        plan = replace(plan, cameras=canonical(plan.cameras))
    return replace(plan, background_digest=check_background(plan.background)), items


def render_dataset(job: Job, items: list[Item] | None, report: Report, say: Callable[[str], None]) -> Outcome:
    """Render this shard's images that are not there yet.

    items: of `list_objects`. report: called with each image's record as it is done, and with {"failed": k, "tag": ...,
    "message": ...} for one that failed. Raises DatasetError where the folder holds another data set, or this one
    without `resume`; NoEngineError; StoppedError where the disk is full.
    """
    check_writers(job.writers, job.plan)
    with Crew(job.launch, say) as crew:
        plan, manifest = job.plan, None
        is_certain = items is not None and job.launch.engine == "cycles" and job.launch.device == "cpu"
        if is_certain and (job.out / "dataset.json").is_file():
            manifest = _open_manifest(job, plan)
            if not any(True for _ in _tasks(job, plan, items, manifest)):
                _summarise(job, plan, manifest, [])
                return Outcome(0, Counter(), [])
        crew.open()
        if items is None:
            category = plan.collection or Path(plan.source).stem
            items = [Item(name, category, plan.source) for name in crew.objects][: plan.count]
            plan = replace(plan, count=len(items), objects=digest(items))
        plan = replace(plan, engine=crew.engine, device="cpu" if crew.device == "cpu" else "gpu")
        if manifest is None or plan != job.plan:
            manifest = _open_manifest(job, plan)
        if job.only and max(job.only) >= plan.images:
            raise DatasetError(f"There is no image {max(job.only)}; there are {plan.images}, counted from 0.")
        log = _Log(manifest, report)
        try:
            crew.render(asdict(plan), str(job.out), _tasks(job, plan, items, manifest), job.workers, log.hear)
        finally:
            manifest.save()
    _summarise(job, plan, manifest, log.failures)
    names = {failure["object"]: failure["message"] for failure in log.failures}
    return Outcome(log.rendered, Counter(failure["tag"] for failure in log.failures), list(names.values()))


def objects_of(plan: DatasetPlan, items: list[Item]) -> Callable[[int], Item]:
    """The item with an index; procedural shapes need no list."""
    if plan.kind == PROCEDURAL:
        return lambda index: Item(f"{plan.source}_{index:06d}", plan.source)
    return lambda index: items[index]


class _Log:
    """Passes on what the workers tell, and keeps the records."""

    def __init__(self, manifest: Manifest, report: Report) -> None:
        self.rendered, self.failures = 0, []
        self._manifest, self._report = manifest, report

    def hear(self, message: dict) -> None:
        if "record" in message:
            self.rendered += 1
            self._manifest.add(message["record"])
            self._report(message["record"])
        else:
            self.failures.append(message)
            self._report(message)


def _open_manifest(job: Job, plan: DatasetPlan) -> Manifest:
    manifest = Manifest.open(job.out, plan.fingerprint(), plan.record(), job.shard, job.resume)
    try:
        for name in plan.passes:
            (job.out / FOLDERS[name]).mkdir(exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{job.out} cannot be written to: {error.strerror}.") from None
    return manifest


def _tasks(job: Job, plan: DatasetPlan, items: list[Item], manifest: Manifest) -> Iterator[Task]:
    item_of = objects_of(plan, items)
    wanted = set(job.only)
    for index in range(job.shard[0], plan.count, job.shard[1]):
        images: Iterable[int] = range(index * plan.views, (index + 1) * plan.views)
        if wanted:
            images = [image for image in images if image in wanted]
        missing = manifest.missing(images)
        if missing:
            item = item_of(index)
            yield Task(index, item.name, item.category, item.path, missing)


def _summarise(job: Job, plan: DatasetPlan, manifest: Manifest, failures: list[dict]) -> None:
    """Write what speaks of the whole data set, again if another shard saved its records meanwhile."""
    _write_failures(job, failures)
    records: list[dict] = []
    while len(found := manifest.all_records()) > len(records):
        records = found
        manifest.save_all(records)
        views = Views(plan)
        _write_cameras(job.out, plan, records, views)
        write_contact_sheet(job.out, [record["file"] for record in records])
        for name in job.writers:
            WRITERS[name](job.out, plan, records, views)


def _write_failures(job: Job, failures: list[dict]) -> None:
    index, total = job.shard
    path = job.out / ("failures.jsonl" if total == 1 else f"failures-{index:03d}-of-{total:03d}.jsonl")
    if failures:
        ordered = sorted(failures, key=lambda failure: failure["failed"])
        replace_file(path, "".join(json.dumps(failure) + "\n" for failure in ordered).encode())
    else:
        path.unlink(missing_ok=True)


def _write_cameras(out: Path, plan: DatasetPlan, records: list[dict], views: Views) -> None:
    """Write `cameras.json`: every image's intrinsics and extrinsics; `--cameras` reads it again."""
    entries = []
    for record in records:
        view = views.view(record["index"], record["class"])
        about = {key: record[key] for key in ("index", "file", "object", "azimuth", "elevation")}
        entries.append(about | {"world_to_camera": view.rotation.round(7).tolist()} | view.facts())
    facts = {
        "convention": "world: Z up, object inside the ball of diameter 1 around the origin; radians, azimuth 0 is seen "
        "from -Y; opencv_world_to_camera [4, 4]: camera frame x right, y down, z forward; blender_camera_to_world "
        "[4, 4]: x right, y up, looking along -z; intrinsics [3, 3] in pixels from the top left corner (orthographic: "
        "they scale x and y directly); world_to_camera: rows are the camera's right, up and backward axes",
        "projection": entries[0]["projection"] if entries else "orthographic",
        "width": plan.width,
        "size": plan.size,
        "views": entries,
    }
    replace_file(out / "cameras.json", json.dumps(facts).encode())
