# SPDX-License-Identifier: Apache-2.0
"""z -> a scene: the shape and the texture of one object, each a picture on the sphere, and what lies behind it.

Szabo, Meishvili, Favaro, Unsupervised Generative 3D Shape Learning from Natural Images, 2019, on a trunk like
StyleGAN2's. The paper's shape pyramid and size constraint are described without formulas; those of
`networks.octahedral_surface` and `SphereGenerator` are ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrender.networks.modulated_convolutions import MappingNetwork, StyledLayer, StyledOutput, Surroundings
from unrender.networks.octahedral_surface import OctahedralSurface
from unrender.networks.sphere_padding import pad_sphere, upsample_padded, upsample_sphere

# A fresh generator makes greyish colours, where a sigmoid has its slope, and spheres nearly. Shapes learn that much
# slower than colours: else they fold into beaks and creases to be dark where pictures are, before colours and light
# are.
_OFFSET_GAIN, _SPREAD = 0.05, 0.25
_FINEST_PLACES = 16  # beyond, what is fine would soon be the same for all samples
_STRONGEST = 1.0  # coefficient of a light's harmonics: one of degree 1 then goes from half the texture's colour to 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A batch of scenes, in float32.

    vertices: world coordinates, of the template that all scenes of a generator share.
    texture: on the octahedral square, sRGB-encoded, [0, 1]; light is part of it, unless there is `light`.
    background: what lies behind the object, three frames wide and high, sRGB-encoded, [0, 1].
    light: that stands with the camera, coefficients of the spherical harmonics of degrees 1 and 2 of the camera-frame
        normal (`geometry.lighting`): colours are the texture's times `1 + sum_k light_k Y_k(n)`.
    """

    vertices: Float[Tensor, "B N 3"]
    texture: Float[Tensor, "B 3 t t"]
    background: Float[Tensor, "B 3 b b"]
    light: Float[Tensor, "B 8"] | None = None

    def __len__(self) -> int:
        return len(self.vertices)

    def __getitem__(self, index: slice | Tensor) -> "Scene":
        return self._each(lambda part: part[index])

    def detach(self) -> "Scene":
        """The same scenes, which no gradient goes through."""
        return self._each(Tensor.detach)

    def parts(self) -> tuple[Tensor, ...]:
        """The tensors that there are, in the order of the fields."""
        parts = (self.vertices, self.texture, self.background)
        return parts if self.light is None else (*parts, self.light)

    @staticmethod
    def joined(scenes: Sequence["Scene"]) -> "Scene":
        """Batches of scenes of one generator as one batch."""
        return Scene(*(torch.cat(parts) for parts in zip(*(scene.parts() for scene in scenes), strict=True)))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Scene":
        return Scene(*map(change, self.parts()))


class StyledTrunk(nn.Module):
    """A learned constant that styled convolutions turn into pictures of twice the size, time and again.

    first: side of the constant. channels: at first, 2 first, 4 first, ... beyond: the border.
    has_places: bias every place, of pictures up to 16^2; see `StyledLayer`.
    """

    def __init__(
        self, first: int, channels: tuple[int, ...], style: int, beyond: Surroundings, has_places: bool
    ) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, channels[0], first, first))
        self.first = StyledLayer(channels[0], channels[0], style, beyond)
        pairs = list(pairwise(channels))
        self.before = nn.ModuleList(StyledLayer(inputs, outputs, style, beyond) for inputs, outputs in pairs)
        sizes = [first * 2**level for level in range(1, len(channels))]
        self.after = nn.ModuleList(
            StyledLayer(outputs, outputs, style, beyond, size if has_places and size <= _FINEST_PLACES else 0)
            for (_, outputs), size in zip(pairs, sizes, strict=True)
        )
        self._beyond = beyond

    def forward(self, w: Float[Tensor, "B style"]) -> list[Float[Tensor, "B _ _ _"]]:
        """Features of every size, the smallest first."""
        x = self.first(self.constant.expand(len(w), -1, -1, -1), w)
        features = [x]
        for before, after in zip(self.before, self.after, strict=True):
            # Widths change at the smaller size, where convolutions are quick.
            x = after(upsample_padded(self._beyond.pad(before(x, w))), w)
            features.append(x)
        return features


