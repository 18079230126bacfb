# SPDX-License-Identifier: Apache-2.0
"""How good a trained textured-mesh GAN is: pictures against pictures, identity against view, shapes against shapes."""
