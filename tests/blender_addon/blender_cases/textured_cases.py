# SPDX-License-Identifier: Apache-2.0
"""Cases for shapes that come with a texture: object, UV map, material and packed image; undo; view sliders; files."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from tests.blender_addon.blender_cases.addon_cases import (
    covered,
    generate,
    ours,
    part,
    poll,
    previews_pending,
    served,
    session,
    settings,
)
from tests.blender_addon.blender_cases.panel_cases import shown
from tests.blender_addon.fake_server import BALL_UV, BALL_UV_FACES, ball, wait_until

OF_A_SHAPE = ("objects", "meshes", "materials", "images")


def make(count: int = 1, seed: int = 7) -> list[str]:
    """Balls, all of them selected; their names."""
    settings().model = "balls"
    job = generate(seed=seed, count=count)
    wait_until(lambda: job().status.value == "IMPORTED", poll)
    part("scene.objects").select_only(bpy.context, ours())
    bpy.context.view_layer.update()
    return [thing.name for thing in ours()]


def counts() -> dict[str, int]:
    """How many of each kind are in the file."""
    return {kind: len(getattr(bpy.data, kind)) for kind in OF_A_SHAPE}


def picture_of(name: str) -> Any:
    """The image on an object."""
    return part("scene.materials").texture_of(bpy.data.objects[name])


def pixels_of(image: Any) -> np.ndarray:
    """uint8 [H, W, 3], row 0 at the top."""
    width, height = image.size
    values = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(values)
    return np.round(values.reshape(height, width, -1)[::-1, :, :3] * 255).astype(np.uint8)


def identity(name: str) -> tuple[bytes, ...]:
    """All that a shape is: vertices, faces, UV map, the file of its picture."""
    mesh = bpy.data.objects[name].data
    vertices, faces = np.empty(3 * len(mesh.vertices), np.float32), np.empty(len(mesh.loops), np.int32)
    uv = np.empty(2 * len(mesh.loops), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.loops.foreach_get("vertex_index", faces)
    mesh.uv_layers.active.data.foreach_get("uv", uv)
    return vertices.tobytes(), faces.tobytes(), uv.tobytes(), bytes(picture_of(name).packed_file.data)


def case_a_textured_shape_comes_as_an_object_with_uv_map_material_and_packed_image() -> None:
    bpy.context.scene.cursor.location = (10.0, 20.0, 5.0)
    settings().variety = 0.5
    with served() as server:
        (name,) = make()
        (job,) = server.submissions
        sent = {"model": "balls", "seed": 7, "count": 1, "variety": 0.5}
        assert server.parameters[job] == sent, "nothing about meshing"
    assert name == "Ball 0007"
    thing = bpy.data.objects[name]
    corners = np.array([thing.matrix_world @ vertex.co for vertex in thing.data.vertices])
    assert np.allclose((corners.min(axis=0) + corners.max(axis=0))[:2] / 2, (10.0, 20.0)), "at the cursor"
    assert abs(corners[:, 2].min() - 5.0) < 1e-5
    assert thing.data.validate(verbose=True) is False, "nothing had to be repaired"
    assert all(polygon.use_smooth for polygon in thing.data.polygons)
    assert not any(edge.use_edge_sharp for edge in thing.data.edges), "though its faces meet at right angles"
    assert not getattr(thing.data, "use_auto_smooth", False)
    (layer,) = thing.data.uv_layers
    uv = np.empty(2 * len(thing.data.loops), np.float32)
    layer.data.foreach_get("uv", uv)
    assert np.array_equal(uv.reshape(-1, 3, 2), BALL_UV[BALL_UV_FACES])
    (slot,) = thing.material_slots
    assert slot.material.name == "Ball 0007"
    nodes = {node.type: node for node in slot.material.node_tree.nodes}
    shader, picture = nodes["BSDF_PRINCIPLED"], nodes["TEX_IMAGE"]
    (link,) = shader.inputs["Base Color"].links
    assert link.from_node == picture
    assert shader.inputs["Roughness"].default_value == 1.0
    specular = [socket for socket in shader.inputs if socket.name in ("Specular", "Specular IOR Level")]
    assert [socket.default_value for socket in specular] == [0.0], "no gloss beside the painted one"
    assert slot.material.node_tree.nodes.active == picture, "solid view shows it as texture"
    assert picture.extension == "EXTEND"
    image = picture.image
    assert (image.name, image.colorspace_settings.name, tuple(image.size)) == ("Ball 0007", "sRGB", (16, 16))
    assert image.packed_file is not None
    assert image.source == "FILE"
    assert np.array_equal(pixels_of(image), ball(7)["texture"])
    assert (image.users, slot.material.users, thing.data.users) == (1, 1, 1)
    mean = (ball(7)["texture"] / 255.0).mean()
    assert 0.0 < sum(slot.material.diffuse_color[:3]) / 3 < mean, "linear, for solid view"
    assert "unrender_threshold" not in thing
    assert (thing["unrender_seed"], round(thing["unrender_variety"], 3)) == (7, 0.5)
    assert thing["unrender_versions"].to_dict()["method"] == "textured_mesh_gan"


def case_one_undo_takes_all_of_a_shape_and_redo_brings_the_same_bytes() -> None:
    with served():
        settings().model = "balls"
        bpy.ops.ed.undo_push(message="before")
        before = counts()
        job = generate(count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        name = ours()[0].name
        made, pixels = identity(name), pixels_of(picture_of(name))
        assert counts() == {kind: number + 1 for kind, number in before.items()}
        bpy.ops.ed.undo()
        assert counts() == before, "nothing is left behind"
        assert ours() == []
        for _ in range(2):
            bpy.ops.ed.redo()
            assert counts() == {kind: number + 1 for kind, number in before.items()}
            assert identity(name) == made
            assert np.array_equal(pixels_of(picture_of(name)), pixels)
            assert bpy.data.objects[name].active_material.users == 1
            bpy.ops.ed.undo()
        assert counts() == before


def case_several_have_pictures_of_their_own_and_the_same_seed_again_has_numbers() -> None:
    with served():
        names = make(3)
        assert names == ["Ball 0007", "Ball 0008", "Ball 0009"]
        again = [name for name in make(1) if name not in names]
    assert again == ["Ball 0007.001"], "nothing that is there is changed"
    assert identity(again[0]) == identity("Ball 0007")
    assert len({identity(name) for name in names}) == 3
    assert {picture_of(name).name for name in (*names, *again)} == {*names, *again}
    for kind in ("materials", "images"):
        assert all(item.users == 1 for item in getattr(bpy.data, kind) if item.name.startswith("Ball"))


def case_the_picture_is_saved_with_the_file_and_left_out_with_its_object(folder: Path) -> None:
    with served():
        kept, dropped = make(2)
    before = identity(kept)
    bpy.data.meshes.remove(bpy.data.objects[dropped].data)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "balls.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(folder / "balls.blend"))
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(folder / "balls.blend"))
    assert identity(kept) == before
    assert np.array_equal(pixels_of(picture_of(kept)), ball(7)["texture"])
    assert [image.name for image in bpy.data.images if image.name.startswith("Ball")] == [kept]


def facing(name: str) -> np.ndarray:
    """The direction in the shape's own axes that looks to the viewer in front."""
    turned = bpy.data.objects[name].matrix_world.to_3x3().inverted()
    return np.round(np.array(turned.normalized() @ part("scene.turning").FRONT), 3)


