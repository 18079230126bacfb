# SPDX-License-Identifier: Apache-2.0
"""Meshes into images by OpenGL: all views of a batch in one draw call per kind of image."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.vertex_normals import face_normals, vertex_normals
from unrender.renderers.off_the_shelf import opengl_shaders as shaders

if TYPE_CHECKING:  # optional: the extra `opengl`
    import moderngl

_CORNER = np.dtype([("position", "f4", 3), ("outward", "f4", 3), ("view", "i4")])
_CLIP_DISTANCE = 0x3000  # GL_CLIP_DISTANCE0
_SIDE = 2048  # pixels of a framebuffer of tiles; one image may be larger


@dataclass(frozen=True, slots=True)
class Corners:
    """The corners of all views' meshes [N] as the vertex shader takes them, and the triangles uint32 [F, 3]."""

    corners: np.ndarray
    triangles: np.ndarray


def gather_corners(meshes: list[Mesh], smooth: bool) -> Corners:
    """One mesh per view. Raises RenderError for a mesh that cannot be drawn."""
    for index, mesh in enumerate(meshes):
        if not np.isfinite(mesh.vertices).all():
            raise RenderError(f"The vertices of mesh {index} are not all finite.")
        if len(mesh.faces) and not 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices):
            raise RenderError(f"Faces of mesh {index} name vertices that it does not have ({len(mesh.vertices)}).")
    if not smooth:
        return _flat_corners(meshes)
    counts = [len(mesh.vertices) for mesh in meshes]
    starts = np.cumsum([0, *counts[:-1]]).astype(np.uint32)
    corners = np.empty(sum(counts), _CORNER)
    positions = np.concatenate([mesh.vertices for mesh in meshes])
    triangles = np.concatenate(
        [mesh.faces.astype(np.uint32) + start for mesh, start in zip(meshes, starts, strict=True)]
    )
    corners["position"] = positions
    corners["outward"] = vertex_normals(positions, triangles)
    corners["view"] = np.repeat(np.arange(len(meshes), dtype=np.int32), counts)
    return Corners(corners, triangles)


def _flat_corners(meshes: list[Mesh]) -> Corners:
    """No two faces share a corner, so that each has the normal of its face."""
    counts = [3 * len(mesh.faces) for mesh in meshes]
    corners = np.empty(sum(counts), _CORNER)
    corners["position"] = np.concatenate([mesh.vertices[mesh.faces.ravel()] for mesh in meshes])
    corners["outward"] = np.concatenate([np.repeat(face_normals(mesh.vertices, mesh.faces), 3, 0) for mesh in meshes])
    corners["view"] = np.repeat(np.arange(len(meshes), dtype=np.int32), counts)
    return Corners(corners, np.arange(len(corners), dtype=np.uint32).reshape(-1, 3))


@dataclass(slots=True)
class _Target:
    """A framebuffer of tiles: drawn to `drawn`, read from `read` once its samples are averaged."""

    drawn: "moderngl.Framebuffer"
    read: "moderngl.Framebuffer"
    attachments: list[Any]

    def release(self) -> None:
        for item in {id(item): item for item in (self.drawn, self.read, *self.attachments)}.values():
            item.release()


