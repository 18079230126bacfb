# SPDX-License-Identifier: Apache-2.0
"""What processes that share a joint batch do in the tests; a module of its own, so that they can import it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import nn

from unrender.geometry.cameras import Cameras
from unrender.networks.joint_batch_norm import JointBatchNorm2d, JointBatchNorm3d
from unrender.training.devices import Devices
from unrender.training.progress import CancelCheck, ProgressCallback

Arrays = dict[str, np.ndarray[Any, Any]]


def use_everything(devices: Devices, progress: ProgressCallback, cancelled: CancelCheck) -> Arrays:
    """One of each call of `Devices`, and what the first process got."""
    torch.set_num_threads(1)
    return {
        **_batches(devices),
        **_numbers(devices),
        **_gradients(devices),
        **normalise(devices, JointBatchNorm2d(3), (4, 3, 5, 5)),
        **normalise(devices, JointBatchNorm3d(3), (4, 3, 2, 4, 3)),
    }


def _batches(devices: Devices) -> Arrays:
    rows = torch.arange(12.0).reshape(4, 3)
    cameras = Cameras(torch.arange(4.0), torch.zeros(4))
    return {
        "gathered": devices.gather(devices.share(rows)).numpy(),
        "gathered_bits": devices.gather(devices.share(rows > 4.0)).numpy(),
        "own_rows": devices.share(rows).numpy(),
        "azimuths": devices.gather(devices.share(cameras).azimuth).numpy(),
    }


def _numbers(devices: Devices) -> Arrays:
    last = devices.rank == devices.world - 1
    return {
        "mean_rank": devices.mean(torch.tensor(float(devices.rank))).numpy(),
        "any": np.array(devices.any_of([last, False])),
        "world": np.array([devices.world, devices.local_world]),
    }


def _gradients(devices: Devices) -> Arrays:
    """A step of a network whose weights differ at first; a weight that is not used has no gradient."""
    torch.manual_seed(devices.rank)
    network = devices.prepare(nn.ModuleDict({"used": nn.Linear(3, 2), "idle": nn.Linear(3, 2)}))
    inputs = devices.share(torch.linspace(-1.0, 1.0, 12).reshape(4, 3))
    devices.backward(network["used"](inputs).square().sum(dim=1).mean())
    devices.average_gradients(network)
    weights = torch.cat([weight.detach().flatten() for weight in network.parameters()])
    gradient = network["used"].weight.grad
    assert gradient is not None
    assert network["idle"].weight.grad is None
    return {"weights": devices.gather(weights[None]).numpy(), "gradient": devices.gather(gradient[None]).numpy()}


def normalise(devices: Devices, layer: nn.Module, shape: tuple[int, ...]) -> Arrays:
    """Outputs, gradients and running statistics of a layer over a joint batch far from nought."""
    random = torch.Generator().manual_seed(0)
    inputs, slopes = torch.randn(shape, generator=random) * 3.0 + 20.0, torch.randn(shape, generator=random)
    layer.load_state_dict(layer.state_dict() | {"weight": torch.tensor([0.5, 1.0, 2.0]), "bias": torch.arange(3.0)})
    own = devices.share(inputs).clone().requires_grad_(True)
    outputs = layer(own)
    (outputs * devices.share(slopes)).sum().backward()
    devices.average_gradients(layer)
    assert own.grad is not None
    name = type(layer).__name__
    arrays = {f"{name}.output": devices.gather(outputs).numpy(), f"{name}.gradient": devices.gather(own.grad).numpy()}
    for key, weight in layer.named_parameters():
        assert weight.grad is not None
        arrays[f"{name}.{key}.gradient"] = (weight.grad * devices.world).numpy()  # of a sum, not of a mean
    return arrays | {f"{name}.{key}": value.numpy() for key, value in layer.named_buffers()}


def die_in_a_step(devices: Devices, progress: ProgressCallback, cancelled: CancelCheck) -> None:
    """The second process ends without a word while the first one waits for its gradients."""
    if devices.rank == 1:
        os._exit(9)
    devices.mean(torch.zeros(1))
