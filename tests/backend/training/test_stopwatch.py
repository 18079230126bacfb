# SPDX-License-Identifier: Apache-2.0
import time

import pytest
import torch

from unrender.training.stopwatch import Stopwatch


def test_adds_up_by_name_and_begins_anew() -> None:
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        with watch("long"):
            time.sleep(0.02)
    with watch("short"):
        pass
    seconds = watch.take()
    assert seconds["long"] >= 0.04
    assert seconds["short"] < seconds["long"]
    assert watch.take() == {}


@pytest.mark.gpu
def test_a_gpu_is_waited_for() -> None:
    device = torch.device("cuda")
    watch, matrix = Stopwatch(device), torch.randn(4096, 4096, device=device)
    with watch("product"):
        for _ in range(20):
            matrix = (matrix @ matrix).clamp(-1.0, 1.0)
    assert watch.take()["product"] > 1e-4
