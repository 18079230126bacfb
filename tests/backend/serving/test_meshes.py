# SPDX-License-Identifier: Apache-2.0
"""Meshes at once: right ones, sentences for what cannot be meshed, and no process that takes the server with it."""

import importlib
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrender.meshing import MeshSettings
from unrender.methods.generate import generate_shapes
from unrender.methods.models import find_model
from unrender.serving import mesh_maker
from unrender.serving.descriptions import ServerDescriptions
from unrender.serving.devices import ComputeDevice
from unrender.serving.handlers import job_kinds
from unrender.serving.mesh_maker import MeshAnswer, MeshMaker, MeshQueueFullError, Ticket
from unrender.serving.mesh_orders import MeshOrder
from unrender.serving.server import JobServer
from unrender_protocol.client import Client
from unrender_protocol.messages import Failure, FetchMesh, ModelList, ShapeMesh
from unrender_protocol.transport import InProcessHub

ORDER = MeshOrder("chairs", "0" * 16, 7, 1.0, 0.5, 1.0, 1, None)
LIMIT = 60.0


@pytest.fixture
def bad_process(kinds: Any) -> Any:
    """Beside the kinds of jobs for tests, whose fixture has put this folder on the path."""
    return importlib.import_module("mesh_makers_for_tests")


def answers(maker: MeshMaker, count: int) -> list[MeshAnswer]:
    """The next answers."""
    found: list[MeshAnswer] = []
    end = time.monotonic() + LIMIT
    while len(found) < count:
        assert time.monotonic() < end, "no answer"
        found += maker.poll()
        time.sleep(0.005)
    return found


def ask(maker: MeshMaker, order: MeshOrder) -> MeshAnswer:
    maker.order(Ticket(b"peer", b"request"), order)
    (answer,) = answers(maker, 1)
    return answer


def test_a_mesh_is_the_one_that_a_job_would_have_made(tmp_path: Path) -> None:
    model = find_model("chairs-32")
    (expected,) = generate_shapes(model, 7, 1, 0.8, MeshSettings(0.4, 0.5, 2))
    order = MeshOrder(model.name, model.hash, 7, 0.8, 0.4, 0.5, 2, None, str(model.path), True)
    with MeshMaker(tmp_path) as maker:
        assert not maker.is_busy
        answer = ask(maker, order)
        assert answer.error is None
        assert np.array_equal(answer.arrays["vertices"], expected.vertices)
        assert np.array_equal(answer.arrays["faces"], expected.faces)
        # The grid was kept: the model is not needed for another mesh of it.
        thin = ask(maker, replace(order, threshold=0.7, folder="", known=False))
        assert thin.error is None
        assert not maker.is_busy
        empty = ask(maker, replace(order, variety=0.0, threshold=0.99))
        if empty.error is not None:
            assert empty.error.tag == "empty_shape"
            assert "Lower the threshold" in empty.error.hint