def turn(**angles: float) -> None:
    """Set view sliders, in degrees, as a drag does."""
    for axis, degrees in angles.items():
        setattr(bpy.context.scene, f"unrender_{axis}", math.radians(degrees))
    bpy.context.view_layer.update()


def view() -> tuple[int, int]:
    scene = bpy.context.scene
    return round(math.degrees(scene.unrender_azimuth)), round(math.degrees(scene.unrender_elevation))


def case_view_sliders_turn_the_selected_shapes_and_do_nothing_to_identity() -> None:
    with served() as server:
        first, second, third = make(3)
        bpy.data.objects[third].select_set(False)
        before = [identity(name) for name in (first, second, third)]
        places = [tuple(bpy.data.objects[name].location) for name in (first, second)]
        bpy.data.objects[first].scale = (2.0, 2.0, 2.0)
        assert view() == (0, 0)
        turn(azimuth=90)
        assert facing(first).tolist() == facing(second).tolist() == [1, 0, 0], "its right side is in front"
        assert facing(third).tolist() == [0, -1, 0]
        assert view() == (90, 0)
        turn(azimuth=-90)
        assert facing(first).tolist() == [-1, 0, 0]
        for azimuth in (-170, -30, 0, 45, 135):
            for elevation in (-60, 0, 30, 89):
                turn(azimuth=azimuth, elevation=elevation)
                assert view() == (azimuth, elevation)
                assert (facing(first)[2] > 0) == (elevation > 0)
                up = bpy.data.objects[first].matrix_world.col[2]
                assert abs(up.x) < 1e-4, "upright"
        assert [identity(name) for name in (first, second, third)] == before, "the very same bytes"
        assert [tuple(bpy.data.objects[name].location) for name in (first, second)] == places
        assert tuple(bpy.data.objects[first].scale) == (2.0, 2.0, 2.0)
        assert server.meshes_asked == []
        turn(azimuth=0, elevation=0)
        assert np.allclose(bpy.data.objects[first].rotation_euler, 0.0, atol=1e-5)


