# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene of a data set: one object at a time before a camera, under the plan's lights."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Matrix

from . import engines
from .cameras import View
from .lights import Lighting
from .plan import DatasetPlan
from .real_lights import RealLights
from .scene import RenderScene, link_colours
from .settings import RenderSettings
from .sources.model import Model

_NEAR, _FAR = 0.01, 10.0


class Stage:
    """Shows meshes and models and renders them.

    What is white, or has colours alone, is shaded in closed form, without noise; what keeps its materials, or is lit by
    a picture, is under real lights. The frame of the scene is the camera's, as in RenderScene: the object turns, the
    camera stands still.
    """

    def __init__(self, scene: RenderScene, plan: DatasetPlan, threads: int, device: str) -> None:
        self._scene, self._plan, self._threads, self._device = scene, plan, threads, device
        self._lights = RealLights(scene.scene)
        self._model: Model | None = None
        self._smooth = True
        self._real = self._coloured = False
        self._settings: RenderSettings | None = None

    def show_mesh(
        self, vertices: np.ndarray, faces: np.ndarray, smooth: bool, colours: np.ndarray | None = None
    ) -> None:
        """Show a mesh; vertices float32 [N, 3] in the unit-diameter ball, faces int32 [F, 3]. colours: of the vertices,
        linear float32 [N, 3]; None for white."""
        self.clear()
        self._smooth, self._real, self._coloured = smooth, False, colours is not None
        self._configure(self._white_settings((), (), 1.0))  # the mesh takes its smoothness from the settings
        self._scene.expect_views(self._plan.views > 1)
        self._scene.set_mesh(vertices, faces, colours)

    def show_model(self, model: Model) -> None:
        """Show objects of Blender, with their materials where the plan keeps them and they have any."""
        self.clear()
        self._model = model
        self._scene.expect_views(False)
        model.show_colours()
        self._real = self._plan.materials != "clay" and (model.has_materials or self._plan.materials == "keep")
        self._smooth, self._coloured = True, False
        self._scene.show(model.root)
        if not self._real:
            self._configure(self._white_settings((), (), 1.0))
            model.use_material(self._scene.material)

    def clear(self) -> None:
        """Let go of the model and of its lights: Cycles picks lights by their place among all objects."""
        self._lights.remove()
        if self._model is not None:
            self._scene.show(None)
            self._model.release()
            self._model = None

    def render(self, view: View, lighting: Lighting, seed: int) -> dict[str, np.ndarray]:
        """`rgba`, and the plan's engine passes, of what is shown; see RenderScene.render. seed: of sampled light."""
        if self._real or lighting.environment is not None:
            self._configure(self._white_settings((), (), 0.0))
            self._light(lighting, view, seed)
        else:
            self._lights.remove()
            directions = lighting.in_camera_frame(view.rotation)
            self._configure(self._white_settings(directions, lighting.intensities, lighting.ambient))
        self._aim(view)
        matrix = view.pose.copy()
        matrix[2, 3] = 0.0  # the camera stands that far away instead
        place = Matrix(matrix.tolist())
        return self._scene.render_placed(place @ self._model.normalise if self._model else place)

    def _white_settings(self, directions: tuple, intensities: tuple, ambient: float) -> RenderSettings:
        plan = self._plan
        return RenderSettings(
            plan.size,
            plan.samples,
            plan.engine,
            plan.width,
            light_directions=directions,
            light_intensities=intensities,
            ambient=ambient,
            shadows=plan.shadows and not self._real,
            smooth=self._smooth,
            coloured=self._coloured,
            passes=plan.engine_passes,
            threads=self._threads,
        )

    def _configure(self, settings: RenderSettings) -> None:
        if settings == self._settings:
            return
        self._scene.configure(settings)
        engines.choose_device(self._scene.scene, self._device)
        self._settings = settings

    def _light(self, lighting: Lighting, view: View, seed: int) -> None:
        if not self._real:  # matt under the picture of a surrounding
            matt = _matt_material(self._coloured)
            if self._model is not None:
                self._model.use_material(matt)
            else:
                self._scene.object.data.materials[0] = matt
        self._scene.expect_views(False)  # it would be one more object among which lights are picked
        engines.allow_bounces(self._scene.scene)
        # With its data kept from image to image Cycles would not always take the new seed, and pick lights by an order
        # that depends on which object came before: an image has to be the same whatever was rendered first.
        self._scene.scene.render.use_persistent_data = False
        self._scene.scene.cycles.seed = seed
        self._lights.set(lighting)
        self._lights.turn(view.rotation)

    def _aim(self, view: View) -> None:
        lens, distance = view.lens, view.distance
        data = self._scene.camera.data
        if lens.is_perspective:
            data.type, data.angle = "PERSP", 2.0 * math.atan(0.5 * lens.size / lens.focal)
        else:
            data.type, data.ortho_scale = "ORTHO", lens.width
        data.shift_x = 0.5 - lens.centre[0] / lens.size
        data.shift_y = lens.centre[1] / lens.size - 0.5
        data.clip_start, data.clip_end = max(distance - 2.0, _NEAR), max(distance, 0.0) + _FAR
        self._scene.camera.matrix_world = Matrix.Translation((0.0, 0.0, distance))


def _matt_material(coloured: bool) -> bpy.types.Material:
    """White, or of the mesh's colours."""
    name = "unrender coloured" if coloured else "unrender white"
    material = bpy.data.materials.get(name)
    if material is None:
        material = bpy.data.materials.new(name)
        if bpy.app.version < (5, 0):
            material.use_nodes = True
        tree = material.node_tree
        tree.nodes.clear()
        diffuse = tree.nodes.new("ShaderNodeBsdfDiffuse")
        diffuse.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
        if coloured:
            link_colours(tree, diffuse)
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        tree.links.new(diffuse.outputs[0], output.inputs["Surface"])
    return material
