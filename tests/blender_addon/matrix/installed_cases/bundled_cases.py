# SPDX-License-Identifier: Apache-2.0
"""Cases for the first minute after Blender's start: what was loaded, and from where. Run before all others."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import bpy

PACKAGE = "bl_ext.user_default.unrender"
LIBRARIES = ("zmq", "msgpack", "unrender_protocol")


def installed_in() -> Path:
    return Path(os.environ["BLENDER_USER_RESOURCES"]).resolve() / "extensions"


def case_1_enabling_loads_none_of_the_libraries() -> None:
    assert sys.flags.isolated, "a PYTHONPATH would hide a library that is missing"
    assert PACKAGE in sys.modules
    assert not [name for name in LIBRARIES if name in sys.modules]


def case_2_the_libraries_are_the_ones_that_came_with_the_extension() -> None:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    wheels = installed_in() / ".local" / "lib" / python / "site-packages"
    for name in LIBRARIES:
        module = importlib.import_module(name)
        assert Path(module.__file__).resolve().is_relative_to(wheels), module.__file__
    addon = sys.modules[PACKAGE]
    assert Path(addon.__file__).resolve().is_relative_to(installed_in() / "user_default" / "unrender")


def case_3_the_preferences_are_kept_under_the_extensions_name() -> None:
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    assert preferences.bl_rna.identifier == "UNRENDER_AP_preferences"
    assert preferences.location == "LOCAL"
