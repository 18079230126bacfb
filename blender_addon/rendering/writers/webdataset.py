# SPDX-License-Identifier: GPL-3.0-or-later
"""`webdataset/NNNNNN.tar`: shards of a thousand images each with their passes and record, as WebDataset reads them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from ..plan import DatasetPlan, Views
from ..png import replace_file

IMAGES_OF_SHARD = 1000


def write_webdataset(out: Path, plan: DatasetPlan, records: list[dict], views: Views) -> None:
    """Write the shards: of image k `kkkkkk.png`, `kkkkkk.json` and `kkkkkk.depth.exr`, ... one after another."""
    folder = out / "webdataset"
    folder.mkdir(exist_ok=True)
    for number in range(-(-len(records) // IMAGES_OF_SHARD)):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for record in records[number * IMAGES_OF_SHARD : (number + 1) * IMAGES_OF_SHARD]:
                key = f"{record['index']:06d}"
                _add(archive, f"{key}{Path(record['file']).suffix}", (out / record["file"]).read_bytes())
                facts = record | views.view(record["index"], record["class"]).facts()
                _add(archive, f"{key}.json", json.dumps(facts).encode())
                for name, path in record.get("passes", {}).items():
                    _add(archive, f"{key}.{name}{Path(path).suffix}", (out / path).read_bytes())
        replace_file(folder / f"{number:06d}.tar", buffer.getvalue())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # without a time or an owner, so that the same images make the same archive
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
