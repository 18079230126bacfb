# SPDX-License-Identifier: Apache-2.0
"""`scripts/render_dataset.py` in Blender: files of every format, bad ones among them, passes, resuming, exit codes."""

import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from blender_addon.rendering.dataset_flags import read_flags
from blender_addon.rendering.exr import read_exr
from blender_addon.rendering.manifest import DatasetError

# The letter F, which no mirror image of itself equals: boxes in the XY plane, Y up, seen from +Z.
BOXES = [
    ((-0.4, -0.5, -0.1), (-0.2, 0.5, 0.1)),
    ((-0.2, 0.3, -0.1), (0.4, 0.5, 0.1)),
    ((-0.2, -0.05, -0.1), (0.2, 0.15, 0.1)),
]
COLOURS = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
FORMATS = ("binvox", "glb", "obj", "off", "ply", "stl")
PASSES = "rgb,mask,depth,normal,normal_world,index,flow"


def write_meshes(folder: Path) -> None:
    """The F in every format, with its colours where the format has any."""
    folder.mkdir()
    parts = [trimesh.creation.box(bounds=bounds) for bounds in BOXES]
    scene = trimesh.Scene()
    lines, first = ["mtllib f.mtl"], 1
    for index, (part, colour) in enumerate(zip(parts, COLOURS, strict=True)):
        material = trimesh.visual.material.PBRMaterial(baseColorFactor=colour, metallicFactor=0.0, roughnessFactor=1.0)
        shown = part.copy()
        shown.visual = trimesh.visual.TextureVisuals(material=material)
        scene.add_geometry(shown, node_name=f"part{index}")
        lines += [f"o part{index}", *(f"v {x} {y} {z}" for x, y, z in part.vertices), f"usemtl colour{index}"]
        lines += [f"f {a} {b} {c}" for a, b, c in part.faces + first]
        first += len(part.vertices)
    scene.export(folder / "f_glb.glb")
    (folder / "f_obj.obj").write_text("\n".join(lines) + "\n")
    kinds = [f"newmtl colour{i}\nKd {r / 255} {g / 255} {b / 255}\n" for i, (r, g, b, _) in enumerate(COLOURS)]
    (folder / "f.mtl").write_text("".join(kinds))
    whole = trimesh.util.concatenate(parts)
    whole.vertices = whole.vertices @ Z_UP.T
    for kind in ("stl", "off"):
        whole.export(folder / f"f_{kind}.{kind}")
    whole.visual.vertex_colors = np.repeat(np.array(COLOURS, np.uint8), 8, axis=0)
    whole.export(folder / "f_ply.ply")
    (folder / "f_binvox.binvox").write_bytes(_binvox(32))


def _binvox(sides: int) -> bytes:
    middles = (np.arange(sides) + 0.5) / sides - 0.5
    grid = np.zeros((sides,) * 3, bool)
    for low, high in BOXES:
        x, y, z = ((middles > a) & (middles < b) for a, b in zip(low, high, strict=True))
        grid |= x[:, None, None] & y[None, :, None] & z[None, None, :]
    values = grid.transpose(0, 2, 1).ravel().astype(np.uint8)
    header = f"#binvox 1\ndim {sides} {sides} {sides}\ntranslate 0 0 0\nscale 1\ndata\n".encode()
    return header + np.stack([values, np.ones_like(values)], axis=1).tobytes()


