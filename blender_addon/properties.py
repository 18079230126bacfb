# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist sets in the panel, and how operators and panels find the session and its pictures.

All of it hangs on the window manager, never on a scene: nothing here is saved, makes a file dirty, or is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .connection.curves import FID, KID, LOSSES
from .connection.datasets import CLASSES as SHAPE_CLASSES
from .connection.datasets import OBJECTS, rendered_dataset
from .connection.training import method_named, trained_model, training_methods, training_presets
from .naming import free_name, name_from_folder, plural
from .shape_settings import RESOLUTIONS, resolution_choice, slider

if TYPE_CHECKING:
    from .connection.folder_render import FolderRenderer
    from .connection.session import Session
    from .connection.states import ModelCard
    from .pictures import Pictures
    from .runtime import Runtime
    from .scene.asset_previews import AssetPreviews

NO_MODEL = "NONE"
LARGEST_SEED = 2**31 - 1
TRAIN_SOURCES = (
    ("PHOTOS", "Photos", "A folder of photos on this computer"),
    ("OBJECTS", "Objects", "The selected objects: the generator renders them from many sides"),
    ("DATASET", "Data Set", "A data set that was rendered at the generator"),
)
DATASET_SOURCES = (
    *((name, name.capitalize(), f"Made by rules, each one different: {name}") for name in SHAPE_CLASSES),
    (OBJECTS, "Selected objects", "The selected mesh objects, as their modifiers make them"),
)
INTO_FOLDER = "FOLDER"
DATASET_TARGETS = (
    ("TRAINING", "For Training", "The generator renders shapes, and keeps the images to train on"),
    (INTO_FOLDER, "Into a Folder", "A Blender of its own renders your objects into a folder; needs no generator"),
)
FOLDER_SOURCES = (
    ("SELECTED", "Selected objects", "The selected objects and what is parented to them"),
    ("COLLECTION", "Collection", "All objects of a collection that renders show"),
)
FOLDER_CAMERAS = (
    ("iggan", "From all sides", "Random directions all round, from somewhat below to high above"),
    ("above", "From above", "Random directions all round, always from above"),
    ("turntable", "Turntable", "Evenly spaced all round"),
    ("sphere", "Whole sphere", "Random directions, also from straight above and below"),
)
TRAIN_CAMERAS = (
    ("iggan", "From all sides", "Random directions all round, from somewhat below to high above"),
    ("above", "From above", "Random directions all round, always from above"),
    ("limited", "From the front", "Random directions up to 60 degrees to either side, from above"),
)
FOLDER_ENGINES = (
    ("cycles", "Cycles", "Has all passes"),
    ("eevee", "EEVEE", "Fast with a graphics card; has no part numbers"),
    ("workbench", "Workbench", "Very fast, without materials; has outline and depth only"),
)
FOLDER_DEVICES = (
    ("cpu", "CPU", "Render with the processor"),
    ("auto", "GPU", "Render with the graphics card where Cycles can use it, otherwise with the processor"),
)
FOLDER_PASSES = (
    ("mask", "Mask", "Where the object is, as PNG"),
    ("depth", "Depth", "Distance from the camera, as EXR"),
    ("normal", "Normals", "Directions of the surface as the camera sees them, as EXR"),
    ("index", "Parts", "A number for each part of the object, as PNG"),
    ("flow", "Flow", "Where each pixel moves to in the next view, as EXR"),
)


TRAIN_CURVES = (
    (KID, "KID", "How far the pictures of the model are from yours; lower is better"),
    (FID, "FID", "The same by another measure, which more people know; lower is better"),
    (LOSSES, "Losses", "What generator and discriminator still get wrong; neither should vanish"),
)


