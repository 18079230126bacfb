# SPDX-License-Identifier: Apache-2.0
"""Photographs as the settings of a training ask for them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unrender.errors import ConfigurationError
from unrender.methods.voxel_gan.config import load_config
from unrender.methods.voxel_gan.pictures.loading import load_pictures


def test_stalks_are_cut_off_where_the_settings_say_so(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:96, :96]
    for number in range(16):
        pixels = np.full((96, 96, 3), 255, np.uint8)
        pixels[(rows - 60) ** 2 + (columns - 48) ** 2 < 25**2] = (150 + number, 60, 50)
        pixels[6:40, 46:50] = (90, 70, 40)  # the stalk
        Image.fromarray(pixels).save(tmp_path / f"apple_{number}.png")
    whole, cut = (
        load_pictures(tmp_path, load_config("iggan-16", (f"photos.thinnest_part={part}",))).images[:, 1]
        for part in (0.0, 0.15)
    )
    assert cut.mean() > 1.5 * whole.mean(), "the fruit alone fills the frame"


def test_a_part_is_thinner_than_the_whole() -> None:
    with pytest.raises(ConfigurationError, match=r"thinnest_part is 1\.5"):
        load_config("iggan-16", ("photos.thinnest_part=1.5",))
