# SPDX-License-Identifier: Apache-2.0
"""Train the feature network behind our FID and KID on Cycles renders of all procedural classes; write its weights.

    python scripts/train_feature_classifier.py [--out FILE] [--renders FOLDER] [--epochs 12]

Every object is seen once, from a view of IG-GAN's chairs and in IG-GAN's light, at one of three scales. A tenth of the
objects of every class and scale is held out. Seeds of the shapes start at one million, so that no shape of a training
run is among them. With --renders the images are kept there, and a second run only trains.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from unrender.data import procedural
from unrender.data.procedural import make_shape
from unrender.geometry.cameras import ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.methods.voxel_gan.pictures.black_box import discriminator_images
from unrender.metrics.feature_classifier import FeatureClassifier, resampled
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer

FIRST_SEED = 1_000_000
BATCH = 64
HELD_OUT = 10  # every tenth object


class Scale(NamedTuple):
    """Voxels and pixels per side, and how many objects of each class; their seeds start at FIRST_SEED + offset."""

    resolution: int
    size: int
    objects: int
    offset: int


# Features must not change under results that were measured with them, so a class that came later is not learned.
CLASSES = tuple(name for name in procedural.CLASSES if name != "car")
SCALES = (Scale(32, 64, 1400, 0), Scale(16, 32, 500, 100_000), Scale(64, 128, 250, 200_000))


def render_class(renderer: BlenderRenderer, name: str, scale: Scale) -> torch.Tensor:
    """(grey, alpha) images [objects, 2, 64, 64], float16."""
    first = FIRST_SEED + scale.offset
    random = torch.Generator().manual_seed(first + CLASSES.index(name))
    images = []
    for start in range(first, first + scale.objects, BATCH):
        seeds = range(start, min(start + BATCH, first + scale.objects))
        grid = torch.from_numpy(np.stack([make_shape(name, seed, scale.resolution) for seed in seeds])[:, None])
        rendered = renderer.render(grid, ViewLaw().sample(len(grid), random), IGGAN_LIGHTING)
        images.append(resampled(discriminator_images(rendered, "linear")).half())
    return torch.cat(images)


def render_all(folder: Path | None) -> dict[Scale, torch.Tensor]:
    """[classes, objects, 2, 64, 64] of every scale, read from `folder` where it has them."""
    images: dict[Scale, torch.Tensor] = {}
    for scale in SCALES:
        cached = folder / f"{len(CLASSES)}x{scale.objects}_{scale.resolution}.safetensors" if folder else None
        if cached and cached.is_file():
            images[scale] = load_file(cached)["images"]
            continue
        started = time.monotonic()
        with BlenderRenderer(scale.size, 4) as renderer:
            images[scale] = torch.stack([render_class(renderer, name, scale) for name in CLASSES])
        print(
            f"{scale.resolution}^3: {images[scale].shape[:2]} images in {time.monotonic() - started:.0f} s", flush=True
        )
        if cached:
            cached.parent.mkdir(parents=True, exist_ok=True)
            save_file({"images": images[scale]}, cached)
    return images


def augmented(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Mirrored (the light is the same from both sides), at random tones (photographs are not of one albedo), and a
    little moved."""
    count = len(images)
    mirrored = torch.rand(count, generator=random) < 0.5
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    tone = 0.7 + 0.6 * torch.rand(count, 1, 1, 1, generator=random)
    images = torch.cat([images[:, :1] * tone, images[:, 1:]], dim=1)
    down, right = torch.randint(-2, 3, (2,), generator=random).tolist()
    return images.roll((down, right), dims=(2, 3))  # the frame's border is empty


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int, random: torch.Generator) -> FeatureClassifier:
    """Cross entropy with AdamW and one cycle of the learning rate."""
    torch.manual_seed(0)
    classifier = FeatureClassifier(len(CLASSES))
    classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's types leave it out
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for epoch in range(epochs):
        started, total = time.monotonic(), 0.0
        order = torch.randperm(len(images), generator=random)
        for chosen in order[: len(order) // BATCH * BATCH].split(BATCH):
            batch = augmented(images[chosen].float(), random).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = classifier(batch)
            loss = functional.cross_entropy(logits.float(), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (steps / epochs):.3f}, {time.monotonic() - started:.0f} s", flush=True)
    return classifier.eval()


@torch.no_grad()
def calibrate(classifier: FeatureClassifier, images: torch.Tensor) -> None:
    """Set the scale so that features have unit root mean square over `images`."""
    features = torch.cat([classifier.raw_features(part.float()) for part in images.split(256)])
    classifier.scale.copy_(features.square().mean().sqrt())


@torch.no_grad()
def accuracies(classifier: FeatureClassifier, held_out: dict[Scale, torch.Tensor]) -> dict[str, Any]:
    """Shares of the held-out images that are told right: all of them, by class, and by scale."""
    right = {
        scale: torch.stack([classifier(images.float()).argmax(1) == label for label, images in enumerate(by_class)])
        for scale, by_class in held_out.items()
    }
    everything = torch.cat(list(right.values()), dim=1).float()
    return {
        "held_out_images": everything.numel(),
        "accuracy": round(everything.mean().item(), 4),
        "accuracy_by_class": dict(
            zip(CLASSES, [round(share, 4) for share in everything.mean(1).tolist()], strict=True)
        ),
        "accuracy_by_scale": {
            f"{scale.resolution}^3, {scale.size}^2": round(part.float().mean().item(), 4)
            for scale, part in right.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parent.parent / "backend/unrender/metrics/weights/feature_classifier.safetensors"
    parser.add_argument("--out", type=Path, default=default)
    parser.add_argument("--renders", type=Path)
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    images = render_all(arguments.renders)
    held_out = {scale: by_class[:, ::HELD_OUT] for scale, by_class in images.items()}
    shown_of = {scale: by_class[:, torch.arange(scale.objects) % HELD_OUT != 0] for scale, by_class in images.items()}
    shown = torch.cat([by_class.flatten(0, 1) for by_class in shown_of.values()])
    labels = torch.cat([torch.arange(len(CLASSES)).repeat_interleave(part.shape[1]) for part in shown_of.values()])
    classifier = train(shown, labels, arguments.epochs, torch.Generator().manual_seed(0))
    calibrate(classifier, shown)
    facts = {"classes": CLASSES, "training_images": len(shown), **accuracies(classifier, held_out)}
    print(json.dumps(facts, indent=1))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.contiguous() for name, value in classifier.state_dict().items()}
    save_file(state, arguments.out, metadata={"facts": json.dumps(facts)})


if __name__ == "__main__":
    main()
