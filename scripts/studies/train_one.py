# SPDX-License-Identifier: Apache-2.0
"""One training, in a process of its own: started by the runner.

python -m scripts.studies.train_one STUDY_FOLDER METHOD PRESET DATA TRAINING KEY=VALUE...

DATA: folder of pictures, or nothing.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from unrender.cli.console import long_work
from unrender.errors import CancelledError, DivergedError
from unrender.methods import train
from unrender.training.run_folder import RunFolder

_CANCELLED = 130


def main() -> int:
    folder, method, preset, data, training, *settings = sys.argv[1:]
    out = Path(folder) / "runs" / training
    run = RunFolder(out)
    fresh = not run.exists()
    diverged = ""
    started = time.process_time()
    with long_work() as work:
        try:
            train(
                method,
                preset,
                Path(data) if data else None,
                out,
                tuple(settings) if fresh else (),
                resume=not fresh,
                progress=work.progress,
                cancelled=work.cancelled,
            )
        except CancelledError:
            return _CANCELLED
        except DivergedError as error:
            diverged = str(error)
    seconds: float = run.metrics()[-1]["seconds"]
    figures: dict[str, Any] = {"training": training, "preset": preset, "settings": settings, "diverged": diverged}
    figures["process_seconds"] = round(time.process_time() - started, 1)  # of the last piece, without Blender
    figures["minutes"] = round(seconds / 60.0, 2)
    sheet = run.newest_sample()
    if sheet is not None:
        target = Path(folder) / "sheets" / f"{training}.png"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(sheet, target)
    with (Path(folder) / "trained.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
