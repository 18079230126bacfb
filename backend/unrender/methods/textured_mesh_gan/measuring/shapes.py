# SPDX-License-Identifier: Apache-2.0
"""Generated shapes against known ones, each beside a sphere of the right size.

Of a picture: it is inverted, and what the generator thinks lies behind it is compared, as the picture's camera sees it,
with what does: frames, poses and scales of unposed generators are their own, and no comparison needs them.
Of all pictures together: generated solids against solids of the class, at the best turn about the vertical.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.data.known_objects import KnownObjects
from unrender.data.procedural.meshes import make_mesh
from unrender.data.voxelisation import voxelise_mesh
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.metrics.depth_error import depth_error
from unrender.metrics.screen_solids import (
    fitted_sphere,
    mask_overlap,
    overlap_along_view,
    right_sized_spheres,
    screen_solid,
)
from unrender.metrics.shape_distances import chamfer_distances, compare_sets, overlap_distances
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer
from unrender.renderers.differentiable.rasterizer import project
from unrender.training.work import Work

RESOLUTION = 32
HELD_OUT_SEED = 2_000_000  # of procedural objects that no training saw
_WHITE = Lighting((), (), 1.0)
_COVERED = 0.5
_FEWEST = 2


class SeenShapes:
    """Meshes as their cameras see them: masks, depth maps (in units of the picture's side) and screen solids."""

    def __init__(self, meshes: list[Mesh], cameras: Cameras, pixels: int, work: Work) -> None:
        images = MeshRenderer(pixels, "none", passes=("depth",)).render(meshes, cameras, _WHITE)
        assert images.depth is not None
        self.mask: Bool[Tensor, "N 1 H W"] = images.alpha > _COVERED
        self.depth: Float[Tensor, "N 1 H W"] = images.depth / cameras.width
        solids = []
        for part in work.parts("solids", len(meshes), 1):
            mesh = meshes[part.start]
            vertices, faces = (torch.as_tensor(array) for array in (mesh.vertices, mesh.faces))
            screen = project(vertices[None], cameras[part], (pixels, pixels))[0]
            solids.append(screen_solid(screen, faces, pixels, cameras.width, RESOLUTION))
        self.solid: Bool[Tensor, "N X Y Z"] = torch.stack(solids)


def picture_figures(found: SeenShapes, known: SeenShapes) -> dict[str, float]:
    """`shape_*` over pictures: medians of the depth's error (in sides of the picture, up to scale and distance, where
    both masks are), means of the masks' and of the solids' IoU. `_sphere`: of the sphere with the known mask's area at
    its place, `_flat`: of a flat depth; `shape_beats_sphere`: share of the pictures whose solid has the larger IoU.
    """
    both = found.mask & known.mask
    sphere_depth, sphere = fitted_sphere(known.mask, RESOLUTION)
    errors = {
        "": depth_error(found.depth, known.depth, both),
        "_sphere": depth_error(sphere_depth, known.depth, both),
        "_flat": depth_error(torch.zeros_like(known.depth), known.depth, both),
    }
    pairs = [(known.solid, solids) for solids in (found.solid, sphere)]
    overlap, of_sphere = (
        torch.tensor([overlap_along_view(a, b) for a, b in zip(*pair, strict=True)]) for pair in pairs
    )
    return {
        **{f"shape_depth_error{name}": values.nanmedian().item() for name, values in errors.items()},
        "shape_iou": overlap.mean().item(),
        "shape_iou_sphere": of_sphere.mean().item(),
        "shape_beats_sphere": (overlap > of_sphere).double().mean().item(),
        "shape_mask_iou": mask_overlap(found.mask, known.mask).mean().item(),
    }


def set_figures(meshes: list[Mesh], width: float, known: KnownObjects, work: Work) -> dict[str, float | int]:
    """`set_*`: coverage, minimum matching distance (mmd) and 1-NNA, by 1 - IoU and by Chamfer distance, of generated
    meshes, seen `width` world units wide, against as many objects of the class that no training saw, all in sides of
    the picture and around their boxes' middles; `set_sphere_*`: mean distance of an object from the sphere with its
    volume, to be held against mmd. Empty where fewer than two meshes have a volume.
    """
    generated = _solids(meshes, width, work)
    generated = generated[generated.flatten(1).any(1)]
    if len(generated) < _FEWEST:
        return {}
    objects = [
        Mesh(*make_mesh(known.category, HELD_OUT_SEED + index, known.resolution)) for index in range(len(generated))
    ]
    real = _solids(objects, known.cameras.width, work)
    spheres = right_sized_spheres(real)
    figures: dict[str, float | int] = {"set_shapes": len(generated)}
    for name, distances in (("iou", overlap_distances), ("chamfer", chamfer_distances)):
        compared = compare_sets(distances(generated, real), distances(generated, generated), distances(real, real))
        figures[f"set_coverage_{name}"] = compared.coverage
        figures[f"set_mmd_{name}"] = compared.minimum_matching_distance
        figures[f"set_1nna_{name}"] = compared.nearest_neighbour_accuracy
        own = [distances(real[k : k + 1], spheres[k : k + 1]).item() for k in range(len(real))]
        figures[f"set_sphere_{name}"] = sum(own) / len(own)
    return figures


def _solids(meshes: list[Mesh], width: float, work: Work) -> Bool[Tensor, "N X Y Z"]:
    """Solids in a cube whose side is that of the picture, around the middles of their boxes."""
    grids = []
    for part in work.parts("solids", len(meshes), 1):
        mesh = meshes[part.start]
        middle = 0.5 * (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0))
        grids.append(torch.from_numpy(voxelise_mesh((mesh.vertices - middle) / width, mesh.faces, RESOLUTION)))
    return torch.stack(grids)
