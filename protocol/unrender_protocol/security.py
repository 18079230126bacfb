# SPDX-License-Identifier: Apache-2.0
"""How a connection is protected: by a token on this computer, by CURVE keys beyond it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import InsecureBindError, SecurityError

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE25519 key pair: 32 raw bytes each. The secret never shows in `repr`."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenSecurity:
    """For loopback only: both sides know a secret word, which crosses the (local) connection as it is."""

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.token.encode()) < 256:
            raise SecurityError(f"a token has 1 to 255 bytes, got {len(self.token.encode())}")


@dataclass(frozen=True, slots=True)
class CurveServerSecurity:
    """Encrypted, with the server's keys; `allows` says whether a client's public key (32 bytes) may enter."""

    keys: KeyPair
    allows: Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class CurveClientSecurity:
    """Encrypted, with the client's keys, to the server whose public key (32 bytes) this is."""

    keys: KeyPair
    server: bytes


ServerSecurity = TokenSecurity | CurveServerSecurity
ClientSecurity = TokenSecurity | CurveClientSecurity


def is_loopback(address: str) -> bool:
    """Return whether only this computer can reach `address` (`tcp://host:port`, `ipc://path`, `inproc://name`).

    Names other than `localhost` count as reachable: what they resolve to can change.
    """
    parts = urlsplit(address)
    if parts.scheme in ("ipc", "inproc"):
        return True
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_bind(address: str, security: ServerSecurity | None) -> None:
    """Raise `InsecureBindError` unless `address` is loopback or `security` is CURVE with an allow-list."""
    if is_loopback(address) or isinstance(security, CurveServerSecurity):
        return
    raise InsecureBindError(
        f"{address} can be reached by other computers, and keys are not set up; "
        "serve with keys and an allow-list of clients, or bind to 127.0.0.1 and forward the port by SSH"
    )
