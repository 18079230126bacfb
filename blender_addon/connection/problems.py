# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between the add-on and the generator, as values: a stable tag, a sentence, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class NextStep(Enum):
    """What a button under a problem can do about it."""

    NONE = "NONE"
    CONNECT = "CONNECT"
    OPEN_PREFERENCES = "OPEN_PREFERENCES"
    COPY_REPORT = "COPY_REPORT"
    COPY_INSTALL_COMMAND = "COPY_INSTALL_COMMAND"  # puts `Problem.command` on the clipboard
    ALLOW_ONLINE = "ALLOW_ONLINE"
    RETRY = "RETRY"  # of the job
    REFRESH_MODELS = "REFRESH_MODELS"
    SIMPLIFY = "SIMPLIFY"  # makes the job's meshes again, with no more faces than the limit


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure as the artist reads it. `tag` never changes, so panels, tests and reports may depend on it.

    `command` is what a terminal is to be told where that helps: whole lines, to be copied.
    """

    tag: str
    message: str
    hint: str = ""
    action: NextStep = NextStep.NONE
    command: str = ""


# To be run in the folder of the Unrender checkout: the first line makes an environment, the second tells the add-on.
INSTALL_COMMANDS = (
    "py -3.11 -m venv .venv && .venv\\Scripts\\pip install .\\protocol .\n.venv\\Scripts\\unrender doctor"
    if sys.platform == "win32"
    else "python3 -m venv .venv && .venv/bin/pip install ./protocol .\n.venv/bin/unrender doctor"
)
INSTALL_NUMPY = "sudo apt install python3-numpy"

NO_BACKEND = Problem(
    "no_backend",
    "The generator is not installed where the add-on looks for it.",
    "Choose its folder in the preferences, or run scripts/demo once in the Unrender folder.",
    NextStep.OPEN_PREFERENCES,
    INSTALL_COMMANDS,
)
START_TIMEOUT = Problem(
    "start_timeout",
    "The generator did not start in time.",
    "Press Connect to try again; if it happens twice, press Copy report.",
    NextStep.CONNECT,
)
CONNECT_TIMEOUT = Problem(
    "connect_timeout",
    "Nothing answered at the generator's address.",
    "Check that the generator is running there and that the address and port are right, then press Connect.",
    NextStep.CONNECT,
)
CONNECTION_LOST = Problem(
    "lost",
    "The generator stopped answering.",
    "Its jobs are kept. The add-on keeps trying; press Connect to try now.",
    NextStep.CONNECT,
)
NOT_A_GENERATOR = Problem(
    "not_a_generator",
    "Something answers at that address, but it is not the generator.",
    "Check the port in the preferences against the line that the generator printed, then press Connect.",
    NextStep.OPEN_PREFERENCES,
)
GAVE_UP = Problem(
    "gave_up",
    "The generator has not answered for a long time.",
    "Press Connect when it is running again. Its jobs are kept.",
    NextStep.CONNECT,
)
RESTARTS_TOO_OFTEN = Problem(
    "restarts_too_often",
    "The generator keeps stopping right after it starts.",
    "Press Copy report and look at its last lines, then press Connect to try again.",
    NextStep.COPY_REPORT,
)
OFFLINE_MODE = Problem(
    "offline_mode",
    "Blender is in offline mode, and the generator is on another computer.",
    "Allow online access in Preferences > System > Network, or use this computer.",
    NextStep.ALLOW_ONLINE,
)
BAD_ADDRESS = Problem(
    "bad_address",
    "The generator's address is not complete.",
    "In the preferences, paste the pairing line that the generator printed, or its address such as tcp://127.0.0.1:5555.",
    NextStep.OPEN_PREFERENCES,
)
NO_PAIRING_LINE = Problem(
    "no_pairing_line",
    "There is no pairing line yet for the generator on the other computer.",
    "There, run: unrender serve --host 0.0.0.0 --port 7707 --public --pair NAME. Paste the line that it prints.",
    NextStep.OPEN_PREFERENCES,
)
NO_PROTOCOL_LIBRARY = Problem(
    "no_protocol_library",
    "The add-on's own libraries (pyzmq, msgpack, unrender-protocol) are missing.",
    "Install the add-on again from its zip for this version of Blender.",
    NextStep.COPY_REPORT,
)
NO_NUMPY = Problem(
    "no_numpy",
    "This Blender's Python has no numpy, which meshes and pictures need.",
    "Install it (on Debian and Ubuntu: sudo apt install python3-numpy), then start Blender again.",
    NextStep.COPY_INSTALL_COMMAND,
    INSTALL_NUMPY,
)

NOT_ACCEPTED = Problem(
    "not_accepted",
    "The generator did not answer this request.",
    "Press Retry; it is run only once, even if the first request did arrive.",
    NextStep.RETRY,
)
CANCEL_UNANSWERED = Problem(
    "cancel_unanswered",
    "The generator did not confirm that the job stopped.",
    "Disconnect and connect again to see where it stands, or press Retry.",
    NextStep.RETRY,
)
FORGOTTEN = Problem(
    "forgotten",
    "The generator no longer knows this job.",
    "Press Retry to run it again.",
    NextStep.RETRY,
)
NO_ANSWER = Problem(
    "no_answer",
    "The generator did not say what became of this job.",
    "Press Retry; if the job had finished, its result comes at once.",
    NextStep.RETRY,
)
ABANDONED = Problem(
    "abandoned",
    "The generator was not seen again for a day.",
    "Press Connect, then Retry.",
    NextStep.RETRY,
)
BAD_RESULT = Problem(
    "bad_result",
    "The generator sent a result that is not a set of meshes.",
    "Press Retry. If it happens again, press Copy report: add-on and generator may not fit together.",
    NextStep.RETRY,
)

MESH_UNANSWERED = Problem(
    "no_mesh",
    "The generator did not make the mesh.",
    "Move the slider again; if that does not help, press Copy report.",
    NextStep.COPY_REPORT,
)
NO_MESHES = Problem(
    "no_meshes",
    "The generator is older than this add-on, and cannot change meshes afterwards.",
    "Update the generator, or generate the shapes anew with these settings.",
    NextStep.OPEN_PREFERENCES,
)
NOT_CONNECTED = Problem(
    "not_connected", "The generator makes the meshes, and is not connected.", "Press Connect.", NextStep.CONNECT
)

NOT_READ = Problem(
    "not_read",
    "The disk with the photos does not answer.",
    "Check that it is connected, then press Retry.",
    NextStep.RETRY,
)

# After these the job may still live at the server: a retry asks for the same id again, which runs it at most once.
# After any other failure it has ended there, and only a new job can run it again.
MAY_STILL_LIVE = frozenset(
    problem.tag for problem in (NOT_ACCEPTED, CANCEL_UNANSWERED, FORGOTTEN, NO_ANSWER, ABANDONED, BAD_RESULT)
)

# What can be done about the problems that the generator names.
_SERVER_ACTIONS: Mapping[str, NextStep] = {
    "unknown_model": NextStep.REFRESH_MODELS,
    "bad_checkpoint": NextStep.REFRESH_MODELS,
    "wrong_key": NextStep.OPEN_PREFERENCES,
    "wrong_token": NextStep.OPEN_PREFERENCES,
    "crashed": NextStep.RETRY,
    "interrupted": NextStep.RETRY,
    "disk_full": NextStep.RETRY,
    "internal": NextStep.COPY_REPORT,
}


def said_by_server(tag: str, message: str, hint: str) -> Problem:
    """A problem in the generator's own words."""
    return Problem(tag, message, hint, _SERVER_ACTIONS.get(tag, NextStep.NONE))