def write_bad_meshes(folder: Path) -> None:
    (folder / "bad_empty.obj").write_text("")
    (folder / "bad_faceless.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    (folder / "bad_nan.off").write_text("OFF\n3 1 0\nnan 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    (folder / "bad_glb.glb").write_bytes(b"glTF and then rubbish" * 9)
    (folder / "bad_ply.ply").write_text("ply\nformat ascii 1.0\nelement vertex 3\nend_header\nx\n")
    huge = trimesh.creation.box(extents=(1e30, 2e30, 3e30))
    huge.export(folder / "huge.obj")


def run(*flags: object, program: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [*program, *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def bpy_door(blender_python: Path, checkout: Path) -> list[str]:
    return [str(blender_python), str(checkout / "scripts" / "render_dataset.py")]


@pytest.fixture(scope="module")
def meshes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources") / "letters"
    write_meshes(folder)
    return folder


FLAGS = ("--views", 4, "--cameras", "turntable", "--size", 48, "--samples", 8, "--passes", PASSES, "--threads", 1)


@pytest.fixture(scope="module")
def whole(bpy_door: list[str], meshes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All letters with all passes, rendered in one go."""
    out = tmp_path_factory.mktemp("whole") / "set"
    done = run("--source", meshes, *FLAGS, "--out", out, "--writer", "coco,webdataset", program=bpy_door)
    assert done.returncode == 0, done.stderr
    return out


def records(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def digests(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def picture(out: Path, record: dict) -> np.ndarray:
    return np.asarray(Image.open(out / record["file"]), np.float32)


def exr(out: Path, record: dict, name: str) -> np.ndarray:
    (pixels,) = read_exr(out / record["passes"][name]).values()
    return pixels


def test_every_format_stands_upright_and_is_not_mirrored(whole: Path) -> None:
    fronts = {record["name"]: record for record in records(whole) if record["index"] % 4 == 0}
    assert set(fronts) == {f"f_{kind}" for kind in FORMATS}
    reference = picture(whole, fronts["f_stl"])[..., 3] > 127
    halves = reference[:24].sum(), reference[24:].sum(), reference[:, :24].sum(), reference[:, 24:].sum()
    assert halves[0] > 1.5 * halves[1]  # more ink above
    assert reference[:, :12].sum() < reference[30:, 24:].sum() + reference[:, 12:20].sum()
    stem = np.flatnonzero(reference[40:].any(axis=0))
    assert stem.max() < 24  # the stem stands on the left
    for record in fronts.values():
        mask = picture(whole, record)[..., 3] > 127
        assert (mask != reference).mean() < 0.03, record["name"]


@pytest.mark.parametrize("kind", ["glb", "obj", "ply"])
def test_materials_and_colours_are_kept(whole: Path, kind: str) -> None:
    front = next(record for record in records(whole) if record["name"] == f"f_{kind}")
    image = picture(whole, front)
    stem, arm = image[36:40, 9:13, :3].mean(axis=(0, 1)), image[9:12, 24:36, :3].mean(axis=(0, 1))
    assert stem[0] > 2 * max(stem[1], stem[2])
    assert arm[1] > 2 * max(arm[0], arm[2])


def test_passes_agree_with_the_geometry(whole: Path) -> None:
    front = next(record for record in records(whole) if record["name"] == "f_glb")
    mask = np.asarray(Image.open(whole / front["passes"]["mask"])) == 255
    depth = exr(whole, front, "depth")[..., 0]
    normal, world = exr(whole, front, "normal"), exr(whole, front, "normal_world")
    assert (depth[np.asarray(Image.open(whole / front["passes"]["mask"])) == 0] == 0).all()
    assert 1.5 < depth[mask].min() < depth[mask].max() < 2.5
    np.testing.assert_allclose(np.linalg.norm(normal[mask], axis=-1), 1.0, atol=1e-3)
    # The front of the F looks along -Y of the world; from 20 degrees above it looks a little down.
    front_face = np.median(world[mask], axis=0)
    np.testing.assert_allclose(front_face, [0, -1, 0], atol=1e-2)
    np.testing.assert_allclose(
        np.median(normal[mask], axis=0), [0, -np.sin(np.radians(20)), np.cos(np.radians(20))], atol=1e-2
    )
    parts = np.unique(np.asarray(Image.open(whole / front["passes"]["index"]))[mask])
    assert parts.tolist() == [1, 2, 3]


def test_flow_leads_to_the_same_depth_in_the_next_view(whole: Path) -> None:
    """A point that is seen in both views has the same world position in both."""
    one, other = [record for record in records(whole) if record["name"] == "f_off"][:2]
    views = json.loads((whole / "cameras.json").read_text())["views"]
    poses = {view["index"]: np.array(view["opencv_world_to_camera"]) for view in views}
    scale = views[0]["intrinsics"][0][0]
    motion, depth, there = exr(whole, one, "flow"), exr(whole, one, "depth")[..., 0], exr(whole, other, "depth")[..., 0]
    rows, columns = np.nonzero(depth)
    x, y = columns + 0.5 + motion[rows, columns, 0], rows + 0.5 + motion[rows, columns, 1]
    inside = (x > 0) & (x < 48) & (y > 0) & (y < 48)
    camera = np.stack([(columns + 0.5 - 24) / scale, (rows + 0.5 - 24) / scale, depth[rows, columns]])
    world = np.linalg.inv(poses[one["index"]]) @ np.concatenate([camera, np.ones((1, len(rows)))])
    expected = (poses[other["index"]] @ world)[2]
    found = there[y[inside].astype(int), x[inside].astype(int)]
    seen = np.abs(found - expected[inside]) < 0.05
    assert seen.mean() > 0.1  # the side that both views see
    assert (found[found > 0] <= expected[inside][found > 0] + 0.06).all()  # the rest is hidden behind what is nearer


def test_cameras_of_one_data_set_render_another_one(
    whole: Path, bpy_door: list[str], meshes: Path, tmp_path: Path
) -> None:
    cameras = json.loads((whole / "cameras.json").read_text())
    cameras["views"] = [view for view in cameras["views"] if view["object"] == 2]
    (tmp_path / "cameras.json").write_text(json.dumps(cameras))
    flags = ("--source", meshes / "f_stl.stl", "--size", 48, "--samples", 8, "--passes", "rgb,depth", "--threads", 1)
    done = run(*flags, "--cameras", tmp_path / "cameras.json", "--out", tmp_path / "set", program=bpy_door)
    assert done.returncode == 0, done.stderr
    letters = [record for record in records(whole) if record["name"] == "f_stl"]
    for again, before in zip(records(tmp_path / "set"), letters, strict=True):
        assert again["azimuth"] == pytest.approx(np.angle(np.exp(1j * before["azimuth"])), abs=1e-6)
        np.testing.assert_allclose(exr(tmp_path / "set", again, "depth"), exr(whole, before, "depth"), atol=1e-4)


def test_killed_at_a_random_moment_and_resumed_it_is_the_same_to_the_byte(
    whole: Path, bpy_door: list[str], meshes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    flags = ["--source", meshes, *FLAGS, "--out", out, "--writer", "coco,webdataset", "--workers", 2]
    process = subprocess.Popen([*bpy_door, *map(str, flags)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (out / "images").is_dir() or not list((out / "images").glob("*.png")):
        time.sleep(0.01)
    time.sleep(random.random())
    process.kill()
    process.wait()
    time.sleep(1.0)  # its workers notice that nobody listens any more
    for path in out.glob("manifest*.jsonl"):
        assert all(json.loads(line) for line in path.read_text().splitlines())
    done = run(*flags, "--resume", program=bpy_door)
    assert done.returncode == 0, done.stderr
    assert {k: v for k, v in digests(out).items() if k != "dataset.json"} == {
        k: v for k, v in digests(whole).items() if k != "dataset.json"
    }
    again = run(*flags, "--resume", program=bpy_door)  # nothing is left to do: no Blender is started for it
    assert again.returncode == 0
    assert again.stdout.startswith("0 images rendered")


def test_any_image_alone_and_any_shard_are_the_same(
    whole: Path, bpy_door: list[str], meshes: Path, tmp_path: Path
) -> None:
    flags = ("--source", meshes, *FLAGS)
    done = run(*flags, "--images", "6,17", "--out", tmp_path / "alone", program=bpy_door)
    assert done.returncode == 0, done.stderr
    expected = digests(whole)
    alone = {name: digest for name, digest in digests(tmp_path / "alone").items() if "/" in name}
    assert len(alone) == 14
    assert all(expected[name] == digest for name, digest in alone.items())
    shard = run(*flags, "--shard", "1/3", "--out", tmp_path / "shard", program=bpy_door)
    assert shard.returncode == 0, shard.stderr
    assert {record["object"] for record in records(tmp_path / "shard")} == {1, 4}


def test_bad_meshes_are_skipped_listed_and_counted(bpy_door: list[str], meshes: Path, tmp_path: Path) -> None:
    source = tmp_path / "mixed"
    source.mkdir()
    shutil.copy(meshes / "f_stl.stl", source)
    write_bad_meshes(source)
    done = run("--source", source, "--size", 16, "--out", tmp_path / "set", "--json", program=bpy_door)
    assert done.returncode == 3, done.stderr
    assert [record["name"] for record in records(tmp_path / "set")] == ["f_stl", "huge"]
    failures = [json.loads(line) for line in (tmp_path / "set" / "failures.jsonl").read_text().splitlines()]
    assert {failure["tag"] for failure in failures} == {"bad_mesh"}
    words = " | ".join(failure["message"] for failure in failures)
    for phrase in ("bad_empty has no faces", "bad_faceless has no faces", "bad_nan has vertices that are not finite",
                   "bad_glb cannot be read", "bad_ply"):  # fmt: skip
        assert phrase in words
    assert json.loads(done.stdout.splitlines()[-1]) == {"finished": 2, "failures": {"bad_mesh": 5}}


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--source", "teapot"], 4, "There is no source teapot"),
        (["--source", "EMPTY"], 4, "holds no meshes"),
        (["--source", "chair", "--engine", "povray"], 2, "povray"),
        (["--source", "chair", "--passes", "rgb,shine"], 4, "no pass shine"),
        (["--source", "chair", "--shard", "4/4"], 2, "no shard"),
        (["--source", "chair", "--writer", "zip"], 4, "no writer zip"),
        (["--source", "chair", "--background", "beige"], 4, "expected transparent"),
        (["--source", "chair", "--device", "hip"], 5, "finds no HIP device"),
        (["--source", "chair", "--workers", "0"], 4, "at least 1"),
        (["--source", "chair", "--images", "0,7"], 4, "There is no image 7"),
        (["--source", "chair", "--cameras", "none.json"], 4, "none.json cannot be read"),
        (["--source", "chair", "--lights", "none.hdr"], 4, "There is no picture"),
        (["--source", "chair", "--collection", "Things"], 4, "goes with a .blend"),
        (["--source", "none.blend"], 4, "There is no file none.blend"),
        (["--source", "chair", "--config", "BAD_KEY"], 4, "has the key 'colour'"),
        (["--source", "chair", "--config", "BAD_TOML"], 4, "is no TOML file"),
        (["--source", "chair", "--out", "FILE"], 4, "cannot be a folder for images"),
    ],
    ids=lambda value: "-".join(value[1:]) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_one_sentence(
    bpy_door: list[str], tmp_path: Path, flags: list[str], code: int, words: str
) -> None:
    program = [sys.executable, bpy_door[1], "--blender", json.dumps(bpy_door)]  # as the backend starts it
    (tmp_path / "empty").mkdir()
    (tmp_path / "key.toml").write_text('colour = "red"\n')
    (tmp_path / "bad.toml").write_text("views = \n")
    (tmp_path / "file").write_text("in the way")
    places = {"EMPTY": "empty", "BAD_KEY": "key.toml", "BAD_TOML": "bad.toml", "FILE": "file"}
    ready = [str(tmp_path / places[flag]) if flag in places else flag for flag in flags]
    out = [] if "--out" in ready else ["--out", tmp_path / "set"]
    done = run(*ready, *out, "--count", 1, "--size", 16, program=program)
    assert done.returncode == code, done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_another_data_set_is_refused_with_the_difference(whole: Path, bpy_door: list[str], meshes: Path) -> None:
    flags = [*FLAGS[:7], 16, *FLAGS[8:]]
    done = run("--source", meshes, *flags, "--out", whole, "--resume", program=bpy_door)
    assert done.returncode == 4
    assert "other settings (samples 8, now 16)" in done.stderr
    done = run("--source", meshes, *FLAGS, "--out", whole, program=bpy_door)
    assert done.returncode == 4
    assert "Add --resume" in done.stderr


def test_a_full_disk_is_told_and_can_be_resumed(bpy_door: list[str], tmp_path: Path) -> None:
    """A file where the folder of images should be, made after the start, stands for a disk that takes no more."""
    out = tmp_path / "set"
    flags = ["--source", "chair", "--count", "300", "--size", "16", "--out", str(out)]
    process = subprocess.Popen([*bpy_door, *flags], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not (out / "images").is_dir() or not list((out / "images").glob("*.png")):
        time.sleep(0.005)
    (out / "images").rename(out / "moved")
    (out / "images").write_text("")
    _, words = process.communicate(timeout=120)
    assert process.returncode == 3, words
    assert "Writing failed" in words
    assert "--resume" in words


def test_flags_of_a_file_give_way_to_those_given(bpy_door: list[str], tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text('source = "table"\ncount = 2\nviews = 3\npasses = ["rgb", "mask"]\nsize = 16\n')
    out = tmp_path / "set"
    done = run("--config", tmp_path / "set.toml", "--views", 1, "--out", out, program=bpy_door)
    assert done.returncode == 0, done.stderr
    assert [record["class"] for record in records(out)] == ["table", "table"]
    assert set(records(out)[0]["passes"]) == {"mask"}


def test_a_python_without_blender_says_where_to_run_it(checkout: Path, tmp_path: Path) -> None:
    program = [sys.executable, str(checkout / "scripts" / "render_dataset.py")]
    done = run("--source", "chair", "--out", tmp_path / "set", program=program)
    assert done.returncode == 5
    assert "blender -b -P" in done.stderr


def test_the_oldest_blender_renders_the_same_letters(whole: Path, meshes: Path, checkout: Path, tmp_path: Path) -> None:
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("no Blender executable on the PATH: Debian's package gives one")
    program = [blender, "-b", "-P", str(checkout / "scripts" / "render_dataset.py"), "--"]
    done = run("--source", meshes, *FLAGS, "--out", tmp_path / "set", program=program)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "set" / "manifest.jsonl").read_text() == (whole / "manifest.jsonl").read_text()
    for record in records(whole):
        one, other = (picture(out, record) for out in (whole, tmp_path / "set"))
        both = (one[..., 3] == 255) & (other[..., 3] == 255)
        assert (np.abs(one[..., 3] - other[..., 3]) > 127).mean() < 0.02
        assert np.abs(one - other)[both].mean() < 16.0, record["name"]  # the material of 4.0 is darker
        for name in ("depth", "normal"):
            apart = np.abs(exr(whole, record, name) - exr(tmp_path / "set", record, name))[both]
            assert np.median(apart) < (1e-3 if name == "depth" else 1e-2), (record["name"], name)


BLEND = """
import bpy, os, sys
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
things = bpy.data.collections.new("Things")
bpy.context.scene.collection.children.link(things)
for name, place, parent in (("table", (5, 0, 0), None), ("leg", (0, 0, -1), "table"), ("tower", (-3, 2, 0), None)):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(x, y, z) for x in (-.5, .5) for y in (-.5, .5) for z in (-.5, .5)], [],
        [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    item = bpy.data.objects.new(name, mesh)
    item.location, item.parent = place, bpy.data.objects.get(parent) if parent else None
    things.objects.link(item)
bpy.data.objects["leg"].scale = (0.2, 0.2, 1.5)
stack = bpy.data.objects["tower"].modifiers.new("stack", "ARRAY")
stack.count, stack.relative_offset_displace = 3, (0, 0, 1.5)
lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "SUN"))
things.objects.link(lamp)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
os._exit(0)
"""


def test_a_collection_is_rendered_object_by_object_with_children_and_modifiers(
    blender_python: Path, bpy_door: list[str], tmp_path: Path
) -> None:
    (tmp_path / "make.py").write_text(BLEND)
    path = tmp_path / "things.blend"
    subprocess.run(
        [str(blender_python), str(tmp_path / "make.py"), str(path)], check=True, timeout=120, stdout=subprocess.DEVNULL
    )
    flags = ("--source", path, "--cameras", "turntable", "--size", 32, "--passes", "rgb,mask")
    done = run(*flags, "--collection", "Things", "--out", tmp_path / "set", program=bpy_door)
    assert done.returncode == 0, done.stderr
    assert [record["name"] for record in records(tmp_path / "set")] == ["table", "tower"]
    table, tower = (picture(tmp_path / "set", record)[..., 3] > 127 for record in records(tmp_path / "set"))
    assert table[:8].sum() > 3 * table[24:].sum() > 0  # the leg below the top is thin
    assert tower.any(axis=1).sum() > 24 > 12 > tower.any(axis=0).sum()  # three of them, one above the other
    done = run(*flags, "--collection", "Nothing", "--out", tmp_path / "no", program=bpy_door)
    assert done.returncode == 4
    assert "has no collection 'Nothing'; it has Things." in done.stderr
    (tmp_path / "torn.blend").write_bytes(b"BLENDER-v300 and no more")
    done = run("--source", tmp_path / "torn.blend", "--out", tmp_path / "no", program=bpy_door)
    assert done.returncode == 4, done.stderr
    assert "cannot be read as a .blend file" in done.stderr


def test_faces_that_are_there_twice_are_seen_once_with_the_normals_of_the_file(
    bpy_door: list[str], tmp_path: Path
) -> None:
    """A box as games have it: every face also the other way round, each with its own flat normal."""
    box = trimesh.creation.box()
    lines = [f"v {x} {y} {z}" for x, y, z in box.vertices]
    for number, (face, normal) in enumerate(zip(box.faces + 1, box.face_normals, strict=True)):
        for corners, sign in ((face, 1), (face[::-1], -1)):
            lines.append("vn {} {} {}".format(*(sign * normal)))
            lines.append("f " + " ".join(f"{corner}//{2 * number + (1 if sign > 0 else 2)}" for corner in corners))
    (tmp_path / "box.obj").write_text("\n".join(lines) + "\n")
    flags = ("--source", tmp_path / "box.obj", "--size", 32, "--seed", 3, "--passes", "rgb,normal_world,mask")
    done = run(*flags, "--out", tmp_path / "set", program=bpy_door)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "set")
    inside = np.asarray(Image.open(tmp_path / "set" / record["passes"]["mask"])) == 255
    normals = exr(tmp_path / "set", record, "normal_world")[inside]
    along_an_axis = np.abs(normals).max(axis=-1) > 0.999
    assert along_an_axis.mean() > 0.9  # all but the pixels on edges


OLD_BLENDER = """
import importlib.util, os, sys
sys.argv = ["render_dataset.py", "--dataset-worker"]
spec = importlib.util.spec_from_file_location(
    "unrender_rendering", FOLDER + "/__init__.py", submodule_search_locations=[FOLDER])
sys.modules["unrender_rendering"] = importlib.util.module_from_spec(spec)
import unrender_rendering.dataset_worker as worker
worker.OLDEST_BLENDER = (99, 1)
worker.run(None)
os._exit(0)
"""


def test_a_blender_that_is_too_old_is_one_sentence(blender_python: Path, checkout: Path, tmp_path: Path) -> None:
    program = tmp_path / "worker.py"
    program.write_text(f"FOLDER = {str(checkout / 'blender_addon' / 'rendering')!r}\n{OLD_BLENDER}")
    start = json.dumps([str(blender_python), str(program)])
    script = [sys.executable, str(checkout / "scripts" / "render_dataset.py")]
    done = run("--source", "chair", "--out", tmp_path / "set", "--blender", start, program=script)
    assert done.returncode == 4, done.stderr
    assert re.search(r"Blender \d+\.\d+\.\d+ is too old; expected 99\.1 or newer\.$", done.stderr.strip())


def test_a_python_without_toml_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set.toml").write_text('source = "table"\n')
    monkeypatch.setitem(sys.modules, "tomllib", None)
    with pytest.raises(DatasetError, match=r"needs Python 3\.11 or newer"):
        read_flags(["--config", str(tmp_path / "set.toml")], ("table",))