class OpenGLDrawing:
    """Draws square images of `size` pixels. Belongs to the thread that made the context.

    samples: per pixel, of radiance and coverage; the geometry is what lies at the centres of the pixels.
    """

    def __init__(self, context: "moderngl.Context", size: int, samples: int) -> None:
        largest = int(context.info["GL_MAX_TEXTURE_SIZE"])
        if not 1 <= size <= largest:
            raise RenderError(f"The image size is {size}; this OpenGL draws 1 to {largest} pixels.")
        able = [1, *(count for count in (2, 4, 8, 16, 32) if count <= context.max_samples)]
        if samples not in able:
            raise RenderError(
                f"{samples} samples a pixel were asked for; this OpenGL has {', '.join(map(str, able))}.",
                f"Set renderer.samples to {able[-1]} or fewer.",
            )
        self._context, self._size, self._samples = context, size, samples
        self._targets: dict[str, tuple[tuple[int, int], _Target]] = {}
        self._programs: dict[tuple[str, int], moderngl.Program] = {}
        self._rotations = context.buffer(reserve=64 * shaders.MOST_VIEWS)
        self._rotations.bind_to_uniform_block(0)

    @property
    def most_views(self) -> int:
        """How many views one call of `draw` takes."""
        return min(shaders.MOST_VIEWS, max(1, _SIDE // self._size) ** 2)

    def draw(
        self, meshes: Corners, cameras: Cameras, lighting: Lighting, geometry: bool, cull: bool
    ) -> tuple[Float32[np.ndarray, "B 2 H W"], Float32[np.ndarray, "B 4 H W"] | None]:
        """(radiance, coverage) of every view, premultiplied, and (normal, depth) if `geometry` is asked for.

        cull: leave out the faces that are seen from behind; for closed surfaces, which hide them. It is not done where
        the camera may look into one, past a front that is nearer than it can see.
        """
        context = self._context
        cull = cull and _reach(meshes) < cameras.distance - _planes(cameras)[0]
        across = math.ceil(math.sqrt(len(cameras)))
        tiles = (across, math.ceil(len(cameras) / across))
        rotations = np.zeros((len(cameras), 4, 4), np.float32)
        rotations[:, :3, :3] = cameras.axes().detach().cpu().numpy().transpose(0, 2, 1)  # columns first
        self._rotations.write(rotations.tobytes())
        context.enable_only(context.DEPTH_TEST | (context.CULL_FACE if cull else 0))
        for plane in range(4):
            context.enable_direct(_CLIP_DISTANCE + plane)
        context.front_face, context.cull_face = "cw", "back"
        buffers = [context.buffer(array.tobytes()) for array in (meshes.corners, meshes.triangles) if array.size]
        try:
            light = self._program(shaders.LAMBERT, cameras, tiles, lighting)
            shade = self._draw(light, buffers, self._target("shade", tiles, 2, self._samples), len(cameras))
            if not geometry:
                return shade, None
            surface = self._program(shaders.GEOMETRY, cameras, tiles, None)
            return shade, self._draw(surface, buffers, self._target("geometry", tiles, 4, 1), len(cameras))
        finally:
            for buffer in buffers:
                buffer.release()

    def close(self) -> None:
        """Release everything that is kept on the device, and the context."""
        for _, target in self._targets.values():
            target.release()
        for program in self._programs.values():
            program.release()
        self._rotations.release()
        self._context.release()

    def _draw(
        self, program: "moderngl.Program", buffers: "list[moderngl.Buffer]", target: _Target, views: int
    ) -> Float32[np.ndarray, "B C H W"]:
        target.drawn.use()
        target.drawn.clear()
        if len(buffers) == 2:
            known = [(name, code) for name, code in zip(_CORNER.names or (), ("3f", "3f", "1i"), strict=True)]
            layout = " ".join(code if name in program else _padding(code) for name, code in known)
            content = [(buffers[0], layout, *(name for name, _ in known if name in program))]
            vertices = self._context.vertex_array(program, content, index_buffer=buffers[1], index_element_size=4)
            vertices.render()
            vertices.release()
        if target.read is not target.drawn:
            self._context.copy_framebuffer(target.read, target.drawn)
        images = self._read(target.read, views)
        problem = self._context.error
        if problem != "GL_NO_ERROR":
            raise RenderError(f"OpenGL could not draw {views} images of {self._size} pixels ({problem}).")
        return images

    def _read(self, framebuffer: "moderngl.Framebuffer", views: int) -> Float32[np.ndarray, "B C H W"]:
        channels = framebuffer.color_attachments[0].components
        size = self._size
        across, down = framebuffer.size[0] // size, framebuffer.size[1] // size
        pixels = np.empty((down, size, across, size, channels), np.float32)
        framebuffer.read_into(pixels, components=channels, dtype="f4")
        images = pixels.transpose(0, 2, 4, 1, 3).reshape(down * across, channels, size, size)
        return np.ascontiguousarray(images[:views])

    def _program(
        self, source: str, cameras: Cameras, tiles: tuple[int, int], lighting: Lighting | None
    ) -> "moderngl.Program":
        lights = len(lighting.directions) if lighting else 0
        program = self._programs.get((source, lights))
        if program is None:
            # Normals at the centre of a pixel may lie outside of a triangle that is smaller: on voxel surfaces they
            # cost three times the error. Only the geometry has none such: it is drawn where the centre is covered.
            centroid = source is shaders.LAMBERT and self._samples > 1
            program = self._context.program(
                vertex_shader=shaders.with_constants(shaders.VERTICES, lights, centroid),
                fragment_shader=shaders.with_constants(source, lights, centroid),
            )
            self._programs[source, lights] = program
        _set_camera(program, cameras, tiles)
        if lighting:
            program["ambient"] = lighting.ambient
        if lighting and lights:
            pairs = zip(lighting.directions, lighting.intensities, strict=True)
            values = [(*towards, intensity) for towards, intensity in pairs]
            program["lights"] = values if lights > 1 else values[0]
        return program

    def _target(self, name: str, tiles: tuple[int, int], channels: int, samples: int) -> _Target:
        kept = self._targets.get(name)
        if kept is not None and kept[0] == tiles:
            return kept[1]
        context, pixels = self._context, (tiles[0] * self._size, tiles[1] * self._size)
        attachments: list[Any] = [context.renderbuffer(pixels, channels, dtype="f4")]
        read = drawn = context.framebuffer(attachments, depth := context.depth_renderbuffer(pixels))
        attachments.append(depth)
        if samples > 1:
            many = context.renderbuffer(pixels, channels, samples=samples, dtype="f4")
            depth = context.depth_renderbuffer(pixels, samples=samples)
            drawn = context.framebuffer([many], depth)
            attachments += [many, depth]
        target = _Target(drawn, read, attachments)
        if kept is not None:
            target.drawn.use()  # the one in use must not be released
            kept[1].release()
        self._targets[name] = (tiles, target)
        return target


def _padding(code: str) -> str:
    return f"{4 * int(code[0])}x"


def _reach(meshes: Corners) -> float:
    """From the origin to the outermost corner."""
    position = meshes.corners["position"]
    return float(np.sqrt(np.einsum("ij,ij->i", position, position).max(initial=0.0)))


def _planes(cameras: Cameras) -> tuple[float, float]:
    """Depths of the near and the far plane, those of Blender's cameras: what lies outside is cut off in both."""
    return max(cameras.distance - 2.0, 0.01), cameras.distance + 10.0


def _set_camera(program: "moderngl.Program", cameras: Cameras, tiles: tuple[int, int]) -> None:
    distance, perspective = cameras.distance, cameras.field_of_view is not None
    near, far = _planes(cameras)
    program["tiles"] = tiles
    program["camera_distance"] = distance
    program["perspective"] = perspective
    program["scale"] = 2.0 / cameras.width * (distance if perspective else 1.0)
    if perspective:
        program["depth_range"] = ((far + near) / (far - near), -2.0 * far * near / (far - near))
    else:
        program["depth_range"] = (2.0 / (far - near), -(far + near) / (far - near))
