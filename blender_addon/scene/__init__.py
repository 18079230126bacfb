# SPDX-License-Identifier: GPL-3.0-or-later
"""numpy <-> Blender data: meshes, objects, materials, assets, pictures. Functions only; nothing here keeps state."""
