# SPDX-License-Identifier: Apache-2.0
"""Makes the artist's guide's screenshots in a real Blender window, or compares the kept ones with what is shown now.

    .venv/bin/python scripts/make_screenshots.py            writes docs/pictures/addon/*.png
    .venv/bin/python scripts/make_screenshots.py --compare  where they differ: exit code 1, and pictures of that

Needs what `scripts/make_environment window` installs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from scripts.blender_window.artist import Artist  # noqa: E402
from scripts.blender_window.blender import BlenderWindow, Home  # noqa: E402
from scripts.blender_window.display import Display  # noqa: E402
from scripts.blender_window.photos import SETTINGS, write_photos  # noqa: E402
from scripts.blender_window.regions import Rectangle  # noqa: E402

KEPT = CHECKOUT / "docs" / "pictures" / "addon"
MODEL, TEXTURED_MODEL = "chairs-32", "mushrooms-64"
SECONDS = 180.0
IMAGES = 700  # of the training, before its picture is taken: earlier ones show next to nothing
TRAINING_SECONDS = 400.0
OUT_OF_THE_WAY = (640, 792)  # the status bar: the mouse is in no picture
PIXEL_TOLERANCE = 40  # of 255; letters are smoothed a little differently by another processor
PART_TOLERANCE = 0.01  # of the pixels that count

# What is another thing on every machine or at every time, by picture: left, top, right, bottom in its own pixels.
DEVICE = (0, 50, 180, 92)
MASKS: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "offline": (),
    "ready": (DEVICE,),
    "chairs": ((828, 81, 1010, 119),),  # the device again; this picture begins under the window's two bars
    "shapes": (DEVICE,),
    "textured": ((828, 81, 1010, 119),),
    "training": (DEVICE, (8, 195, 200, 440)),  # sheet, time left and curve
    "error": (DEVICE,),
    "dataset": (DEVICE,),
    "preferences": (),
}


@dataclass(frozen=True, slots=True)
class Screenshot:
    """One picture of the guide: uint8 RGB [H, W, 3]."""

    name: str
    pixels: np.ndarray


def take(artist: Artist, name: str, where: Rectangle) -> Screenshot:
    """The picture of a part of the screen, without the mouse in it."""
    artist.screen.move(*OUT_OF_THE_WAY)
    time.sleep(1.0)
    return Screenshot(name, where.of(artist.screen.picture()))


def side_panel(artist: Artist) -> Rectangle:
    """The side panel with its tabs."""
    return artist.regions.find("VIEW_3D", "UI")


def screenshots(folder: Path) -> Iterator[Screenshot]:
    """Live through the guide's story and take its pictures.

    Args:
        folder: empty; its path is in the picture of the preferences.
    """
    home = Home(folder)
    package = build_package(folder / "packages")
    # The preferences show where the generator is; a short path that is the same on every machine.
    backend = folder / "environment"
    backend.symlink_to(Path(sys.executable).parent.parent, target_is_directory=True)
    with Display() as display:
        try:
            with BlenderWindow(display, home, backend) as blender:
                Artist(blender).install(package)
                Artist(blender).quit()
            with BlenderWindow(display, home, backend) as blender:
                artist = Artist(blender)
                artist.open_tab()
                yield take(artist, "offline", side_panel(artist))
                yield from generating(artist)
                yield from textured(artist)
                yield from training(artist, folder)
                yield from preferences(artist)  # last: its window stays in front, and Blender is ended with it
        finally:
            home.survivors(15.0)
            home.kill_all()


def build_package(folder: Path) -> Path:
    """The zip for Blender 3.4."""
    command = [sys.executable, "-m", "unrender.cli.main", "addon", "build", "--out", str(folder)]
    subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (package,) = folder.glob("*-legacy.zip")
    return package


def generating(artist: Artist) -> Iterator[Screenshot]:
    """Connect, choose the model, nine chairs, and their sliders."""
    artist.connect()
    artist.choose_model(MODEL)
    yield take(artist, "ready", side_panel(artist))
    artist.point_at_viewport()
    artist.screen.key("a", "Delete")
    artist.press("unrender.generate")
    artist.blender.wait_until("session", lambda session: session["jobs"][0]["status"] == "IMPORTED", SECONDS)
    artist.point_at_viewport()
    artist.screen.key("Home", "alt+a")
    time.sleep(1.0)
    viewport = artist.regions.find("VIEW_3D")
    yield take(artist, "chairs", viewport)
    artist.point_at_viewport()
    artist.screen.key("a")
    time.sleep(1.0)
    yield take(artist, "shapes", side_panel(artist))
    artist.point_at_viewport()
    artist.screen.key("alt+a")


def textured(artist: Artist) -> Iterator[Screenshot]:
    """Shapes with their colours, in place of the chairs, and the sliders that turn them."""
    artist.point_at_viewport()
    artist.screen.key("a", "Delete")
    artist.choose_model(TEXTURED_MODEL)
    artist.press("unrender.generate")
    artist.blender.wait_until("session", lambda session: session["jobs"][-1]["status"] == "IMPORTED", SECONDS)
    artist.point_at_viewport()
    artist.screen.key("Home", "a")
    time.sleep(1.0)
    artist.press("unrender.show_textures")
    yield take(artist, "textured", artist.regions.find("VIEW_3D"))
    artist.point_at_viewport()
    artist.screen.key("alt+a")


def training(artist: Artist, folder: Path) -> Iterator[Screenshot]:
    """A job that failed, a training with its sheet and curve, and the form for a data set."""
    empty = folder / "holiday"
    empty.mkdir()
    artist.toggle_generate()
    artist.fill("unrender.train_folder", str(empty))
    artist.press("unrender.train_start")
    artist.blender.wait_until("session", lambda session: session["jobs"][-1]["problem"], SECONDS)
    yield take(artist, "error", side_panel(artist))
    artist.press("unrender.job_remove")
    artist.fill("unrender.train_folder", str(write_photos(folder / "photos")))
    artist.fill("unrender.train_name", "plums")
    artist.toggle_experts()
    artist.fill("unrender.train_settings", f"{SETTINGS} evaluate_minutes=0.3")
    artist.toggle_experts()
    artist.toggle_data_set()
    yield take(artist, "dataset", side_panel(artist))
    artist.toggle_data_set()
    artist.press("unrender.train_start")
    artist.blender.wait_until("session", lambda session: session["jobs"][-1]["done"] >= IMAGES, TRAINING_SECONDS)
    yield take(artist, "training", side_panel(artist))
    artist.press("unrender.job_cancel")


def preferences(artist: Artist) -> Iterator[Screenshot]:
    """The add-on's page in the preferences."""
    artist.show_preferences_of_addon()
    page, bar = (artist.regions.find("PREFERENCES", region) for region in ("WINDOW", "NAVIGATION_BAR"))
    yield take(artist, "preferences", Rectangle(bar.left, page.top, page.right, page.bottom))