def missing_library(error: ImportError) -> Problem:
    """The problem of a library that this Blender cannot import."""
    return NO_NUMPY if (error.name or "").partition(".")[0] == "numpy" else NO_PROTOCOL_LIBRARY


def backend_exited(code: int | None, last_line: str) -> Problem:
    """The problem of a backend child that ended although nobody asked it to.

    One that was killed (negative `code`, the signal) had no last word: what it logged before is about something else.
    """
    ending = "" if code is None else f" (exit code {code})"
    said = f" It said: {last_line}" if last_line and (code is None or code >= 0) else ""
    return Problem(
        "backend_exited",
        f"The generator stopped{ending}.{said}",
        "Press Connect to start it again, or Copy report to see its last lines.",
        NextStep.CONNECT,
    )


def mesh_too_dense(faces: int, limit: int, can_be_simplified: bool = True) -> Problem:
    """The problem of a mesh above the face limit of the preferences."""
    if not can_be_simplified:
        return Problem(
            "mesh_too_dense",
            f"The mesh has {faces} faces, and the limit in the preferences is {limit}.",
            "Raise the limit in the preferences, then import it in the Jobs list.",
            NextStep.OPEN_PREFERENCES,
        )
    return Problem(
        "mesh_too_dense",
        f"The mesh has {faces} faces, and the limit in the preferences is {limit}.",
        "Press Simplify to make it again with fewer faces, or raise the limit in the preferences.",
        NextStep.SIMPLIFY,
    )
