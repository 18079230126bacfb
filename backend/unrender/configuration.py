# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses as configuration: read from TOML, overridden by `key=value`, written back resolved.

A config class states its keys, types and defaults as fields; nested dataclasses are TOML tables. Unknown keys and
values of a wrong type are errors that name the key, what came and what was expected.
"""

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from unrender.errors import ConfigurationError

Config = TypeVar("Config")


def from_mapping(kind: type[Config], mapping: Mapping[str, Any], where: str = "") -> Config:
    """Build the dataclass `kind` from plain TOML values; raises ConfigurationError."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(mapping) - set(names))
    if unknown:
        raise ConfigurationError(
            f"Unknown setting {_join(where, unknown[0])!r}.", f"Known here: {', '.join(sorted(names))}."
        )
    values = {name: _convert(hints[name], value, _join(where, name)) for name, value in mapping.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigurationError(f"Settings are missing{' in ' + where if where else ''}: {error}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{where + ': ' if where else ''}{error}.") from error


def to_mapping(config: Any) -> dict[str, Any]:
    """The dataclass as plain TOML values; fields that are None are left out."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value is not None:
            result[field.name] = to_mapping(value) if dataclasses.is_dataclass(value) else _plain(value)
    return result


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; raises ConfigurationError with the place of a fault."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"There is no config file {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error


def preset_names(presets: Path) -> list[str]:
    """The names of the presets in a folder, sorted."""
    return sorted(path.stem for path in presets.glob("*.toml"))


def read_preset(presets: Path, name_or_path: str) -> dict[str, Any]:
    """Parse a preset of that folder by its name, or any TOML file by its path; raises ConfigurationError."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = presets / f"{name_or_path}.toml"
        if not path.is_file():
            raise ConfigurationError(
                f"There is no preset {name_or_path!r}.",
                f"Presets: {', '.join(preset_names(presets))}; or name a .toml file.",
            )
    return read_toml(path)


def dump_toml(config: Any) -> str:
    """The resolved config as TOML text that `from_mapping(kind, read_toml(...))` reads back to an equal value."""
    return tomli_w.dumps(to_mapping(config))


def with_overrides(mapping: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Apply `table.key=value` assignments, values in TOML syntax (bare words count as strings)."""
    result = _copy(mapping)
    for assignment in overrides:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigurationError(f"{assignment!r} is not an assignment.", "Write it as key=value.")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        table = result
        *parents, last = key.strip().split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigurationError(f"{parent!r} in {key!r} is a single value, not a table.")
        table[last] = value
    return result


def with_defaults(mapping: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Put values of keys like `table.key` where the mapping has none."""
    result = _copy(mapping)
    for key, value in defaults.items():
        table = result
        *parents, last = key.split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
        table.setdefault(last, value)
    return result


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _copy(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in mapping.items()}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _convert(inner, value, where)
    if origin is typing.Literal:
        if value not in arguments and not isinstance(value, bool) and str(value) in arguments:
            return str(value)  # a name that is a number, written without quotation marks
        if value not in arguments:
            raise _mismatch(where, value, "one of " + ", ".join(map(repr, arguments)))
        return value
    if origin is tuple:
        if isinstance(value, str) and arguments == (str, Ellipsis):
            return tuple(item.strip() for item in value.strip("[]").split(","))  # words, without quotation marks
        if not isinstance(value, list | tuple):
            raise _mismatch(where, value, "a list")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
        if len(value) != len(arguments):
            raise _mismatch(where, value, f"a list of {len(arguments)}")
        return tuple(
            _convert(argument, item, f"{where}[{i}]")
            for i, (argument, item) in enumerate(zip(arguments, value, strict=True))
        )
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _mismatch(where, value, "a table")
        return from_mapping(typing.cast(type, kind), value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _mismatch(where, value, f"a value of type {kind.__name__}")
    return value


def _mismatch(where: str, value: Any, expected: str) -> ConfigurationError:
    return ConfigurationError(f"Setting {where!r} is {value!r}, but {expected} was expected.")
