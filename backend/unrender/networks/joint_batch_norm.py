# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation with the statistics of the joint batch of all processes that train together.

With statistics of its own, each process would train another network than one process with the whole batch does: a GAN's
generator feels it. `torch.nn.SyncBatchNorm` does the same on GPUs, but refuses CPUs and has one class for all
dimensions; these are the layers of `torch.nn`, with the same names of weights, and in one process nothing else.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from unrender.networks.uncompiled import uncompiled


class _JointStatistics(_BatchNorm):
    """Training calls are collective: all processes have to make them, in the same order, with equally many rows."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or _processes() == 1:
            return super().forward(input)
        axes = [axis for axis in range(input.dim()) if axis != 1]
        values = input.float()
        variance, mean = torch.var_mean(values, dim=axes, correction=0)
        means, variances = _from_all(torch.stack([mean, variance])).unbind(dim=1)
        mean = means.mean(dim=0)
        # The mean of squares minus the square of the mean would lose digits.
        variance = (variances + (means - mean).square()).mean(dim=0)
        self._note(mean.detach(), variance.detach(), _processes() * input.numel() // input.shape[1])
        shape = [1, -1] + [1] * (input.dim() - 2)
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        return (values * scale.view(shape) + shift.view(shape)).to(input.dtype)

    @torch.no_grad()
    def _note(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Update the running statistics as torch does: with the unbiased variance."""
        if self.running_mean is None or self.running_var is None or self.momentum is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


class JointBatchNorm2d(_JointStatistics, nn.BatchNorm2d):
    """`nn.BatchNorm2d` over the joint batch."""


class JointBatchNorm3d(_JointStatistics, nn.BatchNorm3d):
    """`nn.BatchNorm3d` over the joint batch."""


def _processes() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


@uncompiled
def _from_all(own: Tensor) -> Tensor:
    """[world, *own.shape] of everybody's tensor, differentiable: the sum of rows that are nought but for one's own."""
    rows = torch.zeros(_processes(), *own.shape, dtype=own.dtype, device=own.device)
    rows[distributed.get_rank()] = own
    return _SumOverProcesses.apply(rows)


class _SumOverProcesses(torch.autograd.Function):
    """Every process' result depends on every process' input: the gradient is the sum of everybody's, too."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:  # type: ignore[override]
        total = value.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return _SumOverProcesses.apply(gradient.contiguous())
