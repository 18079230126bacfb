# SPDX-License-Identifier: Apache-2.0
"""A group of commands that imports a command's module only when that command is called.

`unrender --help` then costs a tenth of a second although some commands load torch.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Where a command lives and what the list of commands says about it."""

    module: str
    summary: str
    attribute: str = "command"  # a function, or a typer.Typer for a group of commands

    def load(self, name: str) -> Any:
        """Import the module and build the command."""
        target = getattr(importlib.import_module(self.module), self.attribute)
        if isinstance(target, typer.Typer):
            return typer.main.get_command(target)
        application = typer.Typer(add_completion=False, rich_markup_mode=None)
        application.command(name)(target)
        return typer.main.get_command(application)

    def describe(self, name: str) -> Any:
        """A command of that name which only knows its summary."""
        application = typer.Typer(add_completion=False, rich_markup_mode=None)
        application.command(name, help=self.summary, short_help=self.summary)(_nothing)
        return typer.main.get_command(application)


def _nothing() -> None:
    """The body of a command that is only listed."""


class CommandGroup(TyperGroup):
    """Lists `entries` without importing them; the class attribute is set by each group."""

    entries: ClassVar[Mapping[str, CommandEntry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = self.entries.get(cmd_name)
        return None if entry is None else entry.describe(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # The names are needed by the parent class to suggest the nearest one after a typing error.
        self.commands = {name: self.get_command(ctx, name) for name in self.entries}
        _, _, rest = super().resolve_command(ctx, args)
        return args[0], self.entries[args[0]].load(args[0]), rest