def case_the_sliders_show_what_was_turned_by_hand_in_every_kind_of_rotation() -> None:
    with served():
        (name,) = make()
    thing = bpy.data.objects[name]
    for mode in ("XYZ", "ZYX", "YZX", "QUATERNION", "AXIS_ANGLE"):
        thing.rotation_mode = mode
        turn(azimuth=40, elevation=20)
        assert view() == (40, 20), mode
        assert np.allclose(facing(name), (0.604, -0.72, 0.342), atol=2e-3), mode
    thing.rotation_mode = "XYZ"
    thing.rotation_euler = (0.0, 0.0, math.radians(-30))
    assert view() == (30, 0)
    turn(elevation=15)
    assert view() == (30, 15), "each slider leaves the other angle"
    thing.select_set(False)
    turn(azimuth=80)
    thing.select_set(True)
    assert view() == (30, 15), "only what is selected"


def case_a_turn_is_undone_and_done_again_without_its_shape_changing() -> None:
    with served():
        (name,) = make()
    before = identity(name)
    bpy.ops.ed.undo_push(message="select")
    turn(azimuth=50)
    turn(azimuth=60, elevation=10)
    bpy.ops.ed.undo_push(message="Azimuth")  # what Blender does at the end of a drag
    bpy.ops.ed.undo()
    assert (view(), identity(name)) == ((0, 0), before)
    bpy.ops.ed.redo()
    assert (view(), identity(name)) == ((60, 10), before)


def case_another_seed_or_variety_is_another_shape_and_leaves_the_view() -> None:
    with served() as server:
        (first,) = make(seed=7)
        turn(azimuth=70, elevation=20)
        settings().variety = 1.5
        (second,) = (name for name in make(seed=8) if name != first)
        assert server.parameters[server.submissions[-1]]["variety"] == 1.5
        assert identity(first) != identity(second)
        part("scene.objects").select_only(bpy.context, [bpy.data.objects[first]])
        assert view() == (70, 20)
        part("scene.objects").select_only(bpy.context, [bpy.data.objects[second]])
        assert view() == (0, 0), "a new one shows its front"


