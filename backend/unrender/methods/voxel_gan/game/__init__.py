# SPDX-License-Identifier: Apache-2.0
"""The game of generator and discriminator: who sees which image, and what is learned from it."""
