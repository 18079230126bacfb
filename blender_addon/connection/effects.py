# SPDX-License-Identifier: GPL-3.0-or-later
"""What the transition function asks to be done. The session runs effects; they do nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from .states import Endpoint


@dataclass(frozen=True, slots=True)
class StartBackend:
    """Start the backend child; answer with BackendStarted or BackendExited."""


@dataclass(frozen=True, slots=True)
class StopBackend:
    """Stop the backend child if the add-on started one."""


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Open a link to `endpoint` (closing an older one) and greet the server."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the link if one is open."""


@dataclass(frozen=True, slots=True)
class DetachJobs:
    """Tell every unfinished job that its connection is gone."""


@dataclass(frozen=True, slots=True)
class ReattachJobs:
    """Tell every unfinished job that the server can be asked again, and ask which jobs it has."""


ConnectionEffect = StartBackend | StopBackend | OpenLink | CloseLink | DetachJobs | ReattachJobs
