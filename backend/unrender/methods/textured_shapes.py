# SPDX-License-Identifier: Apache-2.0
"""Shapes with a texture from generators of meshes."""

from typing import TYPE_CHECKING

from unrender.geometry.textured_shape import TexturedShape
from unrender.methods.models import Model

if TYPE_CHECKING:
    from unrender.networks.scene_generator import SceneGenerator


class TexturedShapes:
    """The `ShapeMaker` of a model of textured meshes."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._generator: SceneGenerator | None = None

    def shape(self, seed: int, variety: float) -> TexturedShape:
        from unrender.methods.textured_mesh_gan.sampling import sample_shape

        return sample_shape(self._loaded(), seed, variety)

    def between(self, first: int, second: int, share: float, variety: float) -> TexturedShape:
        from unrender.methods.textured_mesh_gan.sampling import sample_style, shape_of_style

        generator = self._loaded()
        one, other = (sample_style(generator, seed, variety) for seed in (first, second))
        # On a straight line: styles are what a generator untangles z into (Karras et al. 2019, section 4.1).
        return shape_of_style(generator, one.lerp(other, share))

    def _loaded(self) -> "SceneGenerator":
        from unrender.methods.textured_mesh_gan.sampling import load_generator

        if self._generator is None:
            self._generator = load_generator(self._model.path, self._model.weights)
        return self._generator
