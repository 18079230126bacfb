# SPDX-License-Identifier: Apache-2.0
"""Everything that Unrender raises on purpose.

UnrenderError              tag, message, hint
+- UserError               the user can mend it; shown as one sentence, never with a traceback
|  +- DataError            the pictures or shapes that were given
|  +- ConfigurationError   a config file, a key or a value
|  +- CheckpointError      a run or model that cannot be loaded
|  +- UnknownModelError    no run and no bundled model of that name
|  +- BlenderNotFoundError neither a Blender executable nor the bpy module
|  +- OpenGLNotFoundError  no moderngl, or no OpenGL that it could draw with
|  +- DivergedError        training produced NaN or collapsed; the last good checkpoint is kept
|  +- DiskFullError        writing failed for lack of space; the old file is untouched
|  +- NotWritableError     this user may not write where Unrender keeps its data
|  +- ConnectionRefusedByPolicyError   a bind or a peer that the security rules forbid
|  +- PackagingError       the add-on's zips cannot be built or installed
+- RenderError             a renderer failed on a scene or died
+- DeviceLostError         one of the processes that train together died
+- CancelledError          the caller asked to stop
"""


class UnrenderError(Exception):
    """Base: one sentence that says what came and what was expected, and a hint that says what to do next."""

    tag = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UserError(UnrenderError):
    tag = "bad_request"


class DataError(UserError):
    tag = "bad_data"


class ConfigurationError(UserError):
    tag = "bad_configuration"


class CheckpointError(UserError):
    tag = "bad_checkpoint"


class UnknownModelError(UserError):
    tag = "unknown_model"


class BlenderNotFoundError(UserError):
    tag = "no_blender"


class OpenGLNotFoundError(UserError):
    tag = "no_opengl"


class DivergedError(UserError):
    tag = "diverged"


class DiskFullError(UserError):
    tag = "disk_full"


class NotWritableError(UserError):
    tag = "not_writable"


class ConnectionRefusedByPolicyError(UserError):
    tag = "refused"


class PackagingError(UserError):
    tag = "packaging"


class RenderError(UnrenderError):
    tag = "render_failed"


class DeviceLostError(UnrenderError):
    tag = "device_lost"


class CancelledError(UnrenderError):
    tag = "cancelled"
