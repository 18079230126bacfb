# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between the add-on and the generator, as values: a stable tag, a sentence, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure as the artist reads it. `tag` never changes, so panels, tests and reports may depend on it."""

    tag: str
    message: str
    hint: str = ""


NO_BACKEND = Problem(
    "no_backend",
    "The generator is not installed where the add-on looks for it.",
    "Choose its folder in the preferences, or run scripts/demo once in the Unrender checkout.",
)
START_TIMEOUT = Problem(
    "start_timeout",
    "The generator did not start in time.",
    "Press Connect to try again; if it happens twice, press Copy report.",
)
CONNECT_TIMEOUT = Problem(
    "connect_timeout",
    "Nothing answered at the generator's address.",
    "Check that the generator is running there and that the address and port are right, then press Connect.",
)
CONNECTION_LOST = Problem(
    "lost",
    "The generator stopped answering.",
    "Its jobs are kept. The add-on keeps trying; press Connect to try now.",
)
NOT_A_GENERATOR = Problem(
    "not_a_generator",
    "Something answers at that address, but it is not the generator.",
    "Check the port in the preferences against the line that the generator printed, then press Connect.",
)
GAVE_UP = Problem(
    "gave_up",
    "The generator has not answered for a long time.",
    "Press Connect when it is running again. Its jobs are kept.",
)
RESTARTS_TOO_OFTEN = Problem(
    "restarts_too_often",
    "The generator keeps stopping right after it starts.",
    "Press Copy report and look at its last lines, then press Connect to try again.",
)
OFFLINE_MODE = Problem(
    "offline_mode",
    "Blender is in offline mode, and the generator is on another computer.",
    "Allow online access in Preferences > System > Network, or use this computer.",
)
BAD_ADDRESS = Problem(
    "bad_address",
    "The generator's address is not complete.",
    "In the preferences, paste the pairing line that the generator printed, or its address such as tcp://127.0.0.1:5555.",
)
NO_PROTOCOL_LIBRARY = Problem(
    "no_protocol_library",
    "The add-on's own libraries (pyzmq, msgpack, unrender-protocol) are missing.",
    "Install the add-on again from its zip for this version of Blender.",
)

NOT_ACCEPTED = Problem(
    "not_accepted",
    "The generator did not answer this request.",
    "Press Retry; it is run only once, even if the first request did arrive.",
)
CANCEL_UNANSWERED = Problem(
    "cancel_unanswered",
    "The generator did not confirm that the job stopped.",
    "Disconnect and connect again to see where it stands, or press Retry.",
)
FORGOTTEN = Problem(
    "forgotten",
    "The generator no longer knows this job.",
    "Press Retry to run it again.",
)
NO_ANSWER = Problem(
    "no_answer",
    "The generator did not say what became of this job.",
    "Press Retry; if the job had finished, its result comes at once.",
)
ABANDONED = Problem(
    "abandoned",
    "The generator was not seen again for a day.",
    "Press Connect, then Retry.",
)
BAD_RESULT = Problem(
    "bad_result",
    "The generator sent a result that is not a set of meshes.",
    "Press Retry. If it happens again, press Copy report: add-on and generator may not fit together.",
)

NOT_READ = Problem(
    "not_read",
    "The disk with the photos does not answer.",
    "Check that it is connected, then press Again.",
)

# After these the job may still live at the server: a retry asks for the same id again, which runs it at most once.
# After any other failure it has ended there, and only a new job can run it again.
MAY_STILL_LIVE = frozenset(
    problem.tag for problem in (NOT_ACCEPTED, CANCEL_UNANSWERED, FORGOTTEN, NO_ANSWER, ABANDONED, BAD_RESULT)
)


def backend_exited(code: int | None, last_line: str) -> Problem:
    """The problem of a backend child that ended although nobody asked it to."""
    ending = "" if code is None else f" (exit code {code})"
    said = f" It said: {last_line}" if last_line else ""
    return Problem(
        "backend_exited",
        f"The generator stopped{ending}.{said}",
        "Press Connect to start it again, or Copy report to see its last lines.",
    )


def mesh_too_dense(faces: int, limit: int) -> Problem:
    """The problem of a mesh above the face limit of the preferences."""
    return Problem(
        "mesh_too_dense",
        f"The mesh has {faces} faces, and the limit in the preferences is {limit}.",
        "Raise the limit in the preferences, or generate again.",
    )
