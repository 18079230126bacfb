# SPDX-License-Identifier: Apache-2.0
"""Meshes that can be used: extraction from voxels, clean-up, decimation, export."""

from unrender.meshing.clean_up import clean_up
from unrender.meshing.decimation import decimate
from unrender.meshing.export import EXPORT_FORMATS, export_mesh
from unrender.meshing.extraction import FINEST, MeshSettings, voxels_to_mesh
from unrender.meshing.topology import is_watertight, signed_volume

__all__ = [
    "EXPORT_FORMATS",
    "FINEST",
    "MeshSettings",
    "clean_up",
    "decimate",
    "export_mesh",
    "is_watertight",
    "signed_volume",
    "voxels_to_mesh",
]
