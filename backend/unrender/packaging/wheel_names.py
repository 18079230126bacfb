# SPDX-License-Identifier: Apache-2.0
"""What the name of a wheel says, in the words that Blender's manifest uses for platforms."""

from dataclasses import dataclass

_SYSTEMS = {"manylinux": "linux", "win": "windows", "macosx": "macos"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class WheelName:
    """`distribution-version-python-abi-platform.whl`.

    python: one tag such as `cp311` or `py3`; platforms: the tags of one system, empty where the wheel is pure.
    """

    filename: str
    distribution: str
    version: str
    python: str
    abi: str
    platforms: tuple[str, ...]

    @property
    def is_pure(self) -> bool:
        """Whether it runs anywhere."""
        return not self.platforms

    def fits(self, python: str) -> bool:
        """Whether a CPython of tag `python` (`cp310`, `cp311`, `cp313`) can import it."""
        if self.is_pure or self.python == python:
            return True
        return self.abi == "abi3" and _minor(self.python) <= _minor(python)

    @property
    def blender_platforms(self) -> tuple[str, ...]:
        """Where it runs, as in a manifest: `linux-x64`, `windows-x64`, `macos-x64`, `macos-arm64`."""
        if self.is_pure:
            return ()
        tag = self.platforms[0]
        system = next(name for prefix, name in _SYSTEMS.items() if tag.startswith(prefix))
        if tag.endswith("universal2"):
            return (f"{system}-x64", f"{system}-arm64")
        machine = next(name for suffix, name in _MACHINES.items() if tag.endswith(suffix))
        return (f"{system}-{machine}",)


def parse_wheel_name(filename: str) -> WheelName:
    """Read the name of a wheel. Raises ValueError with a phrase that says what is wrong with it."""
    parts = filename.removesuffix(".whl").split("-")
    if not filename.endswith(".whl") or len(parts) != 5:
        raise ValueError(f"{filename} is not named distribution-version-python-abi-platform.whl")
    distribution, version, python, abi, platform = parts
    platforms = () if platform == "any" else tuple(platform.split("."))
    known = all(tag.startswith(tuple(_SYSTEMS)) and tag.endswith((*_MACHINES, "universal2")) for tag in platforms)
    if not known or not all((distribution, version, python, abi)):
        raise ValueError(f"{filename} is for a platform that Blender does not run on")
    return WheelName(filename, distribution, version, python, abi, platforms)


def _minor(python: str) -> int:
    return int(python.removeprefix("cp3"))
