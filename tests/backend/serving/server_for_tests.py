# SPDX-License-Identifier: Apache-2.0
"""A server over ZeroMQ with the misbehaving kinds of jobs; run as a program, so that a test can kill it."""

import sys
from pathlib import Path

from job_kinds_for_tests import KINDS

from unrender.serving.job_queue import JobQueue
from unrender.serving.server import JobServer
from unrender_protocol.messages import ServerLimits, Welcome
from unrender_protocol.security import TokenSecurity
from unrender_protocol.zmq_server import RouterTransport


class Descriptions:
    def welcome(self, protocol: int) -> Welcome:
        return Welcome(protocol, "0", "CPU", (), (), ServerLimits(1 << 28, 1 << 28, 16))

    def models(self) -> tuple:
        return ()

    def datasets(self) -> tuple:
        return ()

    def model_preview(self, name: str) -> tuple:
        return "", None

    def weights(self, name: str, hash: str) -> tuple:
        return "", False

    def methods(self) -> tuple:
        return ()

    def presets(self) -> tuple:
        return ()

    def expire(self) -> None:
        """It always says the same."""


def main() -> None:
    home, token = Path(sys.argv[1]), sys.argv[2]
    transport = RouterTransport("tcp://127.0.0.1:0", TokenSecurity(token))
    with JobQueue(KINDS, home) as queue, JobServer(transport, queue, Descriptions()) as server:
        print(server.address, flush=True)
        server.run(lambda: False)


if __name__ == "__main__":
    main()
