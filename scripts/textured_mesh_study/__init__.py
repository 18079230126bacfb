# SPDX-License-Identifier: Apache-2.0
"""The trainings behind docs/results/textured_mesh_gan.md: `python -m scripts.textured_mesh_study --help`."""
