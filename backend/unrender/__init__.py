# SPDX-License-Identifier: Apache-2.0
"""Unrender: 3D shapes from plain pictures."""

__version__ = "0.1.0"
