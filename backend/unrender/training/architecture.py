# SPDX-License-Identifier: Apache-2.0
"""The settings that decide the shapes of the weights: a checkpoint of other networks is refused by their names."""

from collections.abc import Mapping, Sequence
from typing import Any

from unrender.configuration import to_mapping
from unrender.errors import CheckpointError


def architecture(config: Any, names: Sequence[str]) -> dict[str, str]:
    """The values of these settings of a dataclass, by their dotted names, as text: a part of every checkpoint."""
    mapping = to_mapping(config)
    return {name: repr(_value(mapping, name)) for name in names}


def check_architecture(saved: Mapping[str, str] | None, config: Any, names: Sequence[str]) -> None:
    """Raises CheckpointError that names the first setting in which a checkpoint and the settings differ."""
    if saved is None:
        raise CheckpointError(
            "The checkpoint was written by an older Unrender, whose training cannot be continued.",
            "It still generates; train again with another --out.",
        )
    for name, value in architecture(config, names).items():
        if saved.get(name, value) != value:
            raise CheckpointError(
                f"The checkpoint was trained with {name} = {saved[name]}, but the settings say {value}.",
                f"Leave {name} as it was to continue, or start a new run with another --out.",
            )


def _value(mapping: Mapping[str, Any], name: str) -> Any:
    value: Any = mapping
    for key in name.split("."):
        value = value[key]
    return value