class SphereGenerator(nn.Module):
    """w -> offsets of the shape and texture, both on the octahedral square.

    channels: of the trunk at 4^2, 8^2, ...; the last is the texture's size.
    shape_size: of the finest offsets. pyramid: offsets are the sum of those of all levels from 4^2 on, level l with a
        gain of 2^-l, so that what is coarse moves first and far, and what is fine little; else those of the finest
        level alone, at a gain of 1.
    """

    def __init__(self, channels: tuple[int, ...], style: int, shape_size: int, pyramid: bool = True) -> None:
        super().__init__()
        sizes = [4 * 2**level for level in range(len(channels))]
        if shape_size not in sizes:
            raise ValueError(f"shape_size came as {shape_size}; expected one of the trunk's sizes, {sizes}")
        finest = sizes.index(shape_size)
        self.trunk = StyledTrunk(4, channels, style, Surroundings(pad_sphere, is_turned=True), has_places=True)
        self.to_rgb = nn.ModuleList(StyledOutput(width, 3, style, spread=_SPREAD) for width in channels)
        self._levels = range(0 if pyramid else finest, finest + 1)
        self.to_offsets = nn.ModuleList(
            StyledOutput(channels[level], 3, style, _OFFSET_GAIN * (2.0**-level if pyramid else 1.0), _SPREAD)
            for level in self._levels
        )

    def forward(self, w: Float[Tensor, "B style"]) -> tuple[Float[Tensor, "B 3 s s"], Float[Tensor, "B 3 t t"]]:
        features = self.trunk(w)
        offsets = _summed(
            [layer(features[level], w) for level, layer in zip(self._levels, self.to_offsets, strict=True)]
        )
        return offsets, torch.sigmoid(_summed([layer(x, w) for layer, x in zip(self.to_rgb, features, strict=True)]))


class BackgroundGenerator(nn.Module):
    """w -> the background, on an ordinary picture of `3 * 2 ** (len(channels) - 1)` pixels a side.

    is_periodic: whether its left and right borders meet, for cameras that go all around the object.
    """

    def __init__(self, channels: tuple[int, ...], style: int, is_periodic: bool = False) -> None:
        super().__init__()
        beyond = Surroundings(_pad_around if is_periodic else _pad_frame)
        self.trunk = StyledTrunk(3, channels, style, beyond, has_places=False)
        self.to_rgb = StyledOutput(channels[-1], 3, style, spread=_SPREAD)

    def forward(self, w: Float[Tensor, "B style"]) -> Float[Tensor, "B 3 b b"]:
        return torch.sigmoid(self.to_rgb(self.trunk(w)[-1], w))


class SceneGenerator(nn.Module):
    """z ~ N(0, 1) -> scenes. The same z always gives the same scene, whatever else is in the batch.

    light: w -> the light of the scenes before it is bounded; None: light is part of the texture, as in the paper.
    """

    def __init__(
        self,
        mapping: MappingNetwork,
        sphere: SphereGenerator,
        surface: OctahedralSurface,
        background: BackgroundGenerator,
        light: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.mapping, self.sphere, self.surface, self.background = mapping, sphere, surface, background
        self.light = light

    @property
    def latent(self) -> int:
        return self.mapping.latent

    def forward(self, z: Float[Tensor, "B latent"]) -> Scene:
        return self.scene(self.mapping(z))

    def scene(self, w: Float[Tensor, "B latent"]) -> Scene:
        """The scenes of styles, the outputs of `mapping`: what one blends to go from one scene to another."""
        offsets, texture = self.sphere(w)
        light = None if self.light is None else _STRONGEST * torch.tanh(self.light(w).float())
        return Scene(self.surface(offsets), texture, self.background(w), light)

    @torch.no_grad()
    def mean_style(self, count: int = 1024) -> Float[Tensor, "1 latent"]:
        """Mean of the styles of `count` fixed z: the middle that truncation draws towards."""
        z = torch.randn(count, self.latent, generator=torch.Generator().manual_seed(0))
        weight = next(self.mapping.parameters())
        return self.mapping(z.to(weight)).mean(dim=0, keepdim=True)


def _summed(levels: list[Tensor]) -> Tensor:
    """Pictures on the sphere, each of twice the size of the one before, added up at the size of the last."""
    total = levels[0]
    for level in levels[1:]:
        total = upsample_sphere(total) + level
    return total


def _pad_frame(x: Tensor) -> Tensor:
    return functional.pad(x, (1, 1, 1, 1), mode="replicate")


def _pad_around(x: Tensor) -> Tensor:
    return functional.pad(functional.pad(x, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1), mode="replicate")
