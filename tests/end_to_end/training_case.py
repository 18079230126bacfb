# SPDX-License-Identifier: Apache-2.0
"""What an artist does with a folder of photos, in Blender's Python: train, watch, use the model.

Run by the runner of the add-on's cases; TRAINING_PHOTOS names the folder.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy

from tests.blender_addon.fake_server import wait_until

PACKAGE = "bl_ext.user_default.unrender"
PATIENCE = 300.0
SETTINGS = (
    "resolution=16 image_size=32 batch_size=4 total_images=64"
    " evaluate_images=16 audit_samples=2 sample_minutes=0.0 torch_threads=1"
    " generator.latent=8 generator.channels=[8,8] discriminator.channels=[8,8,8]"
    " proxy.width=8 proxy.pretrain_images=16 renderer.samples=1 renderer.threads=1"
)


def case_photos_become_a_model_and_the_model_a_mesh_in_the_scene() -> None:
    session = bpy.context.window_manager.unrender_session
    poll = bpy.context.window_manager.unrender_ticker.poll

    def wait(done: Any) -> None:
        wait_until(done, poll, PATIENCE, 0.01)

    assert bpy.ops.unrender.connect() == {"FINISHED"}
    wait(lambda: session.online)
    driver = import_module(f"{PACKAGE}.headless").Driver()
    seen: list[Any] = []
    photos = Path(os.environ["TRAINING_PHOTOS"])
    assert driver.train(photos, "plums", settings=SETTINGS, timeout=PATIENCE, progress=seen.append) == "plums"
    assert {"pictures", "adversarial"} <= {news.phase for news in seen}
    assert any(news.eta_seconds for news in seen)
    (job,) = session.jobs
    assert session.jobs[job].result["images"] == 16 + 64
    assert session.previews[job].ndim == 3
    assert bpy.context.window_manager.unrender.model == "plums"

    # So young a generator makes thin matter only.
    (name,) = driver.generate("plums", seed=3, threshold=0.05, timeout=PATIENCE)
    made = bpy.data.objects[name]
    assert made["unrender_model"] == "plums"
    assert len(made.data.polygons) > 20
    assert bpy.ops.unrender.disconnect() == {"FINISHED"}
