# SPDX-License-Identifier: Apache-2.0
"""A real Blender window on a screen of its own, used by real mouse and key events.

Shared by the tests marked `gui` and by `scripts/make_screenshots.py`. Linux with Xvfb, xdotool and Blender; what is
shown is drawn by the processor, so every machine shows the same.
"""
