# SPDX-License-Identifier: Apache-2.0
"""Zips whose bytes depend on nothing but their content: sorted names, one time stamp, one set of permissions."""

import io
import zipfile
from collections.abc import Mapping

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_PERMISSIONS = 0o100644 << 16
_UNIX = 3
_COMPRESSED_ALREADY = (".whl", ".png", ".jpg")


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip with these files, by their path in it."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _TIME)
            entry.create_system, entry.external_attr = _UNIX, _PERMISSIONS
            stored = path.endswith(_COMPRESSED_ALREADY)
            kind = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path], compress_type=kind, compresslevel=9)
    return memory.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the files of a zip, by their path in it, without folders."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