def difference(kept: np.ndarray, shown: np.ndarray, masks: Sequence[tuple[int, int, int, int]]) -> np.ndarray:
    """Which pixels differ by more than the tolerance, bool [H, W], for two pictures uint8 [H, W, 3] of one size."""
    differs = np.abs(kept.astype(int) - shown).max(axis=2) > PIXEL_TOLERANCE
    for left, top, right, bottom in masks:
        differs[top:bottom, left:right] = False
    return differs


def compare(taken: Screenshot, kept_folder: Path, out: Path) -> str:
    """A sentence about how a picture differs from the kept one; empty where it does not."""
    path = kept_folder / f"{taken.name}.png"
    if not path.is_file():
        return f"{taken.name}: there is no kept picture"
    kept = np.asarray(Image.open(path).convert("RGB"))
    if kept.shape != taken.pixels.shape:
        return f"{taken.name}: {taken.pixels.shape[:2]} pixels instead of {kept.shape[:2]}"
    differs = difference(kept, taken.pixels, MASKS[taken.name])
    part = float(differs.mean())
    if part <= PART_TOLERANCE:
        return ""
    out.mkdir(parents=True, exist_ok=True)
    marked = np.where(differs[..., None], np.array([255, 0, 0], np.uint8), taken.pixels // 2)
    Image.fromarray(np.hstack([kept, taken.pixels, marked])).save(out / f"{taken.name}.png")
    return f"{taken.name}: {part:.1%} of the pixels differ; kept, shown and difference are in {out}"


def save(taken: Screenshot, folder: Path) -> None:
    """Write a picture, with as few colours as show no loss."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(taken.pixels).quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    image.save(folder / f"{taken.name}.png", optimize=True)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compare", action="store_true", help="compare with the kept pictures instead of writing them")
    parser.add_argument("--out", type=Path, help="where pictures, or pictures of differences, go")
    arguments = parser.parse_args()
    folder = Path(tempfile.gettempdir()) / "unrender-screenshots"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    differences = []
    try:
        for taken in screenshots(folder):
            if arguments.compare:
                differences.append(compare(taken, KEPT, arguments.out or CHECKOUT / "demo_output" / "screenshots"))
            else:
                save(taken, arguments.out or KEPT)
                print(f"{taken.name}.png", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for sentence in filter(None, differences):
        print(sentence, file=sys.stderr)
    return 1 if any(differences) else 0


if __name__ == "__main__":
    sys.exit(main())
