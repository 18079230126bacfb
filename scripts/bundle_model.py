# SPDX-License-Identifier: Apache-2.0
"""Make a bundled model of a finished run: the averaged generator, its settings, a model card and a preview.

python scripts/bundle_model.py RUN chairs-32 --class chair --hardware "2 CPU cores" --data "4,000 Cycles renders of ..."

Of a run of either method.
"""

import argparse
import math
import shutil
from pathlib import Path

import numpy as np
import tomli_w
import torch
from PIL import Image

from unrender import __version__
from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import linear_to_srgb
from unrender.geometry.lighting import Lighting
from unrender.geometry.textured_shape import TexturedShape
from unrender.methods.films import Shot, draw_shot
from unrender.methods.generate import generate_shapes
from unrender.methods.models import WEIGHTS, Model, find_model, method_of
from unrender.methods.textured_mesh_gan.sampling import export_generator as export_textured
from unrender.methods.voxel_gan.sampling import export_generator as export_voxels
from unrender.metrics.feature_classifier import feature_name
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.training.run_folder import RunFolder

PREVIEW_LIGHT = Lighting(((-0.4, 0.6, 0.6928), (0.7, 0.1, 0.7071)), (0.55, 0.2), 0.2)

EXPORTS = {"voxel_gan": export_voxels, "textured_mesh_gan": export_textured}
TITLES = {"voxel_gan": "IG-GAN", "textured_mesh_gan": "a textured-mesh GAN"}
LIMITS = {
    "voxel_gan": "One surface without colour; fine parts below a voxel are lost; unseen insides are arbitrary.",
    "textured_mesh_gan": "One ball-like surface, without holes; light is painted into the texture; no material.",
}


def preview(model: Model, seed: int) -> Image.Image:
    """One shape of the model, 256 x 256, on grey; one with a texture as films show it."""
    shape = generate_shapes(model, seed, 1)[0]
    if isinstance(shape, TexturedShape):
        return Image.fromarray(draw_shot(Shot((shape,), 35.0, 25.0), 256))
    camera = Cameras(torch.tensor([math.radians(35.0)]), torch.tensor([math.radians(25.0)]))
    with BlenderRenderer(size=256, samples=16) as renderer:
        image = renderer.render([shape], camera, PREVIEW_LIGHT)
    over_grey = image.rgb[0] + (1.0 - image.alpha[0]) * 0.06
    return Image.fromarray((linear_to_srgb(over_grey).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--class", dest="shape_class", required=True)
    parser.add_argument("--data", required=True, help="what the model was trained on")
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--licence", default="Apache-2.0")
    parser.add_argument("--seed", type=int, default=7, help="of the preview")
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    folder = Path(__file__).parent.parent / "backend/unrender/methods/bundled" / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    method = method_of(run.path)
    EXPORTS[method](run.newest_checkpoint(), folder / WEIGHTS)
    shutil.copy(run.config_path, folder / "config.toml")
    first, last = run.metrics()[0], run.metrics()[-1]
    card = {
        "method": method,
        "class": arguments.shape_class,
        "description": f"{arguments.shape_class.capitalize()}s from unposed pictures, by {TITLES[method]}",
        "data": arguments.data,
        "images_shown": last["images"],
        "training_minutes": round(last["seconds"] / 60, 1),
        "hardware": arguments.hardware,
        "kid": last["kid"],
        "kid_untrained": first["kid"],
        "features": feature_name(),
        "unrender_version": __version__,
        "licence": arguments.licence,
        "limits": LIMITS[method],
    }
    (folder / "card.toml").write_text(tomli_w.dumps(card), encoding="utf-8")
    preview(find_model(str(folder)), arguments.seed).save(folder / "preview.png")
    print(f"{folder}: {(folder / WEIGHTS).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
