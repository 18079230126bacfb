# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the objects of a data set come from: procedural shapes, folders of meshes, collections of a .blend file."""
