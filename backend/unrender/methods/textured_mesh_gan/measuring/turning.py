# SPDX-License-Identifier: Apache-2.0
"""Objects of a generator all around, on a plain background: does identity stay when the view turns, and the view when
identity changes?"""

import dataclasses
import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.metrics.feature_classifier import FeatureClassifier
from unrender.metrics.features import as_grey_alpha
from unrender.metrics.turns import identity_over_turn, view_over_identities
from unrender.networks.scene_generator import Scene
from unrender.training.work import Work

VIEWS = 12
_GREY = 0.5
_COLOUR_CELLS = 4  # per side, that the colours of an object are compared at
_COVERED = 0.5


def turn_figures(
    scenes: Scene, maker: PictureMaker, views: ViewPrior, classifier: FeatureClassifier, work: Work
) -> dict[str, float]:
    """`identity_*` and `view_*` of at least two scenes, each seen from 12 sides, evenly over the whole circle whatever
    the view prior, at the middle of its elevations. See `IdentityFigures` and `ViewFigures`.

    Backgrounds are replaced by grey: what the background knows of the identity does not count. The features know no
    hue: `identity_colour_share` and `_recall` are those of colours, averaged over 4 x 4 cells of the frame.
    """
    low, high = views.config.elevation_degrees
    azimuth = torch.arange(VIEWS) * (2.0 * math.pi / VIEWS)
    cameras = views.cameras(azimuth, torch.full_like(azimuth, math.radians(0.5 * (low + high))))
    features, colours, normals, masks = [], [], [], []
    for part in work.parts("turning objects", len(scenes), 1):
        around = on_grey(scenes[part], VIEWS)
        with torch.no_grad():
            images = maker.render(around, cameras, passes=True)
            features.append(classifier.features(as_grey_alpha(images.rgb)))
        cells = torch.nn.functional.adaptive_avg_pool2d(images.rgb - _GREY, _COLOUR_CELLS)
        colours.append(cells.flatten(1))
        assert images.normal is not None
        normals.append(images.normal)
        masks.append(images.alpha > _COVERED)
    figures = {f"identity_{name}": value for name, value in identity_over_turn(torch.stack(features))._asdict().items()}
    of_colours = identity_over_turn(torch.stack(colours))._asdict()
    figures |= {f"identity_colour_{name}": of_colours[name] for name in ("share", "recall")}
    facing: Float[Tensor, "N V 3 H W"] = torch.stack(normals)
    inside: Bool[Tensor, "N V 1 H W"] = torch.stack(masks)
    return figures | {f"view_{name}": value for name, value in view_over_identities(facing, inside)._asdict().items()}


def on_grey(scene: Scene, times: int) -> Scene:
    """One scene, repeated, before a plain background."""
    repeated = scene[torch.zeros(times, dtype=torch.long)]
    return dataclasses.replace(repeated, background=torch.full_like(repeated.background, _GREY))
