# SPDX-License-Identifier: Apache-2.0
"""IG-GAN and its baselines: one generator, one discriminator, several ways through a renderer.

Its doors, which is all that other rooms of the house import:

config       settings and presets: `VoxelGanConfig`, `load_config`, `preset_names`
sampling     shapes from what was trained: `read_model_config`, `load_generator`, `sample_occupancy`
training     `train`, from pictures or objects to a run
method       `VoxelGan`, for programs with a loop of their own: it is built from a `BlackBox` and an `Evaluation`
pictures     where pictures come from: black box and training pictures
measuring    what `unrender evaluate` does

Behind them: `game` (the updates that play against one another), `proxy` (how it learns, and how its gradient is set
right), `gradients` (from a grid to the proxy and back) and `networks`. An import only goes down, in this order:
measuring | training, method, proxy, game, gradients | sampling, pictures | networks, config.

Nothing is imported here: whoever generates shapes does not wait for what trains them.
"""
