# SPDX-License-Identifier: Apache-2.0
"""Settings of what makes scenes: shape, texture and background."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    latent: int = 64  # length of z ~ N(0, 1), and of the styles
    mapping_layers: int = 4  # from z to the styles
    channels: tuple[int, ...] = (128, 128, 64, 32, 16)  # at 4^2, 8^2, ... to the texture's size
    texture_size: int = 64  # texels per side of the octahedral square
    mesh_cells: int = 32  # per side of the square: 2 mesh_cells^2 triangles
    radius: float = 0.3  # of the sphere that every shape is at first; the object's ball has 0.5
    smoothing: float = 1.0  # sigma of a Gaussian over the shape, in pixels of its finest level
    pyramid: bool = True  # offsets of all sizes, the finer the smaller; false: the finest alone (an ablation)
    light: bool = False  # that stands with the camera, for photographs taken so; false: in the texture, as in the paper
    size_constraint: bool = True  # the object stays within the ball that fills the frame; false: an ablation
    learning_rate: float = 2e-3
    beta1: float = 0.0
    beta2: float = 0.99
    average_images: int = 10_000  # half-life of the moving average of the weights that all samples are made with

    def __post_init__(self) -> None:
        for name in ("latent", "mapping_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but at least 1 was expected")
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels is {list(self.channels)}, but at least one width of 1 or more is needed")
        if self.texture_size != 4 * 2 ** (len(self.channels) - 1):
            raise ValueError(
                f"channels has {len(self.channels)} widths, which build textures of "
                f"{4 * 2 ** (len(self.channels) - 1)}^2, but texture_size is {self.texture_size}"
            )
        if self.mesh_cells < 4 or self.mesh_cells % 2:
            raise ValueError(f"mesh_cells is {self.mesh_cells}, but an even number of at least 4 was expected")
        if not 0.0 < self.radius < 0.5:
            raise ValueError(f"radius is {self.radius}, but a ball between 0 and 0.5 was expected")
        if self.smoothing < 0.0:
            raise ValueError(f"smoothing is {self.smoothing}, but 0 (none) or more was expected")

    @property
    def shape_size(self) -> int:
        """Side of the finest level of the shape: the largest that the mesh can show and the trunk has."""
        return max(size for size in (4 * 2**level for level in range(len(self.channels))) if size <= self.mesh_cells)


@dataclass(frozen=True, slots=True)
class BackgroundConfig:
    size: int = 48  # pixels per side; it is three frames wide and high
    channels: tuple[int, ...] = (32, 32, 32, 16, 8)  # at 3^2, 6^2, ... to `size`
    moves: bool = True  # slides with the view, so that no object can be painted on it; false: an ablation

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels is {list(self.channels)}, but at least one width of 1 or more is needed")
        if self.size != 3 * 2 ** (len(self.channels) - 1):
            raise ValueError(
                f"channels has {len(self.channels)} widths, which build backgrounds of "
                f"{3 * 2 ** (len(self.channels) - 1)}^2, but size is {self.size}"
            )
