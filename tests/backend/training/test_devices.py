# SPDX-License-Identifier: Apache-2.0
"""Two processes on the CPU against one with the joint batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.backend.training.device_work_for_tests import Arrays, die_in_a_step, normalise, use_everything
from unrender.errors import ConfigurationError, DeviceLostError
from unrender.geometry.cameras import Cameras
from unrender.training.devices import Devices
from unrender.training.launch import Layout, launch, reports_to_user
from unrender.training.progress import ignore_progress, never_cancelled

SRUN = {
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_NTASKS": "8",
    "SLURM_NTASKS_PER_NODE": "4",
    "SLURM_PROCID": "0",
}  # what the first of two times four processes sees


@pytest.fixture(scope="module")
def two() -> Arrays:
    arrays = launch(use_everything, (), Layout(2), "float32", ignore_progress, never_cancelled)
    assert arrays is not None
    return arrays


@pytest.fixture(scope="module")
def one() -> Arrays:
    arrays = launch(use_everything, (), Layout(), "float32", ignore_progress, never_cancelled)
    assert arrays is not None
    return arrays


def test_rows_are_shared_and_come_back_in_order(two: Arrays) -> None:
    rows = np.arange(12.0).reshape(4, 3)
    assert np.array_equal(two["own_rows"], rows[:2])
    assert np.array_equal(two["gathered"], rows)
    assert two["gathered_bits"].dtype == np.bool_
    assert np.array_equal(two["gathered_bits"], rows > 4.0)
    assert np.array_equal(two["azimuths"], np.arange(4.0))


def test_all_hear_the_same_numbers(two: Arrays) -> None:
    assert two["mean_rank"] == 0.5
    assert two["any"].tolist() == [True, False]
    assert two["world"].tolist() == [2, 2]


def test_all_begin_with_the_first_ones_weights_and_step_along_the_joint_gradient(one: Arrays, two: Arrays) -> None:
    assert np.array_equal(two["weights"], one["weights"].repeat(2, axis=0))
    assert np.array_equal(two["gradient"][0], two["gradient"][1])
    assert np.allclose(two["gradient"][0], one["gradient"][0], rtol=1e-6)


@pytest.mark.parametrize("layer", ["JointBatchNorm2d", "JointBatchNorm3d"])
def test_batch_norm_sees_the_joint_batch(layer: str, one: Arrays, two: Arrays) -> None:
    names = [name for name in one if name.startswith(layer)]
    assert len(names) == 7
    for name in names:
        assert np.allclose(two[name], one[name], rtol=1e-5, atol=2e-5), name


@pytest.mark.parametrize(("plain", "shape"), [(nn.BatchNorm2d(3), (4, 3, 5, 5)), (nn.BatchNorm3d(3), (4, 3, 2, 4, 3))])
def test_batch_norm_of_one_process_is_torchs(plain: nn.Module, shape: tuple[int, ...], one: Arrays) -> None:
    expected = normalise(Devices.single("float32", torch.device("cpu")), plain, shape)
    for name, value in expected.items():
        assert np.array_equal(one[f"Joint{name}"], value), name


def test_a_death_in_a_step_is_one_sentence() -> None:
    with pytest.raises(DeviceLostError, match=r"device 1 ended with exit code 9\."):
        launch(die_in_a_step, (), Layout(2), "float32", ignore_progress, never_cancelled)


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    devices = Devices.single("float32", torch.device("cpu"))
    devices.world = 2
    with pytest.raises(ValueError, match=r"batch of 3 .* 2 processes"):
        devices.share(Cameras(torch.zeros(3), torch.zeros(3)))


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precision_is_that_of_products(precision: str, dtype: torch.dtype) -> None:
    devices = Devices.single(precision, torch.device("cpu"))
    with devices.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_networks_are_compiled_only_where_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ConfigurationError, match=r"no C\+\+ compiler.*compile=false"):
        Devices.single("float32", torch.device("cpu")).prepare(nn.Linear(1, 1), compile=True)


def test_several_machines_need_to_know_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"2 machines .*MASTER_ADDR, MASTER_PORT, NODE_RANK.*torchrun"):
        launch(use_everything, (), Layout(1, 2), "float32", ignore_progress, never_cancelled)


def test_no_device_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="0 devices"):
        Layout(0)


def test_only_one_of_many_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reports_to_user(Layout(4))
    monkeypatch.setenv("NODE_RANK", "1")
    assert not reports_to_user(Layout(4, 2))
    for name, value in SRUN.items():
        monkeypatch.setenv(name, value)
    assert reports_to_user(Layout())
    monkeypatch.setenv("SLURM_PROCID", "5")
    assert not reports_to_user(Layout())


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SLURM_STEP_NUM_TASKS": "3"}, "3 processes .* 2 machines.*equally many"),
        ({"SLURM_NTASKS_PER_NODE": None}, "--ntasks-per-node"),
    ],
)
def test_a_step_that_cannot_be_laid_out_is_refused(
    variables: dict[str, str | None], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (SRUN | variables).items():
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=complaint):
        launch(use_everything, (), Layout(), "float32", ignore_progress, never_cancelled)
