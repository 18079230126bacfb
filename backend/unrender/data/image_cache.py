# SPDX-License-Identifier: Apache-2.0
"""Decoded image folders, kept between runs.

One safetensors file per (folder's files, settings). A cache can only save time: whatever goes wrong with it is as if
it were not there.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Images = Float[Tensor, "N C H W"] | UInt8[Tensor, "N C H W"]

# Raise it when the same files and settings would give other pixels.
CONTENT_VERSION = 2
_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class ImageCache:
    """Decoded sets in one folder; the least recently used ones go when there are more than `most_sets`, or when all
    together have more than `most_bytes`."""

    folder: Path
    most_sets: int = 16
    most_bytes: int = 16 * 2**30

    def key(self, root: Path, files: tuple[Path, ...], settings: dict[str, Any]) -> str:
        """What the pixels depend on, hashed: every file's name, size and time of change, and the settings."""
        digest = hashlib.sha256(json.dumps([CONTENT_VERSION, str(root.resolve()), settings], sort_keys=True).encode())
        for path in files:
            try:
                status = path.stat()
            except OSError:
                continue  # it vanished or cannot be read: loading says so
            digest.update(f"{path.relative_to(root).as_posix()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()[:32]

    def load(self, key: str) -> tuple[Images, dict[str, Any]] | None:
        """The images and the facts saved with them, or None where they are not there or not whole."""
        path = self.folder / f"{key}{_SUFFIX}"
        try:
            with safe_open(path, framework="pt") as stored:
                images = stored.get_tensor("images")
                facts = json.loads((stored.metadata() or {})["facts"])
            os.utime(path)
        except (OSError, SafetensorError, KeyError, ValueError):
            return None
        return images, facts

    def save(self, key: str, images: Images, facts: dict[str, Any]) -> None:
        """Keep a set, atomically; silently does nothing where the folder cannot be written or the disk is full."""
        with contextlib.suppress(OSError, SafetensorError):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=".partial", dir=self.folder)
            os.close(handle)
            partial = Path(name)
            try:
                save_file({"images": images.contiguous()}, partial, metadata={"facts": json.dumps(facts)})
                partial.replace(self.folder / f"{key}{_SUFFIX}")
            finally:
                partial.unlink(missing_ok=True)
            self._drop_old_sets()

    def _drop_old_sets(self) -> None:
        states = [(path, path.stat()) for path in self.folder.glob(f"*{_SUFFIX}")]
        total = 0
        for place, (path, state) in enumerate(sorted(states, key=lambda known: known[1].st_mtime, reverse=True)):
            total += state.st_size
            if place > 0 and (place >= self.most_sets or total > self.most_bytes):
                path.unlink()
