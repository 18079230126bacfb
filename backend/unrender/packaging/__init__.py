# SPDX-License-Identifier: Apache-2.0
"""The add-on as zips that a user gives to Blender, and their installation into the Blenders of this computer."""

from unrender.packaging.build import BuiltPackage, PackageKind, build_packages

__all__ = ["BuiltPackage", "PackageKind", "build_packages"]
