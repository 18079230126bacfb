# SPDX-License-Identifier: Apache-2.0
"""From message dataclasses to plain msgpack values and back, checked by their annotations.

Annotations understood: bool, int, float (finite), str, bytes, dict (any plain map), `X | None`, `Literal["a", "b"]`,
`tuple[X, ...]`, dataclasses of these, and `Annotated` with `AtLeast` (ints) or `Length` (bytes).
"""

import dataclasses
import math
import types
import typing
import uuid
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union

from .errors import ProtocolError

MAX_DEPTH = 16

T = TypeVar("T")
Check = Callable[[Any, str], Any]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The smallest allowed value of an int field."""

    value: int


@dataclass(frozen=True, slots=True)
class Length:
    """The exact length of a bytes field."""

    value: int


def to_plain(value: object) -> Any:
    """Return `value` (a dataclass, a tuple or a plain value) as maps, lists and scalars that msgpack can pack."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


def from_plain(cls: type[T], plain: Any, where: str = "") -> T:
    """Return a `cls` made of the map `plain`; fields it does not know are ignored (they come from newer peers).

    Raises `ProtocolError` naming the field where one is missing or of the wrong type.
    """
    where = where or cls.__name__
    if not isinstance(plain, Mapping):
        raise ProtocolError(f"{where}: expected a map, got {_kind(plain)}")
    values = {}
    for name, required, check in _fields(typing.cast(Hashable, cls)):
        if name in plain:
            values[name] = check(plain[name], f"{where}.{name}")
        elif required:
            raise ProtocolError(f"{where}: the field '{name}' is missing")
    return cls(**values)


@cache
def _fields(cls: Any) -> tuple[tuple[str, bool, Check], ...]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(
        (
            field.name,
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            _check_of(hints[field.name]),
        )
        for field in dataclasses.fields(cls)
    )


def _check_of(annotation: Any) -> Check:
    """Return the function that checks and converts values of one annotation."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _constrained(_check_of(arguments[0]), arguments[1:])
    if origin in (types.UnionType, Union) and len(arguments) == 2 and type(None) in arguments:
        inner = _check_of(next(argument for argument in arguments if argument is not type(None)))
        return lambda value, where: None if value is None else inner(value, where)
    if origin is Literal:
        return lambda value, where: _one_of(arguments, value, where)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _items(_check_of(arguments[0]))
    if annotation is dict or origin is dict:
        return _plain_map
    if annotation is float:
        return _float
    if annotation in (bool, int, str, bytes):
        return lambda value, where: _exactly(annotation, value, where)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return lambda value, where: from_plain(annotation, value, where)
    raise TypeError(f"messages may not have fields of type {annotation}")


def _kind(value: object) -> str:
    return type(value).__name__


def _exactly(cls: type, value: object, where: str) -> object:
    if type(value) is not cls:  # not isinstance: True is an int, and must not pass for one
        raise ProtocolError(f"{where}: expected {cls.__name__}, got {_kind(value)}")
    return value


def _float(value: object, where: str) -> float:
    if type(value) not in (int, float):
        raise ProtocolError(f"{where}: expected a number, got {_kind(value)}")
    number = float(typing.cast(float, value))
    if not math.isfinite(number):
        raise ProtocolError(f"{where}: expected a finite number, got {number}")
    return number


def _one_of(allowed: tuple[Any, ...], value: object, where: str) -> object:
    if type(value) is not str or value not in allowed:
        raise ProtocolError(f"{where}: expected one of {', '.join(map(str, allowed))}, got {str(value)[:40]!r}")
    return value


def _items(check: Check) -> Check:
    def checked(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise ProtocolError(f"{where}: expected a list, got {_kind(value)}")
        return tuple(check(item, f"{where}[{index}]") for index, item in enumerate(value))

    return checked


def _constrained(check: Check, constraints: tuple[Any, ...]) -> Check:
    def checked(value: object, where: str) -> Any:
        result = check(value, where)
        for constraint in constraints:
            if isinstance(constraint, AtLeast) and result < constraint.value:
                raise ProtocolError(f"{where}: expected at least {constraint.value}, got {result}")
            if isinstance(constraint, Length) and len(result) != constraint.value:
                raise ProtocolError(f"{where}: expected {constraint.value} bytes, got {len(result)}")
        return result

    return checked


def _plain_map(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ProtocolError(f"{where}: expected a map, got {_kind(value)}")
    _check_plain(value, where, MAX_DEPTH)
    return dict(value)


def _check_plain(value: object, where: str, depth: int) -> None:
    """Raise unless `value` is made of plain values only, nested at most `depth` deep."""
    if depth == 0:
        raise ProtocolError(f"{where}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if type(key) is not str:
                raise ProtocolError(f"{where}: keys must be text, got {_kind(key)}")
            _check_plain(item, where, depth - 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_plain(item, where, depth - 1)
    elif type(value) is datetime and value.tzinfo is None:
        raise ProtocolError(f"{where}: a time without a time zone cannot travel")
    elif value is not None and type(value) not in (bool, int, float, str, bytes, uuid.UUID, datetime):
        raise ProtocolError(f"{where}: values of type {_kind(value)} cannot travel; send arrays as arrays")
