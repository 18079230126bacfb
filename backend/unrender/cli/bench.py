# SPDX-License-Identifier: Apache-2.0
"""`unrender bench`: measurements that a program can read."""

from types import MappingProxyType

import typer

from unrender.cli.command_group import CommandEntry, CommandGroup

_COMMANDS = {
    "addon-ticks": CommandEntry("unrender.cli.benchmarks.addon_ticks", "How long the add-on keeps Blender's window."),
    "raster": CommandEntry(
        "unrender.cli.benchmarks.raster", "How fast meshes are rasterised, beside other rasterisers."
    ),
    "render": CommandEntry("unrender.cli.benchmarks.render", "How fast images are made, as ratios."),
    "render-memory": CommandEntry("unrender.cli.benchmarks.render_memory", "How much a Blender worker's memory grows."),
    "train-step": CommandEntry("unrender.cli.benchmarks.train_step", "Time of a training step against its parts."),
}


class _Benchmarks(CommandGroup):
    entries = MappingProxyType(_COMMANDS)


application = typer.Typer(cls=_Benchmarks, add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@application.callback()
def _bench() -> None:
    """Measure the speed of this computer, on an otherwise idle machine.

    \b
    unrender bench addon-ticks --json    how long the add-on keeps Blender's window
    unrender bench raster --json         how fast meshes are rasterised, beside other rasterisers
    unrender bench render --json         how fast images are made, as ratios of two ways
    unrender bench render-memory --json  how much a Blender worker's memory grows
    unrender bench train-step --json     time of a training step against its parts
    """
