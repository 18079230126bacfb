# SPDX-License-Identifier: Apache-2.0
"""Errors of the wire, all of them in one tree.

::

    WireError                  base; has a stable `tag`
    +-- ProtocolError          what the peer sent is not a valid message (it is dropped, the connection lives on)
    |   +-- FrameVersionError  the peer frames its messages in another version: one side must be updated
    +-- EncodingError          what we were asked to send is not a valid message (a programmer's mistake)
    +-- TransportError         the socket cannot do what is asked (busy port, bad address, closed)
    +-- SecurityError          keys, tokens, pairing lines
        +-- InsecureBindError  an address that others can reach, without keys
        +-- KeyFileError       a key or connection file that is missing, damaged or readable by others
        +-- PairingLineError   a pairing line that was not copied completely
"""

from __future__ import annotations


class WireError(Exception):
    """Base of all errors of this package; `tag` is stable and safe to match on."""

    tag = "wire"


class ProtocolError(WireError):
    """What arrived is not a valid message; the text says what came and what was expected."""

    tag = "bad_message"


class FrameVersionError(ProtocolError):
    """The peer uses another framing. `theirs` is its frame version."""

    tag = "incompatible"

    def __init__(self, theirs: int, ours: int) -> None:
        super().__init__(f"the other side frames messages in version {theirs}, this side in version {ours}")
        self.theirs = theirs
        self.ours = ours


class EncodingError(WireError):
    """A message or array that this side may not send."""

    tag = "bad_message"


class TransportError(WireError):
    """The socket cannot do what was asked."""

    tag = "transport"


class SecurityError(WireError):
    """Something is wrong with keys, tokens or pairing lines."""

    tag = "security"


class InsecureBindError(SecurityError):
    """An address that other computers can reach was asked for without CURVE keys and an allow-list."""

    tag = "insecure_bind"


class KeyFileError(SecurityError):
    """A key file or connection file is missing, damaged, or readable by other users."""

    tag = "key_file"


class PairingLineError(SecurityError):
    """A pairing line is incomplete or damaged."""

    tag = "pairing_line"
