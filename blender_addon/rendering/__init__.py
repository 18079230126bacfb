# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender as a renderer: engines, scene, pixels, the worker that the backend starts, and data sets.

These files run in three places: inside the add-on, in a headless Blender (`blender -b -P worker.py`) and in a Python
that has the `bpy` module. They therefore import one another relatively and know nothing of the rest of the add-on.
"""
