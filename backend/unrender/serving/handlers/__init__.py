# SPDX-License-Identifier: Apache-2.0
"""The kinds of jobs that clients may ask for, each in a module of its own.

A closed list; no parameter is ever a path or code.
"""

from unrender.serving.handlers.generate import GenerateParameters, generate, shape_name
from unrender.serving.handlers.render_dataset import RenderDatasetParameters, render_dataset
from unrender.serving.handlers.train import TrainParameters, newest_of_training, train
from unrender.serving.job_kinds import JobKind, JobKinds

__all__ = ["GenerateParameters", "RenderDatasetParameters", "TrainParameters", "job_kinds", "shape_name"]


def job_kinds() -> JobKinds:
    """All kinds of jobs of this program, by name.

    A data set has a lane of its own: behind a training it would wait for hours, and beside one both only get slower.
    """
    return {
        "generate": JobKind(
            GenerateParameters,
            generate,
            lane="short",
            stays_warm=True,
            preload=(
                "unrender.methods.voxel_shapes",
                "unrender.methods.voxel_gan.sampling",
                "unrender.methods.textured_mesh_gan.sampling",
            ),
        ),
        "render_dataset": JobKind(RenderDatasetParameters, render_dataset, lane="rendering", silence_limit=1200.0),
        "train": JobKind(
            TrainParameters, train, lane="long", saves=True, silence_limit=3600.0, show=newest_of_training
        ),
    }
