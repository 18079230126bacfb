# SPDX-License-Identifier: Apache-2.0
"""Finding the scene and the view behind a picture, so that a generator's idea of its shape can be looked at.

What is nearest among many random scenes from random views is bent, style and view together, by Adam through the
rasteriser until its picture is like the given one.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.metrics.feature_classifier import FeatureClassifier
from unrender.metrics.features import as_grey_alpha
from unrender.networks.scene_generator import SceneGenerator
from unrender.training.work import Work

_BANK_PART = 32
_THUMBNAIL = 16  # pixels per side, that pictures are first compared at


@dataclass(frozen=True, slots=True)
class InversionSettings:
    """bank: random scenes that the search starts from. starts: of them for each picture. trial: steps of Adam from each
    of these. steps: further ones from the best. rate: of styles; turn_rate: of angles, radians. features: weight of the
    classifier's features beside the colours' squares. anchor: weight of the style's square distance from where it
    started, which keeps shapes such as the generator makes. together: pictures that are worked on at once."""

    bank: int = 512
    starts: int = 3
    trial: int = 40
    steps: int = 160
    rate: float = 0.1
    turn_rate: float = 0.03
    features: float = 0.02
    anchor: float = 1e-3
    together: int = 8


@dataclass(frozen=True, slots=True)
class Inversion:
    """What was found for each picture. error: mean square of the colours' differences."""

    styles: Float[Tensor, "N latent"]
    cameras: Cameras
    error: Float[Tensor, " N"]


@dataclass(frozen=True, slots=True)
class _Aims:
    """What searches are drawn to, one row each: a picture, its features, and the style that the search began with."""

    pictures: Float[Tensor, "B 3 S S"]
    features: Float[Tensor, "B D"]
    anchors: Float[Tensor, "B latent"]


class Inverter:
    """Inverts pictures by one generator; its bank of random scenes is rendered once."""

    def __init__(
        self,
        generator: SceneGenerator,
        maker: PictureMaker,
        views: ViewPrior,
        classifier: FeatureClassifier,
        settings: InversionSettings,
        seed: int,
        work: Work,
    ) -> None:
        self._generator, self._maker, self._views = generator, maker, views
        self._classifier, self._settings, self._work = classifier, settings, work
        self._fill_bank(torch.Generator().manual_seed(seed))

    def invert(self, pictures: Float[Tensor, "N 3 S S"]) -> Inversion:
        """The best of several searches for each picture, of the size that the pictures of the generator have."""
        parts = []
        for part in self._work.parts("inverting pictures", len(pictures), self._settings.together):
            parts.append(self._invert(pictures[part]))
        return Inversion(
            torch.cat([part.styles for part in parts]),
            self._views.cameras(
                torch.cat([part.cameras.azimuth for part in parts]),
                torch.cat([part.cameras.elevation for part in parts]),
            ),
            torch.cat([part.error for part in parts]),
        )

    @torch.no_grad()
    def _fill_bank(self, random: torch.Generator) -> None:
        count = self._settings.bank
        self._styles = self._generator.mapping(torch.randn(count, self._generator.latent, generator=random))
        self._cameras = self._views.sample(count, random)
        described = []
        for part in self._work.parts("random scenes", count, _BANK_PART):
            images = self._maker.render(self._generator.scene(self._styles[part]), self._cameras[part]).rgb
            described.append(self._describe(images))
        self._thumbnails, self._features = (torch.cat(rows) for rows in zip(*described, strict=True))

    def _describe(self, images: Float[Tensor, "B 3 S S"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B K"]]:
        small = functional.interpolate(images, (_THUMBNAIL, _THUMBNAIL), mode="area")
        return small.flatten(1), self._classifier.features(as_grey_alpha(images))

    def _nearest(self, pictures: Float[Tensor, "B 3 S S"]) -> Int[Tensor, "B starts"]:
        thumbnails, features = self._describe(pictures)
        distance = torch.cdist(thumbnails, self._thumbnails).square() / thumbnails.shape[1]
        distance += self._settings.features * torch.cdist(features, self._features).square() / features.shape[1]
        return distance.topk(min(self._settings.starts, len(self._styles)), largest=False).indices

    def _invert(self, pictures: Float[Tensor, "B 3 S S"]) -> Inversion:
        with torch.no_grad():
            chosen = self._nearest(pictures)
            wanted = self._classifier.features(as_grey_alpha(pictures))
        starts, rows = chosen.shape[1], chosen.flatten()
        aims = _Aims(pictures.repeat_interleave(starts, 0), wanted.repeat_interleave(starts, 0), self._styles[rows])
        angles = torch.stack([self._cameras.azimuth, self._cameras.elevation])[:, rows]
        styles, angles, error, loss = self._descend(aims.anchors, angles, aims, self._settings.trial)
        best = torch.arange(len(pictures)) * starts + loss.view(-1, starts).argmin(dim=1)
        aims = _Aims(pictures, wanted, aims.anchors[best])
        styles, angles, error, _ = self._descend(styles[best], angles[:, best], aims, self._settings.steps)
        return Inversion(styles, self._views.cameras(*angles), error)

    def _descend(
        self, styles: Float[Tensor, "B latent"], angles: Float[Tensor, "2 B"], aims: "_Aims", steps: int
    ) -> tuple[Float[Tensor, "B latent"], Float[Tensor, "2 B"], Float[Tensor, " B"], Float[Tensor, " B"]]:
        """Styles and angles after so many steps at a falling rate; the colours' error there, and the whole loss."""
        settings = self._settings
        styles, angles = styles.clone().requires_grad_(), angles.clone().requires_grad_()
        of_styles, of_angles = torch.optim.Adam([styles]), torch.optim.Adam([angles])
        for step in range(steps):
            left = 0.5 * (1.0 + math.cos(math.pi * step / steps))
            for optimiser, rate in ((of_styles, settings.rate), (of_angles, settings.turn_rate)):
                optimiser.param_groups[0]["lr"] = rate * left
                optimiser.zero_grad()
            self._judge(styles, angles, aims)[1].sum().backward()
            of_styles.step()
            of_angles.step()
            self._keep_in_law(angles)
        with torch.no_grad():
            error, loss = self._judge(styles, angles, aims)
        return styles.detach(), angles.detach(), error, loss

    def _judge(self, styles: Tensor, angles: Tensor, aims: "_Aims") -> tuple[Float[Tensor, " B"], Float[Tensor, " B"]]:
        """Mean squares of the colours' differences; the same with those of features and styles."""
        images = self._maker.render(self._generator.scene(styles), self._views.cameras(*angles)).rgb
        features = self._classifier.features(as_grey_alpha(images))
        error = (images - aims.pictures).square().mean(dim=(1, 2, 3))
        other = self._settings.features * (features - aims.features).square().mean(dim=1)
        return error, error + other + self._settings.anchor * (styles - aims.anchors).square().mean(dim=1)

    @torch.no_grad()
    def _keep_in_law(self, angles: Float[Tensor, "2 B"]) -> None:
        config = self._views.config
        if not config.goes_around:
            angles[0].clamp_(*(math.radians(value) for value in config.azimuth_degrees))
        angles[1].clamp_(*(math.radians(value) for value in config.elevation_degrees))
