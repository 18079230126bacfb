# SPDX-License-Identifier: Apache-2.0
"""Stands in for a Blender of another machine: passes lines between its own pipes and the program that placed it.

Run by file path with the standard library alone, since there is one per worker: `connector.py PORT`. The token is in
the environment. What comes back starts with o (standard output), e (standard error) or x (the exit code).
"""

import os
import socket
import sys
import threading

TOKEN = "UNRENDER_FARM_TOKEN"


def main() -> None:
    """Connect to the port on this computer and pass lines on, until the other side says how it ended."""
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    connection.sendall(os.environ[TOKEN].encode("ascii") + b"\n")
    threading.Thread(target=_send, args=(connection,), daemon=True).start()
    for line in connection.makefile("rb"):
        kind, words = line[:1], line[1:]
        if kind == b"x":
            os._exit(int(words))
        stream = sys.stdout.buffer if kind == b"o" else sys.stderr.buffer
        stream.write(words)
        stream.flush()
    os._exit(1)  # whoever placed the worker is gone


def _send(connection: socket.socket) -> None:
    while piece := os.read(0, 65536):
        connection.sendall(piece)
    connection.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
