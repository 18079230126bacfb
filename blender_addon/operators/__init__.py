# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, one file per feature. They read the context, call a function, and report; logic lives elsewhere.

What needs numpy is imported when an operator runs, which keeps it out of Blender's start.
"""

from __future__ import annotations

from . import assets, commands, connect, datasets, export, folder_datasets, generate, jobs, shape, training

CLASSES = (
    *connect.CLASSES,
    *generate.CLASSES,
    *shape.CLASSES,
    *jobs.CLASSES,
    *training.CLASSES,
    *datasets.CLASSES,
    *folder_datasets.CLASSES,
    *commands.CLASSES,
    *assets.CLASSES,
    *export.CLASSES,
)