def case_the_panel_draws_what_applies_to_textured_models_and_shapes() -> None:
    with served():
        assert settings().model == "chairs"
        of_voxels = ("threshold", "smoothing", "resolution")
        assert all(f" {word}" in shown("generate") for word in of_voxels)
        settings().model = "balls"
        text = shown("generate")
        assert not any(f" {word}" in text for word in of_voxels)
        assert "variety" in text
        assert "unrender_azimuth" not in text, "nothing is selected"
        (name,) = make()
        text = shown("generate")
        assert name in text
        assert "unrender_azimuth" in text
        assert "unrender_elevation" in text
        assert "shape_threshold" not in text
        settings().model = "chairs"
        job = generate(count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        text = shown("generate")
        assert "shape_threshold" in text
        assert "unrender_azimuth" not in text
        part("scene.objects").select_only(bpy.context, ours())
        text = shown("generate")
        assert "shape_threshold" in text
        assert "unrender_azimuth" in text


def case_shapes_lead_to_another_seed_where_the_artist_says_so() -> None:
    with served() as server:
        settings().model = "chairs"
        assert "leads" not in shown("generate"), "voxels are not blended"
        settings().leads, settings().last_seed = True, 9
        job = generate(count=2)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert [sent.get("towards") for sent in server.parameters.values()] == [None], "not of a model of voxels"
        settings().model = "balls"
        assert "last_seed" in shown("generate")
        job = generate(seed=7, count=3)
        assert job().title == "3 x balls, seed 7 to 9"
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert [sent.get("towards") for sent in server.parameters.values()] == [None, 9]
        assert settings().seed == 7, "the way is kept"
        settings().leads = False
        assert "last_seed" not in shown("generate")
        job = generate(seed=7, count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert "towards" not in list(server.parameters.values())[-1]
        assert settings().seed == 8


def case_a_solid_view_shows_the_picture_at_the_press_of_a_button() -> None:
    with served():
        make()
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    assert not bpy.context.space_data
    assert "show_textures" not in shown("generate"), "no 3D view"
    with bpy.context.temp_override(window=window, area=area):
        assert area.spaces[0].shading.color_type == "MATERIAL"
        assert "unrender.show_textures" in shown("generate")
        assert bpy.ops.unrender.show_textures() == {"FINISHED"}
        assert area.spaces[0].shading.color_type == "TEXTURE"
        assert "show_textures" not in shown("generate")
        area.spaces[0].shading.color_type = "MATERIAL"
        part("scene.objects").select_only(bpy.context, [])
        assert "show_textures" not in shown("generate")


def case_sliders_of_voxels_pass_textured_shapes_over() -> None:
    with served() as server:
        (name,) = make()
        before = identity(name)
        settings().shape_threshold = 0.3
        assert session().remeshing.problem.tag == "textured"
        assert "came with its texture" in shown("generate")
        settings().model = "chairs"
        job = generate(count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        part("scene.objects").select_only(bpy.context, ours())
        settings().shape_threshold = 0.4
        wait_until(lambda: all(session().remeshing.wanted(thing.name) is None for thing in ours()), poll)
        assert session().remeshing.problem is None
        assert [asked.model for asked in server.meshes_asked] == ["chairs"]
        assert identity(name) == before
        said = ""
        headless = part("headless")
        try:
            headless.Driver().change_meshes([name], threshold=0.3)
        except headless.HeadlessError as error:
            said = str(error)
        assert "came with its texture" in said


def case_a_damaged_texture_is_refused() -> None:
    with served() as server:
        server.behaviour.damage = lambda arrays: {
            name: array + 9 if name.startswith("uv_faces") else array for name, array in arrays.items()
        }
        settings().model = "balls"
        job = generate(count=1)
        wait_until(lambda: job().status.value == "FAILED", poll)
        assert job().problem.tag == "bad_result"
        assert (ours(), len(bpy.data.images)) == ([], 0)


def case_a_textured_shape_above_the_face_limit_is_not_offered_with_fewer() -> None:
    with served():
        settings().model = "balls"
        job = generate(count=1)
        wait_until(lambda: session().next_import() is not None, lambda: session().poll())
        import_shape = part("scene.importing").import_shape
        said = ""
        try:
            import_shape(bpy.context, session(), job().key, 0, 5)
        except part("scene.importing").ImportProblem as error:
            said, action = str(error), error.problem.action.value
        assert "8 faces" in said
        assert action == "OPEN_PREFERENCES", "its picture lies on this mesh only"
        assert counts()["images"] == 0


def render_front(folder: Path, engine: str) -> np.ndarray:
    """The scene from -Y in parallel projection, uint8 [64, 64, 3], row 0 at the top."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 1.2
    camera.location, camera.rotation_euler = (0.0, -5.0, 0.5), (math.pi / 2, 0.0, 0.0)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("white")
    if bpy.app.version < (5, 0, 0):
        scene.world.use_nodes = True
    next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND").inputs[0].default_value = (1,) * 4
    scene.render.engine = engine
    scene.render.resolution_x = scene.render.resolution_y = 64
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(folder / f"{engine.lower()}.png")
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples, scene.cycles.use_denoising = 16, False
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = pixels_of(image)
    bpy.data.images.remove(image)
    return pixels


def case_rendered_from_the_front_the_picture_is_neither_mirrored_nor_upside_down(folder: Path) -> None:
    with served():
        make()
    seen = render_front(folder, "CYCLES").astype(int)
    upper_left, upper_right = seen[24, 24], seen[24, 40]
    lower_left, lower_right = seen[40, 24], seen[40, 40]
    assert upper_left[0] > upper_left[1:].max() + 60, upper_left
    assert upper_right[1] > max(upper_right[0], upper_right[2]) + 60, upper_right
    assert lower_left[2] > lower_left[:2].max() + 60, lower_left
    assert lower_right.min() > 150, lower_right
    turn(azimuth=180)
    back = render_front(folder, "CYCLES").astype(int)
    assert 60 < back[24, 40][0] < upper_left[0] - 40, "the outer half of red, on the other side from behind"
    assert back[24, 40][0] > back[24, 40][1:].max() + 40


def case_exported_files_carry_the_picture(folder: Path) -> None:
    with served():
        make()
    assert bpy.ops.unrender.export(directory=str(folder), file_format="GLB") == {"FINISHED"}
    content = (folder / "ball_0007.glb").read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    scene = json.loads(content[20 : 20 + length])
    assert "TEXCOORD_0" in scene["meshes"][0]["primitives"][0]["attributes"]
    (material,) = scene["materials"]
    assert "baseColorTexture" in material["pbrMetallicRoughness"]
    (image,) = scene["images"]
    view_of_bytes = scene["bufferViews"][image["bufferView"]]
    start = 20 + length + 8 + view_of_bytes.get("byteOffset", 0)
    assert content[start : start + 8] == b"\x89PNG\r\n\x1a\n"
    before = picture_of("Ball 0007").filepath_raw
    assert bpy.ops.unrender.export(directory=str(folder / "obj"), file_format="OBJ") == {"FINISHED"}
    assert picture_of("Ball 0007").filepath_raw == before
    assert sorted(path.name for path in (folder / "obj").iterdir()) == [
        "ball_0007.mtl",
        "ball_0007.obj",
        "ball_0007.png",
    ]
    (line,) = [line for line in (folder / "obj" / "ball_0007.mtl").read_text().splitlines() if "map_Kd" in line]
    assert line.split()[-1] == "ball_0007.png", line
    assert (folder / "obj" / "ball_0007.png").read_bytes() == bytes(picture_of("Ball 0007").packed_file.data)


def case_as_an_asset_its_preview_has_its_colours() -> None:
    with served():
        make()
    assert bpy.ops.unrender.mark_asset() == {"FINISHED"}
    wait_until(lambda: not previews_pending(), poll)
    (thing,) = ours()
    assert covered(thing) > 0.1
    assert "threshold" not in thing.asset_data.description
    assert "seed 7" in thing.asset_data.description
    preview = thing.preview_ensure()
    width, height = preview.image_size
    pixels = np.empty(width * height * 4, np.float32)
    preview.image_pixels_float.foreach_get(pixels)
    seen = pixels.reshape(height, width, 4)[::-1]
    red, green, blue = (seen[..., channel] for channel in range(3))
    columns = np.arange(width)
    of_red, of_green = (red > green + 0.3) & (blue < 0.2), (green > red + 0.3) & (blue < 0.2)
    assert of_red.mean() > 0.02
    assert of_green.mean() > 0.02
    assert (of_red * columns).sum() / of_red.sum() < (of_green * columns).sum() / of_green.sum(), "red is on the left"
    assert (np.minimum(np.minimum(red, green), blue) > 0.9).mean() > 0.02, "white, below and in front"
