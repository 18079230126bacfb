# SPDX-License-Identifier: Apache-2.0
"""The wheel of `unrender-protocol`, made from the files that this very Python imports."""

import base64
import hashlib
import importlib.metadata
from pathlib import Path

import unrender_protocol
from unrender.errors import PackagingError
from unrender.packaging.archives import pack
from unrender_protocol.version import PACKAGE_VERSION

_FIELDS = ("Summary", "License-Expression", "Requires-Python", "Requires-Dist")
_DIGITS_OF_HASH = 8


def protocol_files() -> dict[str, bytes]:
    """The package's files by their path in the wheel, without caches."""
    folder = Path(unrender_protocol.__file__).parent
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in {".py", ".typed"}]
    return {f"unrender_protocol/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}


def make_protocol_wheel() -> tuple[str, bytes]:
    """Return the wheel's file name and its content: the same from a checkout and from an installed package.

    Its version is `0.1.0+HASH` with the hash of the files: Blender unpacks a wheel only where it has none of the same
    version, and an add-on that is installed over another one has to bring its own wire along.

    Raises:
        PackagingError: the package is not installed, only importable.
    """
    try:
        distribution = importlib.metadata.distribution("unrender-protocol")
        licence = distribution.read_text("licenses/LICENSE")
    except importlib.metadata.PackageNotFoundError as error:
        raise PackagingError(
            "unrender-protocol is imported from a folder and not installed.",
            "Install it with pip, together with unrender.",
        ) from error
    files = protocol_files()
    content = hashlib.sha256()
    for path, data in files.items():
        content.update(f"{path} {len(data)}\n".encode() + data)
    version = f"{PACKAGE_VERSION}+{content.hexdigest()[:_DIGITS_OF_HASH]}"
    info = f"unrender_protocol-{version}.dist-info"
    lines = ["Metadata-Version: 2.4", "Name: unrender-protocol", f"Version: {version}"]
    lines += [f"{field}: {value}" for field in _FIELDS for value in distribution.metadata.get_all(field, [])]
    files[f"{info}/METADATA"] = "".join(f"{line}\n" for line in lines).encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: unrender\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if licence:
        files[f"{info}/licenses/LICENSE"] = licence.encode()
    record = [f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items()]
    files[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    return f"unrender_protocol-{version}-py3-none-any.whl", pack(files)


def _digest(data: bytes) -> str:
    """As RECORD wants it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
