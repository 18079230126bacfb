# SPDX-License-Identifier: Apache-2.0
"""The renderers that are compared, and what each of them can show."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.renderer_agreement.views import SIZE
from unrender.renderers.base import Renderer
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_executables, probe
from unrender.renderers.off_the_shelf.opengl_renderer import OpenGLRenderer
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer

GRID = 96  # voxels per side, for renderers of grids


@dataclass(frozen=True, slots=True)
class Contestant:
    """open: makes the renderer, or skips the test with the reason. shades: its rgb is Lambert's; takes_grids: voxels
    instead of meshes, whose surface is only known to about a voxel."""

    name: str
    open: Callable[[], Renderer]
    shades: bool = True
    takes_grids: bool = False


def module(engine: str, python: Path) -> Renderer:
    """Blender 5.0 as a module."""
    return _blender(engine, BlenderInstallation("module", (str(python),), "5.0.1"))


def executable(engine: str) -> Renderer:
    """The Blender of the system, where a worker runs in it."""
    for path in find_executables():
        found = probe(path)
        if isinstance(found, BlenderInstallation):
            return _blender(engine, found)
    pytest.skip("no Blender executable here can run a worker")


def _blender(engine: str, blender: BlenderInstallation) -> Renderer:
    passes = ("depth",) if engine == "workbench" else ("depth", "normal")
    return BlenderRenderer(SIZE, 16 if engine == "cycles" else 8, engine, threads=1, passes=passes, blender=blender)


def contestants(python: Path) -> dict[str, Contestant]:
    """By name. python: the one with Blender as a module."""
    both = ("depth", "normal")
    every = [
        Contestant("cycles", lambda: module("cycles", python)),
        Contestant("cycles of the system", lambda: executable("cycles")),
        Contestant("workbench", lambda: module("workbench", python), shades=False),
        Contestant("workbench of the system", lambda: executable("workbench"), shades=False),
        Contestant("opengl", lambda: OpenGLRenderer(SIZE, passes=both)),
        Contestant("opengl at pixel centres", lambda: OpenGLRenderer(SIZE, samples=1, passes=both)),
        Contestant("mesh rasteriser", lambda: MeshRenderer(SIZE)),
        Contestant("mesh rasteriser at pixel centres", lambda: MeshRenderer(SIZE, "none")),
        Contestant("mesh rasteriser with a skirt", lambda: MeshRenderer(SIZE, "soft_skirt")),
        Contestant("ray march", lambda: RayMarchRenderer(SIZE, supersampling=1), takes_grids=True),
    ]
    return {contestant.name: contestant for contestant in every}


NAMES = tuple(contestants(Path()))
