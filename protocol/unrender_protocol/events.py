# SPDX-License-Identifier: Apache-2.0
"""What `Client.poll` reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from .arrays import Array
from .messages import Message, Welcome


class ClientState(Enum):
    """Where a client's connection stands. Every state but the last three ends by itself, by a deadline."""

    CONNECTING = "connecting"  # HELLO is on its way
    READY = "ready"
    LOST = "lost"  # waits to try again
    INCOMPATIBLE = "incompatible"  # one side must be updated; `reconnect` tries again
    REFUSED = "refused"  # the key or token is wrong; `reconnect` tries again
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Connected:
    """The server welcomed us (again)."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class Lost:
    """The server is not there (any more); the next attempt is made in `retry_seconds`. Jobs and requests are kept."""

    reason: str
    retry_seconds: float


@dataclass(frozen=True, slots=True)
class Incompatible:
    """The two sides speak different protocols; `update` names the one that is older."""

    update: Literal["client", "server"]
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The server does not let us in. Tags: wrong_key, wrong_token."""

    tag: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message came: an answer (`request` is what it answers) or news about a followed job. Arrays are read-only."""

    message: Message
    arrays: Mapping[str, Array] = field(default_factory=dict)
    request: Message | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request was given up: sent several times, or waiting for a server for too long."""

    request: Message
    message: str


Event = Connected | Lost | Incompatible | Denied | Arrived | Unanswered
