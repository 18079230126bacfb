# SPDX-License-Identifier: Apache-2.0
"""Key files, the list of clients that may connect, and the one line that pairs an add-on with a server.

A pairing line holds all that a client needs, and is therefore a secret::

    unrender://127.0.0.1:40123/?token=...&check=...                on this computer
    unrender://host:40123/?server=...&client=...&check=...         elsewhere; `client` is a secret key made for it
    unrender://host:40123/?server=...&check=...                    elsewhere, for a client with keys of its own

Keys are 32 bytes, written as base64url without padding (43 characters). `check` catches lines that were cut.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from .errors import KeyFileError, PairingLineError
from .private_files import read_private_file, write_private_file
from .security import KEY_BYTES, ClientSecurity, CurveClientSecurity, KeyPair, TokenSecurity

_SCHEME = "unrender://"
_CHECK_CHARACTERS = 8
_MAX_LINE = 1024


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a pairing line says. `keys` are the client's, where the server made them."""

    address: str
    token: str = field(default="", repr=False)
    server: bytes = b""
    keys: KeyPair | None = None

    def security(self, own_keys: KeyPair | None = None) -> ClientSecurity | None:
        """Return how to connect; `own_keys` serve where the line brings none."""
        if self.server:
            keys = self.keys or own_keys
            if keys is None:
                raise PairingLineError("this pairing line needs a client with keys of its own; ask for one with a key")
            return CurveClientSecurity(keys, self.server)
        return TokenSecurity(self.token) if self.token else None


def new_token() -> str:
    """Return a new random token: 256 bits as 43 characters."""
    return secrets.token_urlsafe(32)


def write_key(key: bytes) -> str:
    """Return a 32-byte key as 43 characters."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def read_key(text: str) -> bytes:
    """Return the 32 bytes of a written key. Raises `KeyFileError` where it is not one."""
    try:
        key = base64.b64decode(text.encode("ascii") + b"=", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise KeyFileError("a key has 43 characters: letters, digits, - and _") from error
    if len(key) != KEY_BYTES or write_key(key) != text:
        raise KeyFileError(f"a key has 43 characters, got {len(text)}")
    return key


def write_pairing_line(pairing: Pairing) -> str:
    """Return the line to copy. It is a secret where it brings a token or a client's keys."""
    query = {}
    if pairing.token:
        query["token"] = pairing.token
    if pairing.server:
        query["server"] = write_key(pairing.server)
    if pairing.keys is not None:
        query["client"] = write_key(pairing.keys.secret)
    body = f"{_SCHEME}{pairing.address.removeprefix('tcp://')}/?{urlencode(query)}"
    return f"{body}&check={_check(body)}"


def read_pairing_line(text: str) -> Pairing:
    """Return what a pairing line says; spaces and line breaks that copying added are ignored.

    Raises `PairingLineError` where the line is not one, or not all of it was copied.
    """
    line = "".join(text.split())
    if not line.startswith(_SCHEME) or len(line) > _MAX_LINE:
        raise PairingLineError(f"a pairing line begins with {_SCHEME}; copy the line that the server prints")
    body, separator, check = line.rpartition("&check=")
    if not separator or not hmac.compare_digest(check.encode(), _check(body).encode()):
        raise PairingLineError("the pairing line is not complete or was changed; copy all of it again")
    try:
        parts = urlsplit(body)
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        if not parts.hostname or not parts.port:
            raise PairingLineError(f"the pairing line names no host and port: {parts.netloc[:80]}")
        server = read_key(query["server"]) if "server" in query else b""
        keys = _keys_of(read_key(query["client"])) if "client" in query else None
    except (ValueError, KeyFileError) as error:
        raise PairingLineError(f"the pairing line is damaged: {error}; copy all of it again") from error
    return Pairing(f"tcp://{parts.netloc}", query.get("token", ""), server, keys)


def load_key_pair(path: Path, make: bool = False) -> KeyPair:
    """Return the key pair in the file `path`; where there is none and `make` is set, make one and keep it there.

    Raises `KeyFileError` where the file is missing, damaged or readable by others.
    """
    try:
        text = read_private_file(path)
    except FileNotFoundError:
        if not make:
            raise KeyFileError(f"there is no key file {path}; pair first") from None
        keys = new_key_pair()
        text = json.dumps({"public": write_key(keys.public), "secret": write_key(keys.secret)}, indent=1)
        write_private_file(path, text + "\n")
        return keys
    try:
        content = json.loads(text)
        return KeyPair(read_key(content["public"]), read_key(content["secret"]))
    except (ValueError, KeyError, TypeError, AttributeError, KeyFileError) as error:
        raise KeyFileError(f"the key file {path} is damaged; remove it, and pair again") from error


def new_key_pair() -> KeyPair:
    """Return a new random key pair."""
    from .zmq_authentication import new_key_pair as make

    return make()


class AllowList:
    """The clients that may connect, in a text file: one `KEY name` per line, lines with # are comments.

    The file is read again whenever it changed, so that a client can be let in or shut out while the server runs.
    Thread-safe. Nobody may connect while the file is missing; a damaged or exposed one raises `KeyFileError` here, and
    lets nobody in later.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._clients: dict[bytes, str] = {}
        self._load()

    @property
    def clients(self) -> dict[bytes, str]:
        """The names of the clients by their public keys."""
        with self._lock:
            self._load()
            return dict(self._clients)

    def allows(self, public: bytes) -> bool:
        """Return whether the client with this public key may connect."""
        with self._lock:
            try:
                self._load()
            except (KeyFileError, OSError):
                return False
            return public in self._clients

    def add(self, public: bytes, name: str) -> None:
        """Let a client in; `name` is for people."""
        with self._lock:
            self._load()
            self._save({**self._clients, public: " ".join(name.split()) or "unnamed"})

    def remove(self, public: bytes) -> bool:
        """Shut a client out (from its next connection on); return whether it was on the list."""
        with self._lock:
            self._load()
            if public not in self._clients:
                return False
            self._save({key: name for key, name in self._clients.items() if key != public})
            return True

    def issue(self, name: str) -> KeyPair:
        """Make keys for a new client, let it in, and return them; they are not kept."""
        keys = new_key_pair()
        self.add(keys.public, name)
        return keys

    def _save(self, clients: dict[bytes, str]) -> None:
        write_private_file(self.path, "".join(f"{write_key(key)} {name}\n" for key, name in clients.items()))

    def _load(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._seen, self._clients = None, {}
            return
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)
        if stamp == self._seen:
            return
        clients = {}
        for line in read_private_file(self.path).splitlines():
            key, _, name = line.strip().partition(" ")
            if key and not key.startswith("#"):
                clients[read_key(key)] = name
        self._seen, self._clients = stamp, clients


def _keys_of(secret: bytes) -> KeyPair:
    from .zmq_authentication import public_key

    return KeyPair(public_key(secret), secret)


def _check(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:_CHECK_CHARACTERS]
