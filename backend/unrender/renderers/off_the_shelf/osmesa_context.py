# SPDX-License-Identifier: Apache-2.0
"""An OpenGL context of Mesa's off-screen library: all in software, for Linux machines without EGL."""

import ctypes
import ctypes.util
from typing import Any

_NAMES = ("libOSMesa.so.8", "libOSMesa.so.6")
# Names of the attributes are Mesa's (GL/osmesa.h).
_FORMAT, _RGBA = 0x22, 0x1908
_DEPTH_BITS = 0x30
_PROFILE, _CORE_PROFILE = 0x33, 0x34
_MAJOR_VERSION, _MINOR_VERSION = 0x36, 0x37
_UNSIGNED_BYTE = 0x1401
_PIXELS = 4  # per side of the default framebuffer, which nothing is drawn to


class OSMesaContext:
    """What `moderngl.create_context(context=...)` expects of a context. Raises OSError where there is no OSMesa."""

    def __init__(self) -> None:
        self._library = _load()
        wanted = (_FORMAT, _RGBA, _DEPTH_BITS, 24, _PROFILE, _CORE_PROFILE, _MAJOR_VERSION, 3, _MINOR_VERSION, 3, 0)
        self._handle = self._library.OSMesaCreateContextAttribs((ctypes.c_int * len(wanted))(*wanted), None)
        if not self._handle:
            raise OSError("OSMesa made no context for OpenGL 3.3")
        self._pixels = (ctypes.c_ubyte * (4 * _PIXELS**2))()
        self.__enter__()

    def load(self, name: str) -> int:
        """The address of an OpenGL function, 0 where there is none."""
        return self._library.OSMesaGetProcAddress(name.encode()) or 0

    def __enter__(self) -> None:
        """Make the context current in the calling thread."""
        if not self._library.OSMesaMakeCurrent(self._handle, self._pixels, _UNSIGNED_BYTE, _PIXELS, _PIXELS):
            raise OSError("OSMesa's context cannot be made current")

    def __exit__(self, *exception: object) -> None:
        """The context stays current: it is the only one of its thread."""

    def release(self) -> None:
        """Destroy the context."""
        if self._handle:
            self._library.OSMesaDestroyContext(self._handle)
            self._handle = None


def _load() -> Any:
    found = ctypes.util.find_library("OSMesa")
    for name in (*_NAMES, *([found] if found else [])):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.OSMesaCreateContextAttribs.restype = ctypes.c_void_p
        library.OSMesaCreateContextAttribs.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        library.OSMesaMakeCurrent.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 3]
        library.OSMesaGetProcAddress.restype = ctypes.c_void_p
        library.OSMesaGetProcAddress.argtypes = [ctypes.c_char_p]
        library.OSMesaDestroyContext.argtypes = [ctypes.c_void_p]
        return library
    raise OSError("libOSMesa is not installed")
