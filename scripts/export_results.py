# SPDX-License-Identifier: Apache-2.0
"""Copy what a finished run shows into a folder: settings, evaluations, newest sample sheet, shapes from every side.

python scripts/export_results.py RUN docs/results/iggan_chairs
"""

import argparse
import shutil
from pathlib import Path

from PIL import Image

from unrender.methods.models import find_model
from unrender.methods.voxel_gan.measuring.turnaround import render_turnaround
from unrender.training.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=7, help="of the first shape that is turned")
    parser.add_argument("--count", type=int, default=6, help="shapes that are turned")
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    arguments.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(run.config_path, arguments.out / "config.toml")
    shutil.copy(run.metrics_path, arguments.out / "metrics.jsonl")
    newest = run.newest_sample()
    if newest is None:
        parser.error(f"{run.path} has no sample sheet yet: let it train until the first one is written")
    shutil.copy(newest, arguments.out / "samples.png")
    turned = render_turnaround(find_model(str(run.path)), arguments.seed, arguments.count)
    Image.fromarray(turned).save(arguments.out / "turnaround.png")
    print(f"{arguments.out}: config.toml, metrics.jsonl, samples.png ({newest.stem}), turnaround.png")


if __name__ == "__main__":
    main()