def _model_items(_self: bpy.types.PropertyGroup, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    return model_items(get_session(context))


def _method_items(_self: bpy.types.PropertyGroup, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    session = get_session(context)
    wanted = [(method.name, method.title, method.description) for method in training_methods(session)]
    return _kept(session, "methods", wanted)


def _preset_items(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    session = get_session(context)
    method = method_named(session, settings.train_method)
    presets = training_presets(session, method, pictures_of(settings.train_source))
    return _kept(session, "presets", [(preset.name, preset.name, preset.description) for preset in presets])


def _kept(session: Session, name: str, wanted: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The texts of a drop-down, of which Blender keeps no copy: the same list as long as they are the same."""
    if session.shown_items.get(name) != wanted:
        session.shown_items[name] = wanted
    return session.shown_items[name]


def pictures_of(source: str) -> str:
    """What a training from one of TRAIN_SOURCES looks at: "photos" or "renders"."""
    return "photos" if source == "PHOTOS" else "renders"


def _forget_preset(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    settings.property_unset("train_preset")  # which is the first of the list: the one that suits source and method


def _dataset_names(_self: bpy.types.PropertyGroup, context: bpy.types.Context, _text: str) -> list[str]:
    return dataset_names(get_session(context))


def _folder_chosen(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    wanted = name_from_folder(settings.train_folder, "my-model")
    settings.train_name = free_name(wanted, taken_names(get_session(context)))


def _dataset_chosen(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    if settings.train_dataset:
        settings.train_name = free_name(settings.train_dataset, taken_names(get_session(context)))


def _dataset_source_chosen(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    settings.dataset_name = free_name(plural(settings.dataset_source), dataset_names(get_session(context)))


class UNRENDER_PG_settings(bpy.types.PropertyGroup):
    model: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Model", description="What is generated", items=_model_items
    )
    seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Seed", description="The same seed always gives the same shape", default=1, min=0, max=LARGEST_SEED
    )
    seed_locked: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep seed", description="Generate the same shapes again instead of new ones"
    )
    leads: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Lead to", description="The shapes lead in equal steps from the one of the seed to that of another one"
    )
    last_seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Last seed", description="Where the shapes lead to", default=2, min=0, max=LARGEST_SEED
    )
    count: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Count", description="How many shapes, with one seed after the other", default=9, min=1, max=64
    )
    variety: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Variety",
        description="Low: all much like the typical shape. High: unusual, sometimes broken ones",
        default=1.0,
        min=0.0,
        max=2.0,
        subtype="FACTOR",
    )
    threshold: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Threshold",
        description="Low: fuller shapes. High: thinner ones",
        default=0.5,
        min=0.05,
        max=0.95,
        subtype="FACTOR",
    )
    smoothing: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Smoothing",
        description="How much of the steps of the voxels is taken off",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    resolution: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Resolution", description="How fine the mesh is", items=RESOLUTIONS
    )
    shape_threshold: slider(  # type: ignore[valid-type]
        "threshold",
        name="Threshold",
        description="Of the selected shapes, at once. Low: fuller. High: thinner",
        low=0.05,
        high=0.95,
    )
    shape_smoothing: slider(  # type: ignore[valid-type]
        "smoothing",
        name="Smoothing",
        description="How much of the steps of the voxels is taken off the selected shapes",
        low=0.0,
        high=1.0,
    )
    shape_resolution: resolution_choice(  # type: ignore[valid-type]
        name="Resolution", description="How fine the meshes of the selected shapes are"
    )
    train_source: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Learn from", description="What the new model learns from", items=TRAIN_SOURCES, update=_forget_preset
    )
    train_method: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Method", description="How the new model learns", items=_method_items, update=_forget_preset
    )
    train_folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Folder",
        description="Folder with photos of one kind of thing; folders in it count",
        subtype="DIR_PATH",
        update=_folder_chosen,
    )
    train_dataset: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Data set",
        description="Name of a data set at the generator",
        search=_dataset_names,
        update=_dataset_chosen,
    )
    train_name: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Name", description="What the new model is called: letters, digits, - and _", default="my-model"
    )
    train_preset: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Preset", description="Size, length and settings of the training", items=_preset_items
    )
    train_objects: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Objects", description="Which objects are learned from", items=FOLDER_SOURCES
    )
    train_collection: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Collection", description="The collection whose objects are learned from"
    )
    train_images: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Images",
        description="How many images of all of them together are rendered",
        default=2000,
        min=16,
        max=20_000,
    )
    train_cameras: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Seen", description="Where the camera stands", items=TRAIN_CAMERAS
    )
    train_curve: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Curve", description="What is drawn of the training", items=TRAIN_CURVES
    )
    train_settings: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Settings",
        description="Settings of the preset to change, such as total_images=20000 renderer.samples=2",
    )
    dataset_source: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Shapes", description="What is rendered", items=DATASET_SOURCES, update=_dataset_source_chosen
    )
    dataset_count: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Shapes", description="How many different shapes", default=200, min=1, max=100_000
    )
    dataset_views: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Views", description="Images of each shape, each from another side", default=4, min=1, max=1000
    )
    dataset_size: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Size", description="Width and height of an image in pixels", default=64, min=16, max=1024
    )
    dataset_colours: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Colours", description="As Textured mesh learns them; without, all shapes are white"
    )
    dataset_name: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Name", description="What the data set is called: letters, digits, - and _", default="chairs"
    )
    dataset_target: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Render", description="What the images are for", items=DATASET_TARGETS
    )
    folder_source: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Objects", description="What is rendered", items=FOLDER_SOURCES
    )
    folder_collection: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Collection", description="The collection whose objects are rendered"
    )
    folder_views: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Views", description="Images of each object, each from another side", default=8, min=1, max=10_000
    )
    folder_size: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Size", description="Width and height of an image in pixels", default=256, min=8, max=4096
    )
    folder_samples: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Samples", description="Per pixel: more give less noise and take longer", default=32, min=1, max=4096
    )
    folder_cameras: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Seen", description="Where the camera stands", items=FOLDER_CAMERAS
    )
    folder_engine: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Engine", description="What renders the images", items=FOLDER_ENGINES
    )
    folder_device: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Device", description="What Cycles renders with", items=FOLDER_DEVICES
    )
    folder_passes: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Passes", description="What is written beside the colours", items=FOLDER_PASSES, options={"ENUM_FLAG"}
    )
    folder_path: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Folder", description="A new folder for the images", subtype="DIR_PATH"
    )


def get_session(context: bpy.types.Context) -> Session:
    """The session of this Blender; there is one as long as the add-on is enabled."""
    return context.window_manager.unrender_session


def get_folder_renderer(context: bpy.types.Context) -> FolderRenderer:
    """What renders data sets into folders."""
    return context.window_manager.unrender_folder_renderer


def get_pictures(context: bpy.types.Context) -> Pictures:
    """The pictures that panels show."""
    return context.window_manager.unrender_pictures


def get_asset_previews(context: bpy.types.Context) -> AssetPreviews:
    """The pictures of assets that are being made."""
    return context.window_manager.unrender_asset_previews


def get_settings(context: bpy.types.Context) -> UNRENDER_PG_settings:
    """What is set in the panel."""
    return context.window_manager.unrender


def chosen_card(context: bpy.types.Context) -> ModelCard | None:
    """The model in the drop-down as the generator describes it; None while there is none."""
    server = get_session(context).state.server
    name = get_settings(context).model
    return next((card for card in server.models if card.name == name), None) if server else None


def model_items(session: Session) -> list[tuple[str, str, str]]:
    """The models for a drop-down."""
    models = session.state.server.models if session.state.server else ()
    wanted = [(model.name, model.name, model.description) for model in models] or [
        (NO_MODEL, "No model", "Connect first")
    ]
    return _kept(session, "models", wanted)


def dataset_names(session: Session) -> list[str]:
    """The data sets at the generator: those that it named when it was asked last, and those rendered since."""
    known = session.state.server.datasets if session.state.server else ()
    rendered = (rendered_dataset(job) for job in session.jobs.values())
    return sorted({*known, *(name for name in rendered if name)})


def taken_names(session: Session) -> set[str]:
    """Names that a new model cannot have: those of models, and of trainings in the list."""
    models = session.state.server.models if session.state.server else ()
    return {model.name for model in models} | {trained_model(job) for job in session.jobs.values()}


def attach(runtime: Runtime) -> None:
    """Hang the settings on the window manager, and what the runtime makes on first use: session, pictures, timer."""
    manager = bpy.types.WindowManager
    manager.unrender = bpy.props.PointerProperty(type=UNRENDER_PG_settings)
    manager.unrender_runtime = runtime
    manager.unrender_session = property(lambda _: runtime.session)
    manager.unrender_folder_renderer = property(lambda _: runtime.folder_renderer)
    manager.unrender_pictures = property(lambda _: runtime.pictures)
    manager.unrender_asset_previews = property(lambda _: runtime.asset_previews)
    manager.unrender_ticker = property(lambda _: runtime.ticker)


def detach() -> None:
    """Take all of them away again, and end what they do."""
    manager = bpy.types.WindowManager
    manager.unrender_runtime.close()
    del manager.unrender_ticker
    del manager.unrender_asset_previews
    del manager.unrender_pictures
    del manager.unrender_folder_renderer
    del manager.unrender_session
    del manager.unrender_runtime
    del manager.unrender


CLASSES = (UNRENDER_PG_settings,)
