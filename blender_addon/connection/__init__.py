# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the generator: a pure state machine, a thread that owns the sockets, a supervised child. No bpy here."""
