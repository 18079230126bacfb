# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from unrender.renderers.off_the_shelf.discovery import BlenderInstallation


@pytest.fixture(scope="session")
def blender(blender_python: Path) -> BlenderInstallation:
    return BlenderInstallation("module", (str(blender_python),), "5.0")


@pytest.fixture
def make_cluster(blender_python: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Starts a Ray cluster of so many machines with one processor each; the head has none."""
    ray = pytest.importorskip("ray", reason="pip install 'unrender[ray]'")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("UNRENDER_BLENDER", str(blender_python))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Ray notices a lost machine after health_check_failure_threshold silent periods; by default 15 s and more.
    health = {"health_check_period_ms": 500, "health_check_timeout_ms": 1000, "health_check_failure_threshold": 3}
    clusters = []

    def make(machines: int) -> Any:
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": health}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        clusters.append(cluster)
        cluster.machines = [cluster.add_node(num_cpus=1) for _ in range(machines)]
        return cluster

    yield make
    ray.shutdown()
    for cluster in clusters:
        cluster.shutdown()
