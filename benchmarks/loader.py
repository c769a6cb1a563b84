"""The training loader against decoding alone and against ultralytics' loader.

The same images at 640 pixels, from originals of 12 megapixels (ours preprocessed, theirs as
they are) and from originals of 640 pixels; same workers, batch and augmentation, in turns
of two epochs of which the second counts. Run it on an idle machine:

    python benchmarks/loader.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from preprocess import make_source, ours  # noqa: E402

SIZE = 640
AUGMENTATION = {
    "enabled": True, "mosaic": 0.0, "close_mosaic_epochs": 0, "mixup": 0.0,
    "flip_horizontal": 0.5, "flip_vertical": 0.0, "rotation": 0.0, "translation": 0.1,
    "scale": 0.5, "hue": 0.015, "saturation": 0.7, "brightness": 0.4,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    # ultralytics keeps the last eight batches of each worker decoded.
    parser.add_argument("--images", type=int, default=384)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for title, width, height in (
        ("12-megapixel originals", 4000, 3000),
        ("640-pixel originals", 640, 480),
    ):
        with tempfile.TemporaryDirectory(prefix="reprise-loader-") as name:
            measure(title, Path(name), width, height, arguments)


def measure(
    title: str, folder: Path, width: int, height: int, arguments: argparse.Namespace
) -> None:
    photos = folder / "raw" / "photos"
    make_source(photos, arguments.images, width, height)
    ours(folder, SIZE, arguments.workers)
    mine, count = our_loader(folder / "out", arguments)
    theirs = their_loader(photos, folder, width, height, arguments)
    alone = decode_alone(folder / "out")
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(arguments.rounds):
        for name, loader, total in (("ours", mine, count), ("theirs", theirs, arguments.images)):
            # Theirs fetches ahead while the other has its turn: the second pass shows its pace.
            seconds_of(loader)
            rates[name].append(total / seconds_of(loader))
    found = {name: statistics.median(values) for name, values in rates.items()}
    print(
        f"{title}: ours {found['ours']:.0f} images/s, ultralytics {found['theirs']:.0f}, ratio "
        f"{found['ours'] / found['theirs']:.2f}; decoding alone, one thread, {alone:.0f} images/s, "
        f"ours over it {found['ours'] / alone:.2f} ({arguments.workers} workers, median of "
        f"{arguments.rounds})",
        flush=True,
    )


def seconds_of(batches: Iterable[Any]) -> float:
    started = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - started


def our_loader(dataset: Path, arguments: argparse.Namespace) -> tuple[Any, int]:
    import torch

    from reprise.dataset import Dataset
    from reprise.distributed import SINGLE_PROCESS
    from reprise.models.config import AugmentationConfig, ModelConfig
    from reprise.models.family import family_class
    from reprise.training.loader import BatchLoader, EpochBatchSampler
    from reprise.training.runtime import Runtime

    data = Dataset(dataset)
    config = ModelConfig.model_validate(
        {"type": "yolo", "variant": "nano", "nms_iou": 0.7, "max_detections": 300}
    )
    family = family_class("yolo")(config, data.class_names, SIZE)
    augmentation = AugmentationConfig.model_validate(AUGMENTATION)
    samples: Any = family.training_samples(data, augmentation, seed=0, epochs=100)
    sampler = EpochBatchSampler(len(samples), arguments.batch, seed=0)
    runtime = Runtime(torch.device("cpu"), SINGLE_PROCESS, arguments.workers, dataset)
    return BatchLoader(samples, family.collate, sampler, runtime), len(samples)


def their_loader(
    photos: Path, folder: Path, width: int, height: int, arguments: argparse.Namespace
) -> Any:
    import reprise.models.yolo.library  # noqa: F401 - isolates the library

    os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp(dir=folder)
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_dataloader, build_yolo_dataset

    images, labels = folder / "yolo" / "images", folder / "yolo" / "labels"
    labels.mkdir(parents=True)
    images.symlink_to(photos)
    coco = json.loads((photos / "annotations.json").read_text())
    lines: dict[int, list[str]] = {image["id"]: [] for image in coco["images"]}
    for item in coco["annotations"]:
        x, y, w, h = item["bbox"]
        lines[item["image_id"]].append(
            f"0 {(x + w / 2) / width} {(y + h / 2) / height} {w / width} {h / height}"
        )
    for image in coco["images"]:
        stem = Path(image["file_name"]).stem
        (labels / f"{stem}.txt").write_text("\n".join(lines[image["id"]]))
    a = AUGMENTATION
    # Typed loosely: the library gives another class than it asks for.
    cfg: Any = get_cfg(
        overrides={
            "imgsz": SIZE, "mosaic": a["mosaic"], "mixup": a["mixup"], "degrees": a["rotation"],
            "translate": a["translation"], "scale": a["scale"], "hsv_h": a["hue"],
            "hsv_s": a["saturation"], "hsv_v": a["brightness"], "fliplr": a["flip_horizontal"],
            "flipud": a["flip_vertical"], "task": "detect", "cache": False,
        }
    )  # fmt: skip
    data = {"names": {0: "thing"}, "nc": 1, "channels": 3}
    dataset = build_yolo_dataset(cfg, str(images), arguments.batch, data, mode="train")
    return build_dataloader(dataset, arguments.batch, arguments.workers, shuffle=True)


def decode_alone(dataset: Path) -> float:
    """Stored images decoded in a second by one thread."""
    import cv2

    from reprise.dataset import Dataset

    cv2.setNumThreads(1)
    data = Dataset(dataset)
    rows = data.split("train")
    places = list(zip(rows["shard"], rows["offset"], rows["length"], strict=True))
    started = time.perf_counter()
    for place in places:
        data.pixels(*place)
    return len(places) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
