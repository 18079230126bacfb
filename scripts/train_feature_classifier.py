# SPDX-License-Identifier: Apache-2.0
"""Train the feature network behind our KID on Cycles renders of procedural shapes, and write its bundled weights.

    python scripts/train_feature_classifier.py [--out FILE] [--per-class 1500]

Seeds of the shapes start at one million, so that no shape of a training run is among them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from unrender.data.procedural import make_shape
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.methods.voxel_gan.black_box import discriminator_images
from unrender.metrics.feature_classifier import CLASSES, FeatureClassifier
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer

FIRST_SEED = 1_000_000
BATCH = 64


def render_class(renderer: BlenderRenderer, name: str, count: int, random: torch.Generator) -> torch.Tensor:
    """(grey, alpha) images [count, 2, 64, 64] of shapes of one class at 32^3."""
    views = ViewLaw()
    images = []
    for start in range(0, count, BATCH):
        seeds = range(FIRST_SEED + start, FIRST_SEED + min(start + BATCH, count))
        grid = torch.from_numpy(np.stack([make_shape(name, seed, 32) for seed in seeds])[:, None])
        rendered = renderer.render(grid, views.sample(len(grid), random), IGGAN_LIGHTING)
        images.append(discriminator_images(rendered, "linear"))
    return torch.cat(images)


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int, random: torch.Generator) -> FeatureClassifier:
    """Cross entropy with Adam; every image is seen at random tones, for photographs are not of one albedo."""
    torch.manual_seed(0)
    classifier = FeatureClassifier()
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=2e-3, weight_decay=1e-3)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=random)
        for chosen in order[: len(order) // BATCH * BATCH].split(BATCH):
            tone = 0.7 + 0.6 * torch.rand(BATCH, 1, 1, 1, generator=random)
            batch = torch.cat([images[chosen, :1] * tone, images[chosen, 1:]], dim=1)
            loss = functional.cross_entropy(classifier(batch), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return classifier.eval()


@torch.no_grad()
def calibrate(classifier: FeatureClassifier, images: torch.Tensor) -> None:
    """Set the scale so that features have unit root mean square over `images`."""
    features = torch.cat([classifier.raw_features(part) for part in images.split(256)])
    classifier.scale.copy_(features.square().mean().sqrt())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parent.parent / "backend/unrender/metrics/weights/feature_classifier.safetensors"
    parser.add_argument("--out", type=Path, default=default)
    parser.add_argument("--per-class", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    random = torch.Generator().manual_seed(0)
    with BlenderRenderer(64, 4) as renderer:
        rendered = [render_class(renderer, name, arguments.per_class, random) for name in CLASSES]
    held_out = arguments.per_class // 10
    labels = torch.arange(len(CLASSES)).repeat_interleave(arguments.per_class - held_out)
    shown = torch.cat([images[held_out:] for images in rendered])
    classifier = train(shown, labels, arguments.epochs, random)
    calibrate(classifier, shown)
    with torch.no_grad():
        guesses = classifier(torch.cat([images[:held_out] for images in rendered])).argmax(1)
    truth = torch.arange(len(CLASSES)).repeat_interleave(held_out)
    accuracy = (guesses == truth).float().mean().item()
    print(f"held-out accuracy {accuracy:.3f} on {len(truth)} images of {len(CLASSES)} classes")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(classifier.state_dict(), arguments.out, metadata={"held_out_accuracy": f"{accuracy:.4f}"})


if __name__ == "__main__":
    main()
