# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags of `scripts/render_dataset.py`, also from a TOML file."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from .cameras import CAMERAS
from .lights import LIGHTS
from .manifest import DatasetError
from .plan import IMAGE_FORMATS, MATERIALS, OBJECTS, OUTPUT_PASSES, UP_AXES
from .settings import DEVICES, ENGINES
from .writers import WRITERS


class FlagError(DatasetError):
    """The flags are wrong; `code` is the exit code that argparse chose (0 for --help)."""

    def __init__(self, code: int) -> None:
        super().__init__("wrong flags")
        self.code = code


def read_flags(arguments: Sequence[str], classes: Sequence[str]) -> argparse.Namespace:
    """Parse; flags on the command line win over those of `--config`. Raises DatasetError, FlagError for bad flags."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path)
    config = finder.parse_known_args(arguments)[0].config
    parser = _parser(classes)
    from_file = _read_config(config, _known_flags(parser)) if config is not None else []
    try:
        options = parser.parse_args([*from_file, *arguments])
    except SystemExit as stop:
        raise FlagError(2 if stop.code else 0) from None
    if options.ray:
        raise DatasetError("Many machines need the backend: unrender render-dataset --ray, with the same flags.")
    is_white = options.source in (*classes, OBJECTS)
    if options.lights is None:
        options.lights = "iggan" if is_white else "three-point"
    if options.samples is None:
        options.samples = 4 if is_white else 32
    return options


def _parser(classes: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="render_dataset",
        description="Render objects into a folder of images with their cameras.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config", type=Path, help="TOML file with these flags as keys; flags given here win")
    add("--source", required=True, help=f"{', '.join(classes)}; a folder of meshes or one mesh; or a .blend file")
    add("--collection", default="", help="collection of the .blend file (all its objects)")
    add("--objects", default="", help=f"file .npz of vertices_0, faces_0, ..., for --source {OBJECTS}")
    add("--up", default="auto", choices=UP_AXES, help="axis of mesh files that points up (by their format)")
    add("--count", type=int, help="how many objects (500 procedural shapes; all others)")
    add("--views", type=int, default=1, help="images of each object (1)")
    add("--seed", type=int, default=0, help="the same seed gives the same images (0)")
    add("--size", type=int, default=64, help="pixels per side (64)")
    add("--samples", type=int, help="samples per pixel (4 for white shapes, 32 for files, whose light is sampled)")
    add("--resolution", type=int, default=32, help="voxels per side of procedural shapes (32)")
    add("--cameras", default="iggan", type=_cameras, help=f"{', '.join(CAMERAS)}, or a cameras.json (iggan)")
    add("--field-of-view", type=float, default=0.0, help="degrees, for perspective cameras (orthographic)")
    add("--width", type=float, default=1.1, help="world units across the frame, at the object's middle (1.1)")
    add("--lights", type=_lights, help=f"{', '.join(LIGHTS)}, or an .hdr or .exr picture (by the source)")
    add("--light-jitter", type=float, default=0.0, help="degrees that lights may move from object to object (0)")
    add("--shadows", action="store_true", help="white shapes cast shadows on themselves")
    add(
        "--materials",
        default="auto",
        choices=MATERIALS,
        help="keep materials and colours, or make all objects white (auto)",
    )
    add("--background", default="transparent", help="transparent, #rrggbb, or a folder of pictures (transparent)")
    add("--passes", type=_words, default=("rgb",), help=f"some of {','.join(OUTPUT_PASSES)} (rgb)")
    add("--image-format", default="png8", choices=IMAGE_FORMATS, help="sRGB PNG of 8 or 16 bits, or linear EXR (png8)")
    add("--writer", type=_words, default=("folder",), help=f"some of {','.join(WRITERS)} (folder)")
    add("--engine", default="cycles", choices=ENGINES, help="render engine; another is taken where it fails (cycles)")
    add("--device", default="cpu", choices=DEVICES, help="what Cycles renders on (cpu)")
    add("--out", required=True, type=Path, help="folder to write")
    add("--resume", action="store_true", help="continue a data set that was interrupted")
    add("--shard", type=_shard, default=(0, 1), help="I/N renders every N-th object, from I = 0 on")
    add("--images", type=_numbers, default=(), help="render only these images, for example 0,17")
    add("--workers", type=int, default=1, help="Blenders at once (1)")
    add("--ray", default="", help="a Ray cluster to render on; only with unrender render-dataset")
    add("--threads", type=int, default=min(4, os.cpu_count() or 1), help="render threads of each")
    add("--timeout", type=float, default=600.0, help="seconds that one image may take (600)")
    add("--json", action="store_true", help="one line of JSON per image on standard output")
    add("--exit-with-parent", action="store_true", help="end when standard input is closed")
    add("--blender", default="", help=argparse.SUPPRESS)  # JSON list: how the backend starts the Blender it found
    return parser


def _known_flags(parser: argparse.ArgumentParser) -> dict[str, bool]:
    """Names without dashes; True for those that are switches."""
    return {
        action.option_strings[-1].lstrip("-"): action.nargs == 0
        for action in parser._actions
        if action.option_strings and action.dest not in ("help", "config")
    }


def _read_config(path: Path, known: dict[str, bool]) -> list[str]:
    """The flags that a TOML file stands for."""
    try:
        import tomllib
    except ImportError:
        raise DatasetError(
            f"The Python of this Blender cannot read {path.name}: TOML needs Python 3.11 or newer (Blender 4.1). "
            "Give the flags themselves, or run unrender render-dataset --config."
        ) from None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise DatasetError(f"{path} is no TOML file: {error}.") from None
    flags: list[str] = []
    for key, value in values.items():
        name = key.replace("_", "-")
        if name not in known:
            raise DatasetError(f"{path} has the key {key!r}; expected some of {', '.join(known)}.")
        if known[name] != isinstance(value, bool):
            wanted = "true or false" if known[name] else "a value"
            raise DatasetError(f"{key} in {path} is {value!r}; expected {wanted}.")
        if isinstance(value, dict):
            raise DatasetError(f"{path} has a table {key!r}; expected plain keys.")
        if known[name]:
            flags += [f"--{name}"] if value else []
        else:
            flags.append(f"--{name}=" + (",".join(map(str, value)) if isinstance(value, list) else str(value)))
    return flags


def _cameras(text: str) -> str:
    if text not in CAMERAS and not text.endswith(".json"):
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(CAMERAS)}, and no cameras.json")
    return text


def _lights(text: str) -> str:
    if text not in LIGHTS and not Path(text).suffix:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(LIGHTS)}, and no picture")
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in re.split(r"[,\s]+", text) if word))


def _numbers(text: str) -> tuple[int, ...]:
    words = _words(text)
    if not words or not all(word.isdigit() for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of images; expected numbers such as 0,17")
    return tuple(int(word) for word in words)


def _shard(text: str) -> tuple[int, int]:
    index, _, total = text.partition("/")
    if not (index.isdigit() and total.isdigit() and int(index) < int(total)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard; expected I/N with I from 0 to N - 1, for example 0/4")
    return int(index), int(total)
