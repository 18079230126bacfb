# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import torch

from unrender.errors import ConfigurationError
from unrender.metrics.features import ImageFeatures
from unrender.metrics.inception import FEATURES, InceptionFeatures


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no Inception weights at .*none\.pth.*leave --inception away"):
        InceptionFeatures(tmp_path / "none.pth")


@pytest.mark.peer
def test_weights_of_the_right_shapes_give_features_and_others_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch_fidelity")
    from torchmetrics.image.fid import NoTrainInceptionV3

    weights, other = tmp_path / "random.pth", tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(1)}, other)
    with monkeypatch.context() as patched:  # the network as it is made, before anything is loaded into it
        patched.setattr(NoTrainInceptionV3, "load_state_dict", lambda self, state: None)
        torch.save(NoTrainInceptionV3("inception-v3-compat", [str(FEATURES)], str(other)).state_dict(), weights)

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    trap = tmp_path / "trap.pth"
    torch.save({"conv.weight": Trap()}, trap)
    for wrong in (other, trap):
        with pytest.raises(ConfigurationError, match="does not hold the weights"):
            InceptionFeatures(wrong)
    assert not (tmp_path / "sprung").exists(), "a file of weights runs no code"
    features = ImageFeatures("linear", weights)
    assert features.name == "inception-2048"
    images = torch.rand(3, 2, 32, 32)
    alike = images.clone()
    alike[:, 1] = 0.5  # alpha is not shown to it
    assert features(images).shape == (3, FEATURES)
    assert torch.equal(features(images), features(alike))
