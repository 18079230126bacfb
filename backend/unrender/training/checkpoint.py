# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: one safetensors file of tensors, with the rest of the state as JSON in its header. No code travels."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from unrender.atomic_file import write_atomically
from unrender.errors import CheckpointError

FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any], kind: str) -> None:
    """Write nested dictionaries and lists of tensors, numbers, strings and None; atomic.

    kind: what the file holds, such as "voxel_gan training"; checked when loading. Raises DiskFullError.
    """
    tensors: dict[str, Tensor] = {}
    tree = _flatten(state, "", tensors)
    metadata = {"unrender_format": str(FORMAT), "kind": kind, "tree": json.dumps(tree)}
    write_atomically(path, lambda temporary: save_file(tensors, temporary, metadata=metadata))


def load_checkpoint(path: Path, kind: str, under: tuple[str | int, ...] = ()) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; `under` names the keys down to the only branch to load.

    Raises CheckpointError for a missing, truncated or foreign file and for another format version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            _check(path, metadata, kind)
            tree = json.loads(metadata["tree"])
            for key in under:
                tree = dict(tree["items"])[key]
            return _unflatten(tree, file)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint {path}.") from error
    except (SafetensorError, json.JSONDecodeError, KeyError, OSError) as error:
        raise CheckpointError(
            f"The checkpoint {path} is truncated or damaged ({error}).",
            "Delete it: resuming then takes the checkpoint before it, if there is one.",
        ) from error


def _check(path: Path, metadata: dict[str, str], kind: str) -> None:
    version = metadata.get("unrender_format")
    if version is None:
        raise CheckpointError(f"{path} is a safetensors file, but not a checkpoint of Unrender.")
    if version != str(FORMAT):
        raise CheckpointError(
            f"{path} has checkpoint format {version}, this Unrender reads format {FORMAT}.",
            "Update Unrender." if version > str(FORMAT) else "Train again, or use the Unrender that wrote it.",
        )
    if metadata.get("kind") != kind:
        raise CheckpointError(f"{path} holds {metadata.get('kind')!r}, but {kind!r} was expected.")


def _flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        # A copy of its own: safetensors refuses tensors that share memory or are not dense in row-major order.
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _flatten(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_flatten(item, f"{name}/{index}", tensors) for index, item in enumerate(value)]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise TypeError(f"{name}: a checkpoint cannot hold a {type(value).__name__}")


def _unflatten(node: dict[str, Any], file: Any) -> Any:
    if "tensor" in node:
        return file.get_tensor(node["tensor"])
    if "items" in node:
        return {key: _unflatten(item, file) for key, item in node["items"]}
    if "list" in node:
        return [_unflatten(item, file) for item in node["list"]]
    return node["value"]
