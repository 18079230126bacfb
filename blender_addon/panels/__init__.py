# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "Unrender" in the side panel of the 3D view. `draw` shows what the session holds, and computes nothing."""

from __future__ import annotations

from . import datasets, generate, jobs, status, train

CLASSES = (*status.CLASSES, *generate.CLASSES, *train.CLASSES, *datasets.CLASSES, *jobs.CLASSES)
