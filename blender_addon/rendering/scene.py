# SPDX-License-Identifier: GPL-3.0-or-later
"""One reusable scene in the camera's frame: the camera stands still on +Z and the object turns in front of it.

World axes are camera axes here (x right, y up, z towards the camera), so lights that are fixed to the camera never
move, and Blender's world-space normal pass is the camera-frame normal.
"""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Matrix, Vector

from . import engines
from .pixels import open_pixels
from .settings import RenderSettings

ORTHOGRAPHIC_DISTANCE = 2.0
_COLOURS = "unrender colours"  # name of the mesh's layer


class RenderScene:
    """Owns the whole of Blender's current scene: everything that was in it is removed.

    The mesh, material and camera are made once; per image only the geometry and the object's rotation change.
    """

    def __init__(self) -> None:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        self.scene = bpy.context.scene
        self._mesh = bpy.data.meshes.new("unrender")
        self.object = bpy.data.objects.new("unrender", self._mesh)
        self.object.pass_index = 1
        self.scene.collection.objects.link(self.object)
        camera = bpy.data.cameras.new("unrender")
        self.camera = bpy.data.objects.new("unrender camera", camera)
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self._settings: RenderSettings | None = None
        self._pixels = None
        self._turned = self.object
        self._second_user: bpy.types.Object | None = None

    @property
    def material(self) -> bpy.types.Material:
        """White and lit in closed form, as the settings have it."""
        return self._mesh.materials[0]

    def configure(self, settings: RenderSettings) -> None:
        """Prepare for images with these settings; does nothing when they are the current ones."""
        if settings == self._settings:
            return
        engines.configure(self.scene, settings)
        _place_camera(self.camera, settings)
        _remove_lights(self.scene)
        if settings.shadows:
            _add_suns(self.scene, settings)
        self._mesh.materials.clear()
        self._mesh.materials.append(_make_material(settings))
        if self._pixels is None or self._settings is None or self._settings.engine != settings.engine:
            self._pixels = open_pixels(self.scene, settings.engine)
        self._settings = settings

    def expect_views(self, several: bool) -> None:
        """Say whether each mesh will be rendered from several sides; must be said before `set_mesh`.

        Cycles moves the points of a mesh that has one user to where the object stands, and so builds all of it anew
        whenever the object turns. A second user, which no ray meets, keeps it from that: at one sample a turned mesh
        of 11,000 faces takes half the time. A mesh that is rendered once takes a tenth longer.
        """
        several = several and self._settings is not None and self._settings.engine == "cycles"
        if several == (self._second_user is not None):
            return
        if several:
            self._second_user = _add_unseen_user(self._mesh, self.camera)
        else:
            bpy.data.objects.remove(self._second_user)
            self._second_user = None

    def set_mesh(self, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray | None = None) -> None:
        """Replace the geometry: float32 [N, 3] world coordinates, int32 [F, 3] outward triangles; colours: of the
        vertices, linear float32 [N, 3], for coloured settings."""
        fill_mesh(self._mesh, vertices, faces, self._settings.smooth)
        if colours is not None:
            layer = self._mesh.color_attributes.new(_COLOURS, "FLOAT_COLOR", "POINT")
            layer.data.foreach_set("color", np.pad(colours, ((0, 0), (0, 1)), constant_values=1.0).ravel())

    def render(self, rotation: np.ndarray) -> dict[str, np.ndarray]:
        """Render the current mesh; rotation [3, 3] has the camera's right, up and backward axes as rows.

        Returns `rgba` float32 [H, W, 4], linear and premultiplied, row 0 at the top; with the passes `depth` [H, W]
        (along the viewing axis from the camera, 0 where nothing was hit), `normal` [H, W, 3] (camera frame) and `index`
        [H, W] (0 for the background).
        """
        self._turned.matrix_world = Matrix(rotation.tolist()).to_4x4()
        return self._render()

    def render_placed(self, matrix: Matrix) -> dict[str, np.ndarray]:
        """Render what is shown, placed in the scene by a 4x4 matrix; images as `render` returns them."""
        self._turned.matrix_world = matrix
        return self._render()

    def show(self, root: bpy.types.Object | None) -> None:
        """Turn this object (and what hangs on it) in front of the camera; None: the mesh of `set_mesh`."""
        self._turned = root or self.object
        self.object.hide_render = root is not None

    def _render(self) -> dict[str, np.ndarray]:
        passes = self._pixels.render()
        images = {"rgba": passes["Combined"]}
        if "depth" in self._settings.passes:
            depth = passes["Depth"][:, :, 0]
            images["depth"] = np.where(depth < 1e9, depth, 0.0)  # Blender's background lies at 1e10
        if "normal" in self._settings.passes:
            images["normal"] = passes["Normal"]
        if "index" in self._settings.passes:
            # Blender 5 writes the name out.
            images["index"] = (passes["Object Index"] if "Object Index" in passes else passes["IndexOB"])[:, :, 0]
        return images

    def store_mesh(self, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Mesh:
        """Bring a mesh into Blender beside the current one, for `render_stored`."""
        mesh = self._mesh.copy()
        fill_mesh(mesh, vertices, faces, self._settings.smooth)
        return mesh

    def render_stored(self, mesh: bpy.types.Mesh, rotation: np.ndarray) -> dict[str, np.ndarray]:
        """Render a mesh from `store_mesh`."""
        self.object.data = mesh
        return self.render(rotation)

    def forget_meshes(self, meshes: list[bpy.types.Mesh]) -> None:
        """Remove meshes from `store_mesh` and show the reusable one again."""
        self.object.data = self._mesh
        for mesh in meshes:
            bpy.data.meshes.remove(mesh)


def _add_unseen_user(mesh: bpy.types.Mesh, camera: bpy.types.Object) -> bpy.types.Object:
    """An object behind the camera that neither the camera nor light sees."""
    item = bpy.data.objects.new("unrender unseen", mesh)
    # What is visible to nothing at all is left out by Cycles: nothing here lets light through, so this one kind stays.
    item.visible_camera = item.visible_diffuse = item.visible_glossy = item.visible_volume_scatter = False
    item.visible_shadow, item.visible_transmission = False, True
    item.parent, item.location = camera, (0.0, 0.0, 10.0)
    bpy.context.scene.collection.objects.link(item)
    return item


def fill_mesh(mesh: bpy.types.Mesh, vertices: np.ndarray, faces: np.ndarray, smooth: bool) -> None:
    """Replace a mesh's geometry by triangles; buffers are copied whole, nothing is looped over in Python."""
    mesh.clear_geometry()
    mesh.vertices.add(len(vertices))
    mesh.loops.add(faces.size)
    mesh.polygons.add(len(faces))
    if len(faces):
        vertices = np.ascontiguousarray(vertices, np.float32).ravel()
        corners = np.ascontiguousarray(faces, np.int32).ravel()
        if "position" in mesh.attributes and ".corner_vert" in mesh.attributes:
            # The attributes are plain arrays; the older properties below cost six times as long in Blender 4.1+.
            mesh.attributes["position"].data.foreach_set("vector", vertices)
            mesh.attributes[".corner_vert"].data.foreach_set("value", corners)
        else:
            mesh.vertices.foreach_set("co", vertices)
            mesh.loops.foreach_set("vertex_index", corners)
        mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
        if bpy.app.version < (4, 1):
            mesh.polygons.foreach_set("loop_total", np.full(len(faces), 3, np.int32))
            mesh.polygons.foreach_set("use_smooth", np.full(len(faces), smooth))
        elif not smooth:
            mesh.shade_flat()
    if bpy.app.version < (4, 1):
        mesh.update(calc_edges=True)
    else:
        mesh.update_tag()  # `update` would also find the edges, which takes longer than all of the above


def _place_camera(camera: bpy.types.Object, settings: RenderSettings) -> None:
    data = camera.data
    if settings.field_of_view is None:
        distance = ORTHOGRAPHIC_DISTANCE
        data.type, data.ortho_scale = "ORTHO", settings.width
    else:
        distance = 0.5 * settings.width / math.tan(0.5 * settings.field_of_view)
        data.type, data.angle = "PERSP", settings.field_of_view
    data.clip_start, data.clip_end = max(distance - 2.0, 0.01), distance + 10.0
    camera.matrix_world = Matrix.Translation((0.0, 0.0, distance))


def _remove_lights(scene: bpy.types.Scene) -> None:
    for item in [item for item in scene.objects if item.type == "LIGHT" and item.name.startswith("unrender fixed")]:
        bpy.data.lights.remove(item.data)


def _add_suns(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    for direction, intensity in zip(settings.light_directions, settings.light_intensities, strict=True):
        light = bpy.data.lights.new("unrender fixed sun", "SUN")
        light.energy = math.pi * intensity  # a sun of strength pi lights a facing albedo of 1 to a radiance of 1
        light.angle = 0.0
        item = bpy.data.objects.new("unrender fixed sun", light)
        item.rotation_euler = Vector(direction).to_track_quat("Z", "Y").to_euler()
        scene.collection.objects.link(item)


def _make_material(settings: RenderSettings) -> bpy.types.Material:
    material = bpy.data.materials.get("unrender") or bpy.data.materials.new("unrender")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    emission = tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Strength"].default_value = settings.ambient
    if settings.coloured:
        link_colours(tree, emission)
    surface = emission.outputs[0]
    if settings.shadows:
        # The glow stands for ambient light and must not light other parts of the shape: only the camera sees it.
        path = tree.nodes.new("ShaderNodeLightPath")
        glow = tree.nodes.new("ShaderNodeMath")
        glow.operation = "MULTIPLY"
        glow.inputs[1].default_value = settings.ambient
        tree.links.new(path.outputs["Is Camera Ray"], glow.inputs[0])
        tree.links.new(glow.outputs[0], emission.inputs["Strength"])
        diffuse = tree.nodes.new("ShaderNodeBsdfDiffuse")
        diffuse.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
        if settings.coloured:
            link_colours(tree, diffuse)
        both = tree.nodes.new("ShaderNodeAddShader")
        tree.links.new(emission.outputs[0], both.inputs[0])
        tree.links.new(diffuse.outputs[0], both.inputs[1])
        surface = both.outputs[0]
    else:
        _link_lambert(tree, settings, emission.inputs["Strength"])
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(surface, output.inputs["Surface"])
    if hasattr(material.cycles, "emission_sampling"):
        material.cycles.emission_sampling = "NONE"  # the glow is for the camera only: no mesh-light tree is built
    return material


def link_colours(tree: bpy.types.NodeTree, shader: bpy.types.Node) -> None:
    """Let a shader have the colours of the mesh's vertices."""
    colours = tree.nodes.new("ShaderNodeVertexColor")
    colours.layer_name = _COLOURS
    tree.links.new(colours.outputs["Color"], shader.inputs["Color"])


def _link_lambert(tree: bpy.types.NodeTree, settings: RenderSettings, strength: bpy.types.NodeSocket) -> None:
    """Drive the emission by ambient + sum_i intensity_i max(0, normal . light_i), the radiance of white Lambert."""
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    total = None
    for direction, intensity in zip(settings.light_directions, settings.light_intensities, strict=True):
        cosine = tree.nodes.new("ShaderNodeVectorMath")
        cosine.operation = "DOT_PRODUCT"
        tree.links.new(geometry.outputs["Normal"], cosine.inputs[0])
        cosine.inputs[1].default_value = direction
        facing = tree.nodes.new("ShaderNodeMath")
        facing.operation = "MAXIMUM"
        tree.links.new(cosine.outputs["Value"], facing.inputs[0])
        facing.inputs[1].default_value = 0.0
        summed = tree.nodes.new("ShaderNodeMath")
        summed.operation = "MULTIPLY_ADD"
        tree.links.new(facing.outputs[0], summed.inputs[0])
        summed.inputs[1].default_value = intensity
        summed.inputs[2].default_value = settings.ambient
        if total is not None:
            tree.links.new(total, summed.inputs[2])
        total = summed.outputs[0]
    if total is not None:
        tree.links.new(total, strength)
