# SPDX-License-Identifier: Apache-2.0
"""The data sets of IG-GAN (section 4.2): how many objects, how many views of each, and from where."""

from dataclasses import dataclass
from typing import Any, Literal

from unrender.errors import ConfigurationError

PaperSet = Literal["500", "one_per_model", "unlimited"]

_OBJECTS_AND_VIEWS = {"chair": (6777, 1), "couch": (3173, 1), "bathtub": (856, 4)}
_SYNONYMS = {"sofa": "couch", "tub": "bathtub", "bath": "bathtub"}
_FROM_ABOVE = ("couch", "bathtub")
_CHAIRS_ELEVATION, _ABOVE_ELEVATION = (-30.0, 60.0), (15.0, 60.0)  # degrees


@dataclass(frozen=True, slots=True)
class SetSize:
    """objects: None for all that there are. rerender: from a new view in every pass."""

    objects: int | None
    views_per_object: int
    rerender: bool


def set_size(name: PaperSet, category: str, is_folder: bool) -> SetSize:
    """The size of a set of the paper, for a class of objects; of a folder's objects all are taken, but for "500".

    Raises ConfigurationError for a procedural class that the paper has no size for.
    """
    if name == "500":
        return SetSize(500, 1, False)
    known = _OBJECTS_AND_VIEWS.get(_SYNONYMS.get(category, category))
    if is_folder:
        objects, views = None, (known[1] if known else 1)
    elif known is None:
        raise ConfigurationError(
            f"data.set is {name!r}, but its size is known for {', '.join(_OBJECTS_AND_VIEWS)} only, not for "
            f"{category!r}.",
            "Set data.objects, data.views_per_object and data.rerender instead.",
        )
    else:
        objects, views = known
    return SetSize(objects, views, False) if name == "one_per_model" else SetSize(objects, 1, True)


def known_views(category: str) -> dict[str, Any]:
    """The paper's law of views for a class of objects, as settings of a training by their dotted names."""
    category = _SYNONYMS.get(category, category)
    if category in _FROM_ABOVE:
        return {"views.elevation_degrees": list(_ABOVE_ELEVATION)}
    return {"views.elevation_degrees": list(_CHAIRS_ELEVATION)} if category == "chair" else {}
