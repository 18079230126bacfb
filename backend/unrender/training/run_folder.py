# SPDX-License-Identifier: Apache-2.0
"""A run on disk: config, checkpoints, metrics, samples, log. Any run resumes; any run is a model."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unrender.atomic_file import write_atomically
from unrender.errors import CheckpointError, ConfigurationError

_KEPT_CHECKPOINTS = 2


class RunFolder:
    """`config.toml`, `checkpoints/*.safetensors`, `metrics.jsonl`, `samples/*.png`, `log.txt` under one path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def config_path(self) -> Path:
        return self.path / "config.toml"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self.config_path.is_file()

    def check_new(self) -> None:
        """Raises ConfigurationError if the folder holds a run already."""
        if self.exists():
            raise ConfigurationError(
                f"{self.path} holds a run already.", "Add --resume to continue it, or choose another --out."
            )

    def write_config(self, config_toml: str) -> None:
        """Begin the run: from here on it can be resumed."""
        write_atomically(self.config_path, lambda path: _write_text(path, config_toml))

    def checkpoints(self) -> list[Path]:
        """Oldest first. A file that a killed process did not finish has a hidden name, and is none."""
        return sorted((self.path / "checkpoints").glob("images-*.safetensors"))

    def newest_checkpoint(self) -> Path:
        """Raises CheckpointError if there is none."""
        paths = self.checkpoints()
        if not paths:
            raise CheckpointError(
                f"The run {self.path} has no checkpoint yet.", "Train it until the first one is written."
            )
        return paths[-1]

    def checkpoint_path(self, images: int) -> Path:
        return self.path / "checkpoints" / f"images-{images:09d}.safetensors"

    def drop_old_checkpoints(self, good: Path | None = None) -> None:
        """Keep the newest and the one before it, in case the newest turns out to be damaged, and `good`; nothing
        unfinished."""
        for path in (self.path / "checkpoints").glob(".images-*"):
            path.unlink(missing_ok=True)
        for path in self.checkpoints()[:-_KEPT_CHECKPOINTS]:
            if path != good:
                path.unlink(missing_ok=True)

    def drop_checkpoints_after(self, good: Path) -> None:
        """Go back to a checkpoint: resuming continues from it."""
        for path in self.checkpoints():
            if path.name > good.name:
                path.unlink(missing_ok=True)

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        """One JSON line per evaluation."""
        line = {key: round(value, 6) if isinstance(value, float) else value for key, value in record.items()}
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """All evaluations, oldest first."""
        if not self.metrics_path.is_file():
            return []
        lines = self.metrics_path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    def newest_sample(self) -> Path | None:
        """The picture of the newest samples."""
        return max((self.path / "samples").glob("images-*.png"), default=None)

    def trim_metrics(self, images: int) -> None:
        """Forget records past `images` images: a resumed run makes them again."""
        if not self.metrics_path.is_file():
            return
        kept = "".join(json.dumps(record) + "\n" for record in self.metrics() if record["images"] <= images)
        write_atomically(self.metrics_path, lambda path: _write_text(path, kept))

    def save_sample(self, name: str, picture: NDArray[np.uint8]) -> Path:
        """Write `samples/NAME.png`."""
        path = self.path / "samples" / f"{name}.png"
        write_atomically(path, lambda temporary: Image.fromarray(picture).save(temporary))
        return path

    def log(self, message: str) -> None:
        """Append a line with the time to `log.txt`."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {message}\n")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
