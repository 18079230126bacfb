# SPDX-License-Identifier: Apache-2.0
"""What the pages of results share: trainings that go on where they stopped, and tables of what they came to."""
