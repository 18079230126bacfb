# SPDX-License-Identifier: Apache-2.0
"""`unrender doctor`: what works on this computer, and what to do about what does not."""

from dataclasses import asdict
from typing import Annotated

import typer

from unrender.cli.console import print_json
from unrender.cli.diagnosis import Finding, examine
from unrender.cli.self_record import record_self

_SIGNS = {"works": "ok", "missing": "--", "broken": "!!"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: works, findings.")] = False,
) -> None:
    """Try what Unrender needs on this computer, and say what to do about what does not work.

    \b
    ok  works
    --  an optional thing that is not there
    !!  an essential thing that does not work: the exit code is then 1

    Blender's engines are tried by rendering a small picture with each, which takes some seconds. From then on Blender's
    add-on finds this installation by itself.
    """
    record_self()
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _show(finding)
    works = not any(finding.state == "broken" for finding in findings)
    if as_json:
        print_json({"works": works, "findings": [asdict(finding) for finding in findings]})
    else:
        typer.echo("All essential things work." if works else "Some essential things do not work, see !! above.")
    if not works:
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    typer.echo(f"{_SIGNS[finding.state]}  {finding.name}: {finding.detail}")
    if finding.advice:
        typer.echo(f"      {finding.advice}")
