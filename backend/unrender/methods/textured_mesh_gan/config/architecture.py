# SPDX-License-Identifier: Apache-2.0
"""Which settings decide the shapes of the weights, so that a checkpoint of other networks is refused by their names."""

ARCHITECTURE = (
    "image_size",
    "generator.latent",
    "generator.mapping_layers",
    "generator.channels",
    "generator.texture_size",
    "generator.mesh_cells",
    "generator.pyramid",
    "generator.light",
    "background.size",
    "background.channels",
    "discriminator.channels",
    "discriminator.group",
    "views.learned",
    "views.bins",
)
"""Dotted names. `mesh_cells` shapes no weight, but what was learned is about that mesh."""
