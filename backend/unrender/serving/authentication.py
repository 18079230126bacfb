# SPDX-License-Identifier: Apache-2.0
"""Who may connect: a token on this computer; keys and a list of clients for any address that others can reach."""

from dataclasses import dataclass
from pathlib import Path

from unrender.errors import ConnectionRefusedByPolicyError
from unrender_protocol.pairing import AllowList, Pairing, load_key_pair, new_token
from unrender_protocol.security import CurveServerSecurity, KeyPair, ServerSecurity, TokenSecurity


@dataclass(frozen=True, slots=True)
class Door:
    """How a server is protected, and what one client needs to enter (without the address)."""

    security: ServerSecurity
    token: str = ""
    server_key: bytes = b""
    client_keys: KeyPair | None = None

    def pairing(self, address: str) -> Pairing:
        """What to tell a client that shall connect to `address`."""
        return Pairing(address, self.token, self.server_key, self.client_keys)


def private_door() -> Door:
    """For this computer only: a new token each time."""
    token = new_token()
    return Door(TokenSecurity(token), token)


def public_door(home: Path, new_client: str = "") -> Door:
    """For other computers: CURVE keys, kept in `home` / `keys`, and the clients on the list there.

    A `new_client` is put on the list under that name, with keys made for it.

    Raises:
        ConnectionRefusedByPolicyError: the list is empty, so that nobody could connect.
        WireError: a key file is damaged or can be read by others.
    """
    keys = load_key_pair(home / "keys" / "server.json", make=True)
    clients = AllowList(home / "keys" / "clients.txt")
    issued = clients.issue(new_client) if new_client else None
    if not clients.clients:
        raise ConnectionRefusedByPolicyError(
            f"No client may connect: the list {clients.path} is empty.",
            "Add one with --pair NAME; the line that is then printed lets that client in.",
        )
    return Door(CurveServerSecurity(keys, clients.allows), server_key=keys.public, client_keys=issued)
