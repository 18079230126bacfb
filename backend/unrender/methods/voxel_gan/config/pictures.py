# SPDX-License-Identifier: Apache-2.0
"""Settings of what makes pictures: the black box, photographs, and objects that are rendered for training."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RendererConfig:
    kind: Literal["blender", "opengl", "mesh", "ray_march"] = "blender"  # the black box; only the first needs Blender
    engine: Literal["cycles", "eevee", "workbench"] = "cycles"  # of Blender
    samples: int = 4  # per pixel
    workers: int = 1  # of Blender
    threads: int = 2  # per worker
    ray: str = ""  # "auto" or HOST:PORT: Blenders on all machines of that Ray cluster, as many as it has room for
    surface_blur: int = 0  # blurs of the binary grid before meshing; 0 keeps thin parts, 2 makes rounded things smooth
    fit_to_photos: bool = False  # fit light and exposure to the training pictures first

    def __post_init__(self) -> None:
        if self.kind != "blender" and self.engine != "cycles":
            raise ValueError(f'engine is {self.engine!r}, but only kind = "blender" has engines, not {self.kind!r}')


@dataclass(frozen=True, slots=True)
class PhotoConfig:
    """How pictures without an alpha channel become training images; renders with alpha are taken as they are."""

    fill: float = 0.8  # share of the frame that the longer side of the mask takes
    framing: Literal["auto", "camera", "object"] = "auto"  # "object" crops cut-outs too; "auto" keeps their frame
    encoding: Literal["linear", "srgb"] = "linear"  # of channel 0, for renders and photographs alike
    thinnest_part: float = 0.0  # as a share of the object's longer side; thinner parts (stalks) are cut off its mask
    suppress_texture: bool = False  # flatten highlights, spots and fine texture that one albedo cannot express
    unify_mean: bool = False  # give all photographs one mean brightness by adding a constant inside the mask
    held_out: float = 0.0  # share of the things (by folder or name) whose photographs are kept for evaluation

    def __post_init__(self) -> None:
        if not 0.0 <= self.held_out < 1.0:
            raise ValueError(f"held_out is {self.held_out}, but a share from 0 to below 1 was expected")
        if not 0.0 <= self.thinnest_part < 1.0:
            raise ValueError(f"thinnest_part is {self.thinnest_part}, but a share from 0 to below 1 was expected")


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Objects to render training pictures of, instead of a folder of pictures; sizes as in section 4.2 of IG-GAN."""

    shapes: str = ""  # a procedural class, or a folder of .binvox, .obj, .off or .glb shapes; "": pictures from --data
    set: Literal["", "500", "one_per_model", "unlimited"] = ""  # the paper's sets, in place of the next three
    objects: int = 500
    views_per_object: int = 1
    rerender: bool = False  # every object from a new view in every pass, rendered while training goes on
    first_seed: int = 0  # of the first procedural object; objects for validation take others
    held_out: float = 0.1  # share of a folder's objects kept for evaluation, where it has no test folders
    up: Literal["auto", "y", "z"] = "auto"  # of shape files; "auto" is Z for .off, .ply and .stl, Y for the others

    def __post_init__(self) -> None:
        if self.objects < 1 or self.views_per_object < 1:
            raise ValueError(
                f"objects is {self.objects} and views_per_object is {self.views_per_object}, but at least 1 of each "
                "was expected"
            )
        if self.first_seed < 0:
            raise ValueError(f"first_seed is {self.first_seed}, but seeds are not negative")
        if not 0.0 <= self.held_out < 1.0:
            raise ValueError(f"held_out is {self.held_out}, but a share from 0 to below 1 was expected")
        if self.set and not self.shapes:
            raise ValueError(f"set is {self.set!r}, but shapes does not say of what; name a procedural class or folder")