def test_a_model_that_is_gone_or_has_changed_is_a_sentence(tmp_path: Path) -> None:
    model = find_model("chairs-32")
    with MeshMaker(tmp_path) as maker:
        gone = ask(maker, ORDER)
        assert gone.error is not None
        assert (gone.error.tag, "not here any more" in gone.error.message) == ("unknown_model", True)
        for changed in (replace(ORDER, known=True), replace(ORDER, known=True, folder=str(model.path))):
            answer = ask(maker, changed)
            assert answer.error is not None
            assert (answer.error.tag, "trained further" in answer.error.message) == ("model_changed", True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model_hash": "../../../../etc/x"}, "16 hexadecimal digits"),
        ({"model_hash": "ABCDEF0123456789"}, "16 hexadecimal digits"),
        ({"model_hash": ""}, "16 hexadecimal digits"),
        ({"model": "m" * 1000}, "model has 1000 characters"),
        ({"seed": 1 << 40}, "seed is"),
        ({"variety": 2.5}, "variety is 2.5"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"smoothing": -0.1}, "smoothing is -0.1"),
        ({"resolution": 100}, "resolution is 100, but 1 to 2"),
        ({"max_faces": 3}, "max_faces is 3"),
    ],
)
def test_no_order_beyond_the_limits_is_made(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(ORDER, **change)


def test_a_process_that_dies_is_told_and_the_next_order_finds_another(bad_process: Any, tmp_path: Path) -> None:
    with MeshMaker(tmp_path, bad_process.make) as maker:
        for _ in range(2):
            died = ask(maker, replace(ORDER, seed=bad_process.CRASHES))
            assert died.error is not None
            assert (died.error.tag, "exit code 7" in died.error.message) == ("crashed", True)
            assert ask(maker, ORDER).arrays["vertices"][0, 0] == 0.5
        refused = ask(maker, replace(ORDER, seed=bad_process.REFUSES))
        assert refused.error is not None
        assert refused.error.tag == "empty_shape"


def test_a_process_that_hangs_is_ended(bad_process: Any, tmp_path: Path) -> None:
    with MeshMaker(tmp_path, bad_process.make, seconds_per_mesh=1.0) as maker:
        hung = ask(maker, replace(ORDER, seed=bad_process.SLEEPS))
        assert hung.error is not None
        assert (hung.error.tag, "within 1 seconds" in hung.error.message) == ("crashed", True)


def test_closing_does_not_wait_for_a_mesh(bad_process: Any, tmp_path: Path) -> None:
    maker = MeshMaker(tmp_path, bad_process.make)
    ask(maker, ORDER)
    process = maker._process
    maker.order(Ticket(b"a", b"1"), replace(ORDER, seed=bad_process.SLEEPS))
    begin = time.monotonic()
    maker.close()
    assert time.monotonic() - begin < LIMIT / 2
    assert maker._thread is not None
    assert not maker._thread.is_alive()
    assert process.exitcode is not None


def test_closing_ends_a_process_that_is_only_just_started(bad_process: Any, tmp_path: Path) -> None:
    maker = MeshMaker(tmp_path, bad_process.make)
    maker.order(Ticket(b"a", b"1"), replace(ORDER, seed=bad_process.SLEEPS))
    maker.close()
    assert maker._thread is not None
    assert not maker._thread.is_alive()


def test_no_client_fills_the_queue(bad_process: Any, tmp_path: Path) -> None:
    with MeshMaker(tmp_path, bad_process.make) as maker:
        for index in range(mesh_maker._MOST_OF_A_PEER):
            maker.order(Ticket(b"greedy", bytes([index])), replace(ORDER, seed=100 + index))
        with pytest.raises(MeshQueueFullError):
            maker.order(Ticket(b"greedy", b"one more"), ORDER)
        maker.order(Ticket(b"modest", b"x"), ORDER)
        found = answers(maker, mesh_maker._MOST_OF_A_PEER + 1)
        assert [answer.order.seed for answer in found] == [*range(100, 100 + mesh_maker._MOST_OF_A_PEER), 7]
        maker.order(Ticket(b"greedy", b"again"), ORDER)
        answers(maker, 1)


def test_a_client_asks_and_is_answered_beside_its_jobs(
    queue: Any, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the wire, with the descriptions of a real server, one of whose models is a user's run."""
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    shutil.copytree(find_model("bathtubs-32").path, tmp_path / "runs" / "tubs")
    descriptions = ServerDescriptions([ComputeDevice("CPU", "cpu", 0, 0)], job_kinds())
    hub = InProcessHub()
    with MeshMaker(tmp_path) as meshes, JobServer(hub, queue, descriptions, meshes=meshes) as job_server:
        server.hub, server.server = hub, job_server
        with Client(hub.connect()) as client:
            client.list_models()
            models = {model.name: model for model in server.wait_for(client, ModelList).message.models}
            wanted = FetchMesh("tubs", models["tubs"].hash, 3, threshold=0.5)
            assert client.fetch_mesh(wanted)
            arrived = server.wait_for(client, ShapeMesh)
            assert arrived.message == ShapeMesh("tubs", models["tubs"].hash)
            assert arrived.request == wanted
            assert sorted(arrived.arrays) == ["faces", "vertices"]
            assert (arrived.arrays["vertices"].dtype, arrived.arrays["faces"].dtype) == (np.float32, np.int32)

            for changes, tag in (
                ({"model_hash": "0" * 16}, "model_changed"),
                ({"model_hash": "0" * 16, "model": "unheard-of"}, "unknown_model"),
                ({"model_hash": "../../secret"}, "bad_request"),
                ({"resolution": 1000}, "bad_request"),
                ({"max_faces": 5}, "bad_request"),
            ):
                assert client.fetch_mesh(replace(wanted, **changes))
                failure = server.wait_for(client, Failure)
                assert (failure.message.tag, bool(failure.message.message)) == (tag, True), changes


def test_a_server_without_meshes_says_so(server: Any) -> None:
    with server.connect() as client:
        client.list_models()
        server.wait_for(client, ModelList)
        client.welcome = replace(client.welcome, capabilities=("meshes",))
        assert client.fetch_mesh(FetchMesh("chairs", "0" * 16, 1))
        assert server.wait_for(client, Failure).message.tag == "bad_request"
