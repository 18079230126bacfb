# SPDX-License-Identifier: Apache-2.0
"""`unrender addon`: the zips that Blender installs."""

from pathlib import Path
from typing import Annotated

import typer

from unrender.cli.console import print_json
from unrender.packaging.build import BuiltPackage, PackageKind, build_packages

application = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@application.callback()
def _addon() -> None:
    """Build the add-on for Blender, and install it.

    \b
    unrender addon install
    unrender addon build --out zips
    unrender addon uninstall
    """


@application.command("build")
def build(
    out: Annotated[Path, typer.Option(help="Folder for the zips; it is made.")],
    only: Annotated[
        PackageKind | None, typer.Option(help="Only one zip: extension (Blender 4.2 and newer) or legacy (3.4 to 4.1).")
    ] = None,
    wheels: Annotated[
        Path | None, typer.Option(help="Folder with the wheels, for a computer without a network.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: packages.")] = False,
) -> None:
    """Build the two zips: the extension for Blender 4.2 and newer, the add-on for Blender 3.4 to 4.1.

    Neither needs a Blender. Their libraries (pyzmq, msgpack) are downloaded once by pip, and kept in the data home.
    """
    built = build_packages(out, only, wheels)
    if as_json:
        print_json({"packages": [_summary(package) for package in built]})
        return
    for package in built:
        typer.echo(f"{package.path}  {package.bytes / 1e6:.1f} MB  sha256 {package.sha256[:16]}")


def _summary(package: BuiltPackage) -> dict[str, object]:
    return {
        "kind": package.kind.value,
        "path": str(package.path),
        "version": package.version,
        "bytes": package.bytes,
        "sha256": package.sha256,
    }
