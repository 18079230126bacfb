# SPDX-License-Identifier: Apache-2.0
"""Arrays of jobs on disk: what came with the request, and the result until the client has acknowledged it."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from unrender.atomic_file import write_atomically
from unrender.errors import DataError

LOG_NAME = "log.txt"  # what a job printed
Arrays = Mapping[str, np.ndarray]


class JobFolders:
    """One folder per job id below `root`; only hexadecimal names are ever made or removed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, job_id: bytes) -> Path:
        """Where the files of a job lie."""
        return self.root / job_id.hex()

    def save_inputs(self, job_id: bytes, arrays: Arrays) -> None:
        """Keep the arrays of a request. Raises DiskFullError."""
        if arrays:
            write_arrays(inputs_path(self.folder(job_id)), {}, arrays)

    def load_result(self, job_id: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The result of a finished job. Raises DataError if its file is gone or damaged."""
        return read_arrays(result_path(self.folder(job_id)))

    def load_header(self, job_id: bytes) -> dict[str, Any]:
        """The plain part of a result, without its arrays. Raises DataError."""
        return read_arrays(result_path(self.folder(job_id)), header_only=True)[0]

    def result_size(self, job_id: bytes) -> int:
        """Bytes of a result on disk; 0 if there is none."""
        path = result_path(self.folder(job_id))
        return path.stat().st_size if path.exists() else 0

    def has_result(self, job_id: bytes) -> bool:
        return result_path(self.folder(job_id)).exists()

    def keep_log(self, job_id: bytes) -> None:
        """Delete everything but the log: it says why the job failed."""
        folder = self.folder(job_id)
        for path in folder.iterdir() if folder.exists() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOG_NAME:
                path.unlink(missing_ok=True)

    def remove(self, job_id: bytes) -> None:
        """Delete everything that is kept for the job."""
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def remove_strangers(self, known: set[bytes]) -> None:
        """Delete the folders of jobs that the ledger does not know: left by a crash between two writes."""
        names = {job_id.hex() for job_id in known}
        for folder in self.root.iterdir() if self.root.exists() else ():
            if folder.is_dir() and len(folder.name) == 32 and folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)


def result_path(folder: Path) -> Path:
    """The file of a job's result."""
    return folder / "result.safetensors"


def inputs_path(folder: Path) -> Path:
    """The file of the arrays that came with a job's request."""
    return folder / "inputs.safetensors"


def write_arrays(path: Path, header: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a header and named arrays as one file, wholly or not at all. Raises DiskFullError."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {"header": json.dumps(dict(header))}
    write_atomically(path, lambda unfinished: save_file(contiguous, unfinished, metadata=metadata))


def read_arrays(path: Path, header_only: bool = False) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote. Raises DataError if the file is missing or damaged."""
    try:
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {}).get("header", "{}"))
            if header_only:
                return header, {}
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError, ValueError) as error:
        raise DataError(
            f"The file {path.name} of this job is missing or damaged ({error}).", "Run the job again."
        ) from error
