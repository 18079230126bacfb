# SPDX-License-Identifier: Apache-2.0
"""The pinned wheels on this computer: downloaded once by pip, checked by their hashes, used again afterwards."""

import hashlib
import logging
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from unrender.errors import PackagingError
from unrender.packaging.pinned_wheels import PINNED_WHEELS
from unrender.packaging.wheel_names import WheelName, parse_wheel_name
from unrender.storage import data_home

_PIP_SECONDS = 600.0
_log = logging.getLogger(__name__)


def collect_wheels(
    pythons: Sequence[str], folder: Path | None = None, pinned: Mapping[str, str] = PINNED_WHEELS
) -> list[Path]:
    """Return the pinned wheels for these Pythons (`cp310`, ...), every platform, sorted by name.

    Args:
        folder: where the wheels lie, for a computer without a network; None: the store in the data home, which is
            filled where something is missing.

    Raises:
        PackagingError: a wheel is missing and cannot be downloaded, or is not the one that was pinned.
    """
    wanted = [name for name in map(parse_wheel_name, sorted(pinned)) if any(map(name.fits, pythons))]
    store = data_home() / "wheels" if folder is None else folder
    missing = [name for name in wanted if not (store / name.filename).is_file()]
    if missing and folder is not None:
        raise PackagingError(
            f"{folder} lacks {len(missing)} of {len(wanted)} wheels, {missing[0].filename} first.",
            "Fill the folder on a computer with a network (its data home has them in wheels/), or leave --wheels away.",
        )
    if missing:
        _download(missing, store)
    for name in wanted:
        _check(store / name.filename, pinned[name.filename], is_ours=folder is None)
    return [store / name.filename for name in wanted]


def _check(path: Path, wanted: str, is_ours: bool) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise PackagingError(f"{path} cannot be read ({error.strerror}).", "Check its permissions.") from error
    if found == wanted:
        return
    if is_ours:
        path.unlink(missing_ok=True)  # so that the next call downloads it afresh
    raise PackagingError(
        f"{path.name} is not the file that was pinned: its SHA-256 is {found}, expected {wanted}.",
        "Run the command again to download it anew." if is_ours else "Replace it by the right one.",
    )


def _download(missing: Sequence[WheelName], store: Path) -> None:
    """Fetch wheels with pip, which knows from where; one call for each Python and system."""
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PackagingError(f"{store} cannot be made ({error.strerror}).", "Set UNRENDER_HOME elsewhere.") from error
    groups: dict[tuple[str, str], list[WheelName]] = defaultdict(list)
    for name in missing:
        groups[name.python, name.blender_platforms[0]].append(name)
    for (python, platform), names in groups.items():
        _log.info("Downloading %s for %s, %s", " and ".join(name.distribution for name in names), python, platform)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--implementation", "cp", "--python-version", f"3.{python.removeprefix('cp3')}"]
        for tag in dict.fromkeys(tag for name in names for tag in name.platforms):
            command += ["--platform", tag]
        command += ["--dest", str(store), *(f"{name.distribution}=={name.version}" for name in names)]
        _run_pip(command, names)
    still_missing = [name for name in missing if not (store / name.filename).is_file()]
    if still_missing:
        raise PackagingError(
            f"pip downloaded another file in place of {still_missing[0].filename}.",
            "Give a folder with the wheels by --wheels.",
        )


def _run_pip(command: Sequence[str], names: Sequence[WheelName]) -> None:
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_PIP_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        said = type(error).__name__
    else:
        if answer.returncode == 0:
            return
        lines = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")] or answer.stderr.splitlines()
        said = lines[-1].removeprefix("ERROR: ") if lines else f"exit code {answer.returncode}"
    raise PackagingError(
        f"{names[0].filename} cannot be downloaded: pip says: {said.rstrip('.')}.",
        "Check the network, or give a folder with the wheels by --wheels.",
    )
