# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that "Copy report" puts on the clipboard: what a helper needs, and nothing about the artist's folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .wording import progress_text

if TYPE_CHECKING:
    from .session import Session


def write_report(session: Session, versions: Mapping[str, str], home: Path) -> str:
    """The report as text. The home folder is written as `~`; tokens and keys never get into the log to begin with."""
    state = session.state
    lines = ["Unrender report", *(f"{name}: {version}" for name, version in versions.items())]
    lines.append(f"connection: {state.status.value}")
    if state.problem is not None:
        lines.append(f"problem: {state.problem.tag}: {state.problem.message} {state.problem.hint}")
    if state.server is not None:
        lines.append(f"server: {state.server.package_version}, protocol {state.server.protocol}, {state.server.device}")
    for job in session.jobs.values():
        line = f"job {job.key[:8]} {job.kind} {job.status.value} {progress_text(job)}"
        lines.append(line + (f" | {job.problem.tag}: {job.problem.message}" if job.problem else ""))
    lines += ["", "log:", *session.log]
    return "\n".join(lines).replace(str(home), "~") + "\n"
