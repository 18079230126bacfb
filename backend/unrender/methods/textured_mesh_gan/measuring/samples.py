# SPDX-License-Identifier: Apache-2.0
"""What is measured: scenes of the averaged generator and pictures of them, as the training makes them."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.models import Model
from unrender.methods.textured_mesh_gan.monitors import Monitors
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.players import Players, build_players
from unrender.methods.textured_mesh_gan.sampling import TRAINING_KIND, load_generator, read_model_config
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.networks.scene_generator import Scene
from unrender.training.checkpoint import load_checkpoint
from unrender.training.devices import Devices
from unrender.training.work import Work

_SCENES = 32  # per call of the generator


class Sampler:
    """The averaged generator of a model with its views and its renderer, in float32 on the CPU.

    Raises CheckpointError where the model cannot be read.
    """

    def __init__(self, model: Model, work: Work) -> None:
        self.config = read_model_config(model.path)
        self.generator = load_generator(model.path, model.weights)
        self.views = ViewPrior(self.config.views).requires_grad_(False)
        if self.views.logits is not None and model.weights.parent.name == "checkpoints":
            self.views.load_state_dict(load_checkpoint(model.weights, TRAINING_KIND, ("method", "views")))
        self.maker = PictureMaker(self.config)
        self.classifier = load_feature_classifier()
        self._faces = octahedral_sphere(self.config.generator.mesh_cells // 2).faces
        self._work = work

    @torch.no_grad()
    def scenes(self, count: int, seed: int) -> Scene:
        """Number i has the latent code of seed `seed + i`, as `unrender generate` gives it."""
        made = [self.generator(self._codes(part, seed)) for part in self._work.parts("scenes", count, _SCENES)]
        return Scene.joined(made)

    @torch.no_grad()
    def pictures(self, count: int, seed: int) -> Float[Tensor, "N 3 H W"]:
        """The same scenes, each from a view of the law that follows from `seed`."""
        views = self.views.sample(count, torch.Generator().manual_seed(seed))
        images = []
        for part in self._work.parts("pictures", count, _SCENES):
            images.append(self.maker.render(self.generator(self._codes(part, seed)), views[part]).rgb)
        return torch.cat(images)

    def meshes(self, scenes: Scene) -> list[Mesh]:
        """The objects of scenes, without their colours."""
        return [Mesh(vertices.numpy(), self._faces) for vertices in scenes.vertices]

    def monitors(self) -> dict[str, float]:
        """What the training logs of the same weights."""
        devices = Devices.single("float32", torch.device("cpu"))
        fresh = build_players(self.config, devices)
        players = Players(fresh.generator, self.generator, fresh.discriminator, self.views)
        return Monitors(self.config, players, self.maker, devices).look()

    def _codes(self, part: slice, seed: int) -> Float[Tensor, "B latent"]:
        return torch.cat(
            [
                torch.randn(1, self.generator.latent, generator=torch.Generator().manual_seed(seed + index))
                for index in range(part.start, part.stop)
            ]
        )
