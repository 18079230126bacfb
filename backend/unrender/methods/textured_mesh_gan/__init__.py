# SPDX-License-Identifier: Apache-2.0
"""The textured-mesh GAN of Szabo et al.: shape, texture and background from plain photographs.

Nothing is imported here: whoever generates shapes does not wait for what trains them.
"""
