# SPDX-License-Identifier: Apache-2.0
"""The textured-mesh GAN of Szabo et al.: shape, texture and background from plain photographs.

Its doors, which is all that other rooms of the house import:

config         settings and presets: `TexturedMeshGanConfig`, `load_config`, `preset_names`
sampling       objects from what was trained: `read_model_config`, `load_generator`, `sample_shape`
picture_maker  pictures of scenes, with gradients; `views` where they are taken from
training       `train`, from pictures to a run
method         `TexturedMeshGan`, for programs with a loop of their own
measuring      what `unrender evaluate` does

Behind them: `painter` (the generator's update), `critic` (the discriminator's), `monitors` and `collapse` (how a
training fails, and when that is said), `examiner` (sheets and scores), `players`, `networks` and `scene`.

Nothing is imported here: whoever generates shapes does not wait for what trains them.
"""
