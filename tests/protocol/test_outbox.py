# SPDX-License-Identifier: Apache-2.0
"""What waits for a slow peer: in order, bounded, newest of a kind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from unrender_protocol.messages import JobDone, JobFailed, JobProgress, Ping, Pong, redundancy_key
from unrender_protocol.outbox import Outbox
from unrender_protocol.transport import Delivery


def sent_by(outbox: Outbox) -> list[list[bytes]]:
    sent = []

    def send(frames):
        sent.append(frames)
        return Delivery.SENT

    assert outbox.flush(send) is Delivery.SENT
    return sent


def test_messages_leave_in_order():
    outbox = Outbox()
    for name in (b"a", b"b", b"c"):
        assert outbox.put([name])
    assert sent_by(outbox) == [[b"a"], [b"b"], [b"c"]]
    assert (len(outbox), outbox.nbytes) == (0, 0)


def test_the_newest_of_a_key_takes_the_place_of_the_older():
    outbox = Outbox()
    for done in range(1000):
        outbox.put([b"progress %d" % done], key="job 1")
        outbox.put([b"other %d" % done], key="job 2")
    outbox.put([b"done"])
    assert outbox.superseded == 1998
    assert sent_by(outbox) == [[b"progress 999"], [b"other 999"], [b"done"]]


def test_a_full_peer_keeps_what_is_left_and_gets_it_later():
    outbox = Outbox()
    for name in (b"a", b"b", b"c"):
        outbox.put([name])
    answers = iter([Delivery.SENT, Delivery.FULL])
    assert outbox.flush(lambda frames: next(answers)) is Delivery.FULL
    assert sent_by(outbox) == [[b"b"], [b"c"]]


def test_progress_makes_room_for_results_and_results_are_never_dropped_silently():
    outbox = Outbox(max_messages=3)
    assert outbox.put([b"result 1"])
    assert outbox.put([b"progress"], key="p")
    assert outbox.put([b"result 2"])
    assert outbox.put([b"result 3"])
    assert not outbox.put([b"result 4"])
    assert sent_by(outbox) == [[b"result 1"], [b"result 2"], [b"result 3"]]


def test_one_message_may_be_larger_than_the_box():
    outbox = Outbox(max_bytes=10)
    assert outbox.put([bytes(100)])
    assert not outbox.put([b"x"])
    assert len(sent_by(outbox)) == 1


@given(st.lists(st.tuples(st.none() | st.integers(0, 3), st.binary(max_size=40)), max_size=60))
def test_the_box_is_bounded_and_counts_right(puts):
    outbox = Outbox(max_messages=5, max_bytes=100)
    for key, content in puts:
        outbox.put([content], key)
        assert len(outbox) <= 5
        assert outbox.nbytes <= 100
    assert outbox.nbytes == sum(len(frames[0]) for frames in sent_by(outbox))


def test_only_progress_and_heartbeats_are_superseded():
    one, other = bytes(16), bytes(range(16))
    assert redundancy_key(JobProgress(one, done=1)) == redundancy_key(JobProgress(one, done=2))
    assert redundancy_key(JobProgress(one)) != redundancy_key(JobProgress(other))
    assert redundancy_key(Ping()) != redundancy_key(Pong())
    assert redundancy_key(JobDone(one)) is None
    assert redundancy_key(JobFailed(one, "t", "m")) is None
