# SPDX-License-Identifier: Apache-2.0
"""What a client reads of an error: neither paths of the server nor flags of a terminal."""

from pathlib import Path

import pytest

from unrender.errors import CheckpointError, DataError, DivergedError, UserError
from unrender.methods.voxel_gan.config import load_config
from unrender.serving.handlers.client_words import say_for_clients
from unrender.training.architecture import check_architecture

RUN = Path("/srv/unrender/runs/plums")
FOLDERS = (RUN / "pictures", Path("/srv/unrender/datasets/stools"), RUN)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DataError(f"There are 7 pictures in {RUN / 'pictures'}.", "Add 9."), "There are 7 pictures. Add 9."),
        (
            DivergedError("It diverged.", f"The last good checkpoint is {RUN}/checkpoints/images-8.safetensors."),
            "It diverged. The last good checkpoint is checkpoints/images-8.safetensors.",
        ),
        (
            UserError(f"{RUN} holds a run already.", "Add --resume to continue it, or choose another --out."),
            "'plums' holds a run already. Continue it, or choose another name.",
        ),
        (
            DataError(f"The folder {FOLDERS[1]} is empty.", "Continue with --resume."),
            "The folder 'stools' is empty. Continue it.",
        ),
    ],
)
def test_a_client_is_told_in_its_own_words(error: UserError, said: str) -> None:
    say_for_clients(error, *FOLDERS)
    assert str(error) == said


def test_another_architecture_is_named_without_a_flag() -> None:
    config = load_config("iggan-32")
    with pytest.raises(CheckpointError) as caught:
        check_architecture({"resolution": "16"}, config, ("resolution",))
    say_for_clients(caught.value, *FOLDERS)
    assert "resolution = 16" in caught.value.message
    assert "--" not in caught.value.hint
    assert "another name" in caught.value.hint
