# SPDX-License-Identifier: Apache-2.0
"""What can be trained, for people who choose from lists: methods, and presets with what they are made for."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrender.configuration import read_toml
from unrender.methods import METHODS as TRAINABLE

_SENTENCE_END = re.compile(r"[.:;]\s+(?=\w)")
_LONGEST = 190  # characters
_ABBREVIATION = re.compile(r"\b(?:et al|e\.g|i\.e)\.?$")


@dataclass(frozen=True, slots=True)
class MethodOption:
    """A method as a person sees it: `method` is its name for `train`, `settings` make it this one of several."""

    name: str
    title: str
    description: str
    method: str = "voxel_gan"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PresetOption:
    """A preset of a method. `pictures`: "photos" or "renders", whichever it expects."""

    name: str
    description: str
    pictures: str
    method: str = "voxel_gan"


METHODS = (
    MethodOption("iggan", "IG-GAN", "Solid shapes with hollows and holes, learned through Blender's own renderer"),
    MethodOption(
        "visual_hull",
        "Visual hull",
        "A baseline that sees outlines only (PrGAN): hollows stay filled",
        settings={"route": "visual_hull"},
    ),
    MethodOption(
        "absorption",
        "Absorption",
        "A baseline that sees how much light a shape swallows, without shading",
        settings={"route": "absorption"},
    ),
    MethodOption(
        "emission_absorption",
        "Emission and absorption",
        "A baseline that sees shapes as glowing fog (PlatonicGAN)",
        settings={"route": "emission_absorption"},
    ),
    MethodOption(
        "image",
        "Pictures only",
        "A baseline that makes pictures and no shapes (DCGAN): nothing can be generated into a scene",
        settings={"route": "image"},
    ),
    MethodOption(
        "textured_mesh",
        "Textured mesh",
        "Closed shapes with their colours, learned from whole photographs as they are (Szabo et al.)",
        method="textured_mesh_gan",
    ),
)


def list_presets() -> list[PresetOption]:
    """The presets of all methods, by method and name; each is described by the comment that its file begins with."""
    folders = {method: Path(__file__).parent / method / "config" / "presets" for method in TRAINABLE}
    return [
        _preset(path, method)
        for method, folder in folders.items()
        for path in sorted(folder.glob("*.toml"), key=lambda path: path.stem)
    ]


def _preset(path: Path, method: str) -> PresetOption:
    settings = read_toml(path)
    if method == "voxel_gan":
        is_for_photos = settings.get("renderer", {}).get("fit_to_photos", False)
    else:  # rendered data sets tell their views themselves; of photographs the preset says what to expect
        is_for_photos = "azimuth_degrees" in settings.get("views", {})
    return PresetOption(path.stem, _first_sentence(path), "photos" if is_for_photos else "renders", method)


def _first_sentence(path: Path) -> str:
    """Of the comment at the head of a file, without what follows a full stop, a colon or a semicolon."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "SPDX" not in line:
            lines.append(line.lstrip("# ").strip())
    text = " ".join(lines)
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[: match.start()]):
            text = text[: match.start()]
            break
    return textwrap.shorten(text.rstrip("."), _LONGEST, placeholder=" …")
