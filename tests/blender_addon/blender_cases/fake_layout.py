# SPDX-License-Identifier: Apache-2.0
"""A layout that notes what a panel draws, and refuses unknown icons, properties and operators, as Blender's does."""

from __future__ import annotations

from typing import Any

import bpy

FUNCTIONS = bpy.types.UILayout.bl_rna.functions
PROPERTIES = {item.identifier for item in bpy.types.UILayout.bl_rna.properties}
PYTHON_ONLY = {"translate", "text_ctxt"}  # parameters that the description of the functions leaves out
GIVE_LAYOUTS = {"row", "column", "box", "split", "grid_flow", "column_flow"}


class CheckedLayout:
    """Any function of a layout, with the arguments that Blender knows; what is drawn is appended to `shown`."""

    def __init__(self, shown: list[str]) -> None:
        object.__setattr__(self, "shown", shown)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in PROPERTIES, f"a layout has no {name}"

    def __getattr__(self, name: str) -> Any:
        assert name in FUNCTIONS, f"a layout has no {name}()"
        known = {item.identifier: item for item in FUNCTIONS[name].parameters}

        def drawn(*positional: Any, **named: Any) -> Any:
            for key, value in named.items():
                assert key in known or key in PYTHON_ONLY, f"{name}() has no {key}"
                if key == "icon":
                    assert value in known["icon"].enum_items, f"there is no icon {value}"
            self.shown.append(" ".join(str(value) for value in (*positional, *named.values())))
            if name.startswith("prop"):
                assert positional[1] in positional[0].bl_rna.properties, f"there is no property {positional[1]}"
            if name.startswith("operator"):
                return CheckedButton(positional[0])
            return CheckedLayout(self.shown) if name in GIVE_LAYOUTS else None

        return drawn


class CheckedButton:
    """The properties of an operator's button, which must be the operator's."""

    def __init__(self, operator: str) -> None:
        module, _, name = operator.partition(".")
        kind = getattr(getattr(bpy.ops, module), name).get_rna_type()
        object.__setattr__(self, "known", {item.identifier: item for item in kind.properties})

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.known, f"the operator has no {name}"
        if self.known[name].type == "ENUM" and len(self.known[name].enum_items):
            assert value in self.known[name].enum_items, f"{name} cannot be {value}"


def draw(panel: Any) -> str:
    """What a panel shows, as text; wrapped sentences are joined again. Empty where its poll says no."""
    if hasattr(panel, "poll") and not panel.poll(bpy.context):
        return ""
    shown: list[str] = []
    stand_in = type("Panel", (), {"layout": CheckedLayout(shown)})()
    if hasattr(panel, "draw_header_preset"):
        panel.draw_header_preset(stand_in, bpy.context)
    panel.draw(stand_in, bpy.context)
    return " ".join(shown).replace(" False", "").replace(" BLANK1", "").replace(" ERROR", "")
