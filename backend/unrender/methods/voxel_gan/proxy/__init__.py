# SPDX-License-Identifier: Apache-2.0
"""The imitation of the black box: pre-training, its updates in the game, and the correction of its gradient."""
