# SPDX-License-Identifier: Apache-2.0
"""Stands in for Blender where jobs start one: answers the probe, and "renders" a data set of ellipses.

UNRENDER_TEST_SECONDS: how long every image takes. UNRENDER_TEST_FAILS: "all" for images that cannot be rendered, "die"
for a Blender that crashes after three.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

ANSWER = "unrender-probe 5.0.0"  # what `renderers/off_the_shelf/discovery.py` asks for


def main() -> None:
    if "--python-expr" in sys.argv:
        print(ANSWER)
        return
    flags = sys.argv[sys.argv.index("--") + 1 :]
    options = {flag.removeprefix("--"): value for flag, value in zip(flags, [*flags[1:], ""], strict=True)}
    threading.Thread(target=end_with_parent, daemon=True).start()
    shard, shards = map(int, options["shard"].split("/"))
    images = int(options["count"]) * int(options["views"])
    given = None
    if options["source"] == "objects":
        with np.load(options["objects"]) as file:
            given = [file[f"vertices_{index}"] for index in range(len(file.files) // 2)]
            assert len(given) == int(options["count"])
            assert all(np.linalg.norm(vertices, axis=1).max() < 0.5 for vertices in given)
    render(Path(options["out"]), range(shard, images, shards), images, int(options["size"]), options)


def render(out: Path, mine: range, images: int, size: int, options: dict[str, str]) -> None:
    (out / "images").mkdir(parents=True, exist_ok=True)
    plan = {"azimuth_degrees": [-180.0, 180.0], "elevation_degrees": [10.0, 50.0], "width": 1.1, "flags": options}
    (out / "dataset.json").write_text(json.dumps({"plan": plan}))
    failure = os.environ.get("UNRENDER_TEST_FAILS", "")
    for done, index in enumerate(mine):
        if failure == "die" and done == 3:
            sys.exit(1)
        path = out / "images" / f"{index:06d}.png"
        if path.exists():
            continue
        time.sleep(float(os.environ.get("UNRENDER_TEST_SECONDS", "0")))
        if failure == "all":
            say({"failed": index, "tag": "render_failed", "message": "no light"})
            continue
        Image.fromarray(ellipse(index, size), "RGBA").save(path.with_suffix(".half"), "PNG")
        path.with_suffix(".half").replace(path)
        say({"index": index, "file": f"images/{path.name}"})
    there = sorted((out / "images").glob("*.png"))
    if len(there) == images:
        records = [{"index": int(path.stem), "file": f"images/{path.name}"} for path in there]
        (out / "manifest.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        Image.new("RGB", (640, 320), (45, 45, 45)).save(out / "contact_sheet.png")
    sys.exit(3 if failure == "all" else 0)


def ellipse(index: int, size: int) -> np.ndarray:
    random = np.random.default_rng(index)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    width, height = random.uniform(0.3, 0.8, 2)
    inside = (columns / width) ** 2 + (rows / height) ** 2 < 1
    grey = (160 * inside).astype(np.uint8)
    return np.dstack([grey, grey, grey, (255 * inside).astype(np.uint8)])


def say(record: dict) -> None:
    print(json.dumps(record), flush=True)


def end_with_parent() -> None:
    while sys.stdin.read(4096):
        continue
    os._exit(130)


if __name__ == "__main__":
    main()
