# SPDX-License-Identifier: Apache-2.0
"""The trainings behind docs/results/iggan.md, and its tables: `python -m scripts.iggan_tables --help`."""
