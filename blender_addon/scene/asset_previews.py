# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of marked objects for the Asset Browser: a thread shades them, the timer writes them, one per tick.

Makes little work of being imported, since the timer asks for it when Blender starts: numpy comes with the first object.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

if TYPE_CHECKING:
    from concurrent.futures import Future

    import numpy as np

    from .preview_shading import Skin

PREVIEW_PIXELS = 128
LARGEST_SKIN = 1024  # pixels per side
MOST_KEPT = 256  # of 64 KB each
Key = tuple[str, str]  # an object's uuid, which its copies share, and its name


class AssetPreviews:
    """Objects are known by uuid and name, never held: they may be gone when their picture is there.

    An undo step holds an object's preview as it was when the step was made: empty, if the picture came later. So those
    that were written are kept, and after undo and redo they are written again where they are missing.
    """

    def __init__(self) -> None:
        self._shader: Any = None  # a pool of one thread
        self._shading: deque[tuple[Key, Future[np.ndarray]]] = deque()
        self._kept: dict[Key, np.ndarray] = {}
        self._doubtful: deque[Key] = deque()
        self._after_undo = self._make_handler()

    @property
    def pending(self) -> bool:
        """Whether any picture is still to be written."""
        return bool(self._shading or self._doubtful)

    def start(self) -> None:
        """Watch undo and redo; the handler survives the loading of files."""
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
            handlers.append(self._after_undo)

    def request(self, target: bpy.types.Object) -> None:
        """Let a marked object have a picture soon. Its mesh is read now; objects without faces get none."""
        if not isinstance(target.data, bpy.types.Mesh):
            return  # the artist has made something else of it
        from .materials import texture_of
        from .meshes import read_corner_uv, read_mesh
        from .provenance import UUID_PROPERTY

        vertices, faces = read_mesh(target.data)
        if not len(faces):
            return
        preview = target.preview_ensure()
        if not preview.image_size[0]:  # with a size Blender takes it for made by hand, and renders none of its own
            preview.image_size = (PREVIEW_PIXELS, PREVIEW_PIXELS)
        if self._shader is None:
            from concurrent.futures import ThreadPoolExecutor

            self._shader = ThreadPoolExecutor(1, "unrender-previews")
        key = target[UUID_PROPERTY], target.name
        skin = read_corner_uv(target.data), texture_of(target)
        self._shading.append((key, self._shader.submit(_shade, vertices, faces, _read_skin(*skin))))

    def write_next(self) -> bool:
        """Write one picture, if one is there; returns whether it did anything."""
        if self._shading and self._shading[0][1].done():
            key, shaded = self._shading.popleft()
            self._kept.pop(key, None)
            self._kept[key] = shaded.result()
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return self._write(key)
        while self._doubtful:
            key = self._doubtful.popleft()
            found = self._find(key)
            if key in self._kept and found is not None and _is_blank(found):
                return self._write(key)
        return False

    def close(self) -> None:
        """End the thread, and watch no more."""
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
            if self._after_undo in handlers:
                handlers.remove(self._after_undo)
        if self._shader is not None:
            self._shader.shutdown(cancel_futures=True)
            self._shader = None
        self._shading.clear()
        self._kept.clear()
        self._doubtful.clear()

    def _write(self, key: Key) -> bool:
        found = self._find(key)
        if found is not None:
            set_preview(found, self._kept[key])
        return True

    def _find(self, key: Key) -> bpy.types.Object | None:
        """The marked object of that uuid and name; if it has been renamed, one that no other picture is for."""
        from .provenance import UUID_PROPERTY, generated_objects

        identifier, name = key
        named = bpy.data.objects.get(name)
        if named is not None and named.asset_data is not None and named.get(UUID_PROPERTY) == identifier:
            return named
        others = {*self._kept, *(waiting for waiting, _ in self._shading)}
        for candidate in generated_objects(bpy.data.objects):
            same = candidate[UUID_PROPERTY] == identifier and candidate.asset_data is not None
            if same and (identifier, candidate.name) not in others:
                return candidate
        return None

    def _make_handler(self) -> Callable[..., None]:
        """A plain function: Blender does not see that a method is persistent."""

        @persistent
        def after_undo(*_arguments: object) -> None:
            self._doubtful = deque(self._kept)

        return after_undo


def set_preview(target: bpy.types.ID, picture: np.ndarray) -> None:
    """Set an ID's preview by hand, which needs no GPU. picture: uint8 sRGB [H, W, 4], row 0 at the bottom."""
    import numpy as np

    preview = target.preview_ensure()
    height, width = picture.shape[:2]
    preview.image_size = (width, height)
    preview.image_pixels.foreach_set(np.ascontiguousarray(picture).view(np.int32).ravel())


def _read_skin(corner_uv: np.ndarray | None, image: bpy.types.Image | None) -> Skin | None:
    """What to show on the faces; None for clay. Of a very large picture, which an artist has put there, reading the
    pixels would hold Blender up.
    """
    if corner_uv is None or image is None or not 0 < max(image.size) <= LARGEST_SKIN:
        return None
    from .images import read_pixels
    from .preview_shading import Skin

    return Skin(corner_uv, read_pixels(image))


def _shade(vertices: np.ndarray, faces: np.ndarray, skin: Skin | None) -> np.ndarray:
    import numpy as np

    from .preview_shading import shade_preview

    picture = shade_preview(vertices, faces, PREVIEW_PIXELS, skin)
    return np.ascontiguousarray((picture[::-1] * 255.0 + 0.5).clip(0.0, 255.0).astype(np.uint8))


def _is_blank(target: bpy.types.Object) -> bool:
    import numpy as np

    preview = target.preview_ensure()
    pixels = np.zeros(preview.image_size[0] * preview.image_size[1], np.int32)
    if pixels.size:
        preview.image_pixels.foreach_get(pixels)
    return not pixels.any()
