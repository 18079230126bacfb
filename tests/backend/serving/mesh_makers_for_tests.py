# SPDX-License-Identifier: Apache-2.0
"""What a mesh process may do wrong, by the seed that is asked for; importable in that process."""

import json
import os
import time
from multiprocessing.connection import Connection

import numpy as np

CRASHES, SLEEPS, REFUSES = 1, 2, 3


def make(connection: Connection, home: str) -> None:
    try:
        while True:
            order = json.loads(connection.recv_bytes())
            if order["seed"] == CRASHES:
                os._exit(7)
            if order["seed"] == SLEEPS:
                time.sleep(600)
            if order["seed"] == REFUSES:
                connection.send_bytes(json.dumps({"failed": ["empty_shape", "It is empty.", "Do this."]}).encode())
                continue
            vertices = np.full((3, 3), order["threshold"], np.float32)
            faces = np.array([[0, 1, 2]], np.int32)
            listed = [["vertices", "float32", [3, 3]], ["faces", "int32", [1, 3]]]
            connection.send_bytes(json.dumps({"arrays": listed}).encode())
            connection.send_bytes(vertices.tobytes())
            connection.send_bytes(faces.tobytes())
    except EOFError:
        return
