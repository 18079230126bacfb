# SPDX-License-Identifier: Apache-2.0
"""The program `unrender`: its list of commands, its exit codes, and what a failure looks like."""

import os
import sys
import traceback
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated

import typer

from unrender.cli.command_group import CommandEntry, CommandGroup
from unrender.errors import CancelledError, UserError

EXIT_FAILED = 1
EXIT_WRONG_USAGE = 2
EXIT_PARTLY_DONE = 3
EXIT_INTERRUPTED = 130

_COMMANDS = {
    "doctor": CommandEntry("unrender.cli.doctor", "What works on this computer, and what to do."),
    "serve": CommandEntry("unrender.cli.serve", "Run the backend that Blender connects to."),
    "generate": CommandEntry("unrender.cli.generate", "Make meshes with a trained model."),
    "train": CommandEntry("unrender.cli.train", "Train a model from pictures."),
    "evaluate": CommandEntry("unrender.cli.evaluate", "Measure a trained model; one line of JSON per measure."),
    "render-dataset": CommandEntry("unrender.cli.render_dataset", "Render shapes with Blender into a data set."),
    "models": CommandEntry("unrender.cli.models", "List, show and remove models.", attribute="application"),
    "addon": CommandEntry("unrender.cli.addon", "Build and install the add-on for Blender.", attribute="application"),
    "bench": CommandEntry("unrender.cli.bench", "Measure the speed of this computer.", attribute="application"),
}


class _Commands(CommandGroup):
    entries = MappingProxyType(_COMMANDS)


application = typer.Typer(cls=_Commands, add_completion=False, rich_markup_mode=None, no_args_is_help=True)


def _print_version(wanted: bool) -> bool:
    if wanted:
        from unrender import __version__

        typer.echo(f"unrender {__version__}")
        raise typer.Exit
    return wanted


@application.callback()
def _unrender(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Learn 3D shapes from plain pictures, and use them in Blender.

    \b
    First steps:
      unrender doctor                                      what works here
      unrender generate --model chairs --seed 7 --count 9 --out chairs
      unrender train voxel_gan --config iggan-photos-32 --data PHOTOS --out RUN
      unrender serve                                       for Blender

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done, 130 interrupted.
    UNRENDER_HOME says where runs, models and jobs are kept; UNRENDER_DEBUG=1 shows tracebacks.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    A mistake of the user is one sentence on stderr. Anything else is a fault of the program: one sentence, with the
    traceback in the log file (or on stderr with UNRENDER_DEBUG=1).
    """
    # Torch's OpenMP threads would spin while Blender renders on the same cores. Read once, when torch is first loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    command = typer.main.get_command(application)
    try:
        command.main(args=None if arguments is None else list(arguments), prog_name="unrender")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_FAILED if stop.code else 0
    except UserError as error:
        _say(f"unrender: {error}")
        return EXIT_FAILED
    except (KeyboardInterrupt, CancelledError):
        _say("unrender: interrupted.")
        return EXIT_INTERRUPTED
    except Exception as error:
        _report_fault(error)
        return EXIT_FAILED
    return 0


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _report_fault(error: Exception) -> None:
    """Say that the program is at fault, and where the details are."""
    details = "".join(traceback.format_exception(error))
    headline = f"unrender: internal error ({type(error).__name__}: {error})."
    if os.environ.get("UNRENDER_DEBUG"):
        _say(details)
        _say(headline)
        return
    from unrender.cli.fault_log import write_fault

    path = write_fault(details)
    where = f"Details are in {path}." if path else "Run it again with UNRENDER_DEBUG=1 for details."
    _say(f"{headline} {where}")


if __name__ == "__main__":
    sys.exit(main())
