# SPDX-License-Identifier: Apache-2.0
"""Models to generate with: those that come with Unrender, and every run with a checkpoint."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrender.configuration import read_toml
from unrender.errors import CheckpointError, ConfigurationError, UnknownModelError
from unrender.storage import data_home
from unrender.training.run_folder import RunFolder

WEIGHTS = "model.safetensors"
EVALUATIONS = "evaluations.jsonl"


@dataclass(frozen=True, slots=True)
class Model:
    """A trained generator on disk.

    path: its folder, with `config.toml` and either `model.safetensors` (a bundled model) or `checkpoints/` (a run).
    method: as its settings name it; those that name none are of a voxel GAN.
    hash: the first 16 hexadecimal digits of the SHA-256 of the weights' file.
    card: data, steps, hardware, metrics, licence, as far as they are known.
    """

    name: str
    path: Path
    method: str
    hash: str
    card: Mapping[str, Any]

    @property
    def weights(self) -> Path:
        """The file that the weights are read from; raises CheckpointError if there is none."""
        return _weights(self.path)


def find_model(name_or_path: str) -> Model:
    """A model by the path of its folder, by the name of a run of this user, or by the name of a bundled model.

    Raises UnknownModelError, or CheckpointError for a run without a checkpoint.
    """
    for folder in (Path(name_or_path), data_home() / "runs" / name_or_path, _bundled() / name_or_path):
        if (folder / "config.toml").is_file():
            return read_model(folder)
    raise UnknownModelError(
        f"There is no model {name_or_path!r}.",
        f"Known: {', '.join(model.name for model in list_models()) or 'none'}; or give the folder of a run.",
    )


def list_models() -> list[Model]:
    """Bundled models first, then this user's runs that have a checkpoint, by name."""
    folders = [
        path.parent for home in (_bundled(), data_home() / "runs") for path in sorted(home.glob("*/config.toml"))
    ]
    models = []
    for folder in folders:
        try:
            models.append(read_model(folder))
        except CheckpointError:
            continue  # a run that has only begun is no model yet
    return models


def model_named(name: str, models: Sequence[Model]) -> Model:
    """The model of that name from a list: unlike by `find_model`, a name is never taken for a path.

    Raises UnknownModelError. Where a run is called like a bundled model, it is the run.
    """
    known = {model.name: model for model in models}
    if name not in known:
        raise UnknownModelError(
            f"There is no model {name!r:.80}.", f"Known here: {', '.join(sorted(known)) or 'none'}."
        )
    return known[name]


def read_model(folder: Path) -> Model:
    """The model in a folder that holds a `config.toml`; raises CheckpointError."""
    weights = _weights(folder)
    card: dict[str, Any] = {}
    if (folder / "card.toml").is_file():
        try:
            card = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{folder / 'card.toml'} is not valid TOML: {error}.") from error
    return Model(folder.resolve().name, folder, method_of(folder), _hash(weights), card)


def method_of(folder: Path) -> str:
    """The method that a run or a model is of, whether or not there are weights yet; raises CheckpointError."""
    try:
        return str(read_toml(folder / "config.toml").get("method", "voxel_gan"))
    except ConfigurationError as error:
        raise CheckpointError(f"The settings of {folder} cannot be read: {error.message}", error.hint) from error


def append_evaluation(model: Model, record: Mapping[str, Any]) -> None:
    """Add a record to the run's `evaluations.jsonl`; a bundled model keeps none."""
    if model.weights.parent.name == "checkpoints":
        with (model.path / EVALUATIONS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def _weights(folder: Path) -> Path:
    bundled = folder / WEIGHTS
    return bundled if bundled.is_file() else RunFolder(folder).newest_checkpoint()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _bundled() -> Path:
    return Path(__file__).parent / "bundled"
