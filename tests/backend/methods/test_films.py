# SPDX-License-Identifier: Apache-2.0
"""Films: a turn leaves the shapes alone, an identity leaves the camera alone, both are loops, and files are whole."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unrender.errors import CancelledError, ConfigurationError
from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.geometry.textured_shape import TexturedShape
from unrender.methods.film_files import write_film
from unrender.methods.films import FilmSettings, Shot, draw_shot, film, identity_shots, turn_shots
from unrender.training.progress import Progress

SPHERE = octahedral_sphere(4)
TINY = FilmSettings(frames=6, size=32)


def ball(radius: float, colours: tuple[tuple[int, int, int], ...]) -> TexturedShape:
    """A ball whose texture has columns of these colours, from left to right."""
    texture = np.repeat(np.array(colours, np.uint8), 16 // len(colours), axis=0)[None].repeat(16, axis=0)
    mesh = Mesh((radius * SPHERE.vertices).astype(np.float32), SPHERE.faces)
    return TexturedShape(mesh, SPHERE.uv, SPHERE.uv_faces, np.ascontiguousarray(texture))


class Balls:
    """A `ShapeMaker` whose seed s is a ball of radius 0.2 + 0.05 s; notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def shape(self, seed: int, variety: float) -> TexturedShape:
        self.asked.append((seed, variety))
        return ball(0.2 + 0.05 * seed, ((255, 0, 0), (0, 0, 255)))

    def between(self, first: int, second: int, share: float, variety: float) -> TexturedShape:
        self.asked.append((first, second, share, variety))
        return ball(0.2 + 0.05 * ((1.0 - share) * first + share * second), ((255, 0, 0), (0, 0, 255)))


def test_a_turn_shows_the_very_same_shapes_from_all_around_in_equal_steps() -> None:
    maker = Balls()
    shots = list(turn_shots(maker, 1, 2, 0.8, FilmSettings(frames=8, azimuth_degrees=10.0, elevation_degrees=20.0)))
    assert maker.asked == [(1, 0.8), (2, 0.8)], "each is made once"
    assert all(shot.shapes is shots[0].shapes for shot in shots)
    assert {shot.elevation_degrees for shot in shots} == {20.0}
    azimuths = np.array([shot.azimuth_degrees for shot in shots])
    assert azimuths[0] == 10.0
    steps = np.diff(np.append(azimuths, azimuths[0] + 360.0))
    assert np.allclose(steps, 45.0), "the last step, back to the first frame, too"


def test_an_identity_keeps_the_camera_and_goes_in_equal_steps_from_seed_to_seed_and_back() -> None:
    maker = Balls()
    shots = list(identity_shots(maker, 4, 3, 1.0, FilmSettings(frames=12)))
    assert {(shot.azimuth_degrees, shot.elevation_degrees) for shot in shots} == {(30.0, 15.0)}
    assert [asked[:2] for asked in maker.asked] == [(4, 5)] * 4 + [(5, 6)] * 4 + [(6, 4)] * 4
    assert np.allclose([asked[2] for asked in maker.asked], [0.0, 0.25, 0.5, 0.75] * 3)


def test_a_picture_shows_the_side_that_the_camera_is_on() -> None:
    shape = ball(0.5, ((255, 0, 0), (0, 0, 255)))  # red at -X, blue at +X
    left, right = (draw_shot(Shot((shape,), azimuth, 0.0), 32)[16, 16] for azimuth in (-90.0, 90.0))
    assert left.tolist() == [255, 0, 0]
    assert right.tolist() == [0, 0, 255]
    front = draw_shot(Shot((shape,), 0.0, 0.0), 32)
    assert front[16, 6].tolist() == [255, 0, 0], "what is at -X is on the left of who looks from the front"
    assert front[16, 26].tolist() == [0, 0, 255]
    grey = front[0, 0]
    assert grey.tolist() == [69, 69, 69], "linear 0.06"
    inside = (front.astype(int) - grey).any(axis=2).mean()
    assert inside == pytest.approx(math.pi * (0.5 / 1.1) ** 2, abs=0.08)


def test_shapes_stand_side_by_side_from_above_left() -> None:
    shapes = tuple(ball(0.4, (colour, colour)) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    picture = draw_shot(Shot(shapes, 0.0, 0.0), 32)
    assert picture.shape == (64, 64, 3)
    cells = [picture[row : row + 32, column : column + 32] for row in (0, 32) for column in (0, 32)]
    assert [cell[16, 16].tolist() for cell in cells] == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [69, 69, 69]]


def test_voxel_meshes_are_drawn_in_light() -> None:
    mesh = Mesh((0.5 * SPHERE.vertices).astype(np.float32), SPHERE.faces)
    picture = draw_shot(Shot((mesh,), 0.0, 0.0), 32).astype(int)
    assert (np.ptp(picture, axis=2) <= 1).all(), "white"
    assert picture[6, 13, 0] > picture[26, 19, 0] + 20, "the key light is above, on the left"


def test_a_film_reports_and_stops() -> None:
    reports: list[Progress] = []
    frames = list(film(Balls(), "turn", 0, 1, settings=TINY, progress=reports.append))
    assert [frame.shape for frame in frames] == [(32, 32, 3)] * 6
    assert [(report.done, report.total) for report in reports] == [(index + 1, 6) for index in range(6)]
    with pytest.raises(CancelledError, match="2 of 6 frames"):
        list(film(Balls(), "turn", 0, 1, settings=TINY, progress=reports.append, cancelled=lambda: len(reports) == 8))


@pytest.mark.parametrize(("kind", "count"), [("identity", 1), ("turn", 65)])
def test_a_film_of_too_few_or_too_many_is_a_sentence(kind: Any, count: int) -> None:
    with pytest.raises(ConfigurationError, match=f"of {count} shapes"):
        next(film(Balls(), kind, 0, count, settings=TINY))


def frames_of_colours(sides: tuple[int, int] = (20, 30)) -> Iterator[np.ndarray]:
    for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200), (120, 120, 0), (0, 120, 120)):
        yield np.full((*sides, 3), colour, np.uint8)


def test_a_gif_has_every_frame_and_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    write_film(frames_of_colours(), 20.0, path)
    with Image.open(path) as read:
        assert read.n_frames == 5
        assert read.info["loop"] == 0
        for index, frame in enumerate(frames_of_colours()):
            read.seek(index)
            assert read.info["duration"] == 50
            assert np.array_equal(np.asarray(read.convert("RGB")), frame)


def test_an_mp4_has_every_frame_with_even_sides(tmp_path: Path) -> None:
    import av

    path = tmp_path / "film.mp4"
    write_film(frames_of_colours((21, 31)), 20.0, path)
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 20
        read = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(read) == 5
    for frame, expected in zip(read, frames_of_colours((22, 32)), strict=True):
        assert frame.shape == (22, 32, 3)
        assert np.abs(frame.astype(int) - expected).max() < 12


def test_a_film_that_is_broken_off_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    path.write_bytes(b"an older one")

    def broken() -> Iterator[np.ndarray]:
        yield from frames_of_colours()
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        write_film(broken(), 20.0, path)
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]
    assert path.read_bytes() == b"an older one"


def test_other_files_no_frames_and_no_encoder_are_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"'\.avi'.*\.gif or \.mp4"):
        write_film(frames_of_colours(), 20.0, tmp_path / "film.avi")
    with pytest.raises(ConfigurationError, match="no frames"):
        write_film([], 20.0, tmp_path / "film.gif")
    load = builtins.__import__

    def without_av(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(ConfigurationError, match=r'pip install "unrender\[film\]"'):
        write_film(frames_of_colours(), 20.0, tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []
