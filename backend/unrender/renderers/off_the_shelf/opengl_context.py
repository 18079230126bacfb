# SPDX-License-Identifier: Apache-2.0
"""OpenGL without a window: EGL on Linux, OSMesa where EGL is missing, the system's own elsewhere.

A context belongs to the thread that opens it.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from unrender.errors import OpenGLNotFoundError
from unrender.renderers.off_the_shelf.osmesa_context import OSMesaContext

if TYPE_CHECKING:  # optional: the extra `opengl`
    import moderngl

_VERSION = 330  # the newest that macOS, Mesa's software and the graphics cards of ten years have in common
_MOST_DEVICES = 16
_LIBRARIES = {"libgl": "libGL.so.1", "libegl": "libEGL.so.1"}  # names that need no development files
_HINT = (
    'Install a graphics driver, or OpenGL in software ("apt-get install libegl1 libgl1" on Debian), '
    'or use renderer.kind = "blender".'
)


def open_context() -> "moderngl.Context":
    """A new off-screen context of OpenGL 3.3 or newer, current in this thread.

    Raises OpenGLNotFoundError, which names every way that was tried and why it failed.
    """
    try:
        library = importlib.import_module("moderngl")
    except ImportError as error:
        raise OpenGLNotFoundError(
            f"OpenGL needs the package moderngl, which cannot be imported ({error}).",
            'Install it: pip install "unrender[opengl]".',
        ) from error
    if sys.platform.startswith("linux"):
        ways = {"EGL": _open_egl, "OSMesa": _open_osmesa}
    else:
        ways = {"the system's OpenGL": _open_default}
    reasons = []
    for name, way in ways.items():
        try:
            return way(library)
        except Exception as error:  # what a driver raises is its own business
            reasons.append(f"{name} ({str(error).strip() or type(error).__name__})")
    raise OpenGLNotFoundError(f"OpenGL 3.3 was expected, but none works here; tried {' and '.join(reasons)}.", _HINT)


def describe(context: "moderngl.Context") -> str:
    """What draws: the device's name and the version of OpenGL."""
    return f"{context.info['GL_RENDERER']}, OpenGL {context.info['GL_VERSION']}"


def _open_egl(library: Any) -> "moderngl.Context":
    """The first device that lets itself be opened: one graphics card may be closed to this user, another not."""
    reasons: dict[str, None] = {}
    for device in range(_MOST_DEVICES):
        try:
            return library.create_context(_VERSION, standalone=True, backend="egl", device_index=device, **_LIBRARIES)
        except Exception as error:  # glcontext raises nothing more special
            if device > 0 and "but found" in str(error):  # no more devices
                break
            reasons[str(error)] = None
    raise RuntimeError("; ".join(reasons))


def _open_osmesa(library: Any) -> "moderngl.Context":
    return library.create_context(_VERSION, standalone=True, context=OSMesaContext())


def _open_default(library: Any) -> "moderngl.Context":
    return library.create_context(_VERSION, standalone=True)
