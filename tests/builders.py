"""Small datasets for tests: real images and label files, the same for the same arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("button", "icon", "image")


def picture(seed: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth random picture, uint8 (height, width, 3): no two seeds look alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def tiny_coco(
    folder: Path,
    n_images: int = 12,
    classes: Sequence[str] = CLASSES,
    seed: int = 0,
    size: tuple[int, int] = (64, 48),
    boxes_each: int = 2,
    keys: Callable[[int], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Write ``folder/annotations.json`` and ``folder/images/0000.png`` and so on.

    Args:
        folder: Made when absent.
        n_images: Number of images, every one with other pixels.
        classes: Class names; boxes take them in turn.
        seed: Another seed gives other pictures and boxes.
        size: Width and height in pixels.
        boxes_each: Solid rectangles on each image, all inside it.
        keys: Further keys of image entry number i, for grouping.

    Returns:
        The label file's content, to change and write again with :func:`write_labels`.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    width, height = size
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(n_images):
        pixels = picture(seed * 100_003 + index, width, height).copy()
        entry = {"id": index + 1, "file_name": f"images/{index:04d}.png"}
        images.append({**entry, "width": width, "height": height, **(keys(index) if keys else {})})
        for _ in range(boxes_each):
            w, h = int(rng.integers(8, width // 2)), int(rng.integers(8, height // 2))
            x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
            place = len(annotations) % len(classes)
            pixels[y : y + h, x : x + w] = (60 * place % 256, 255 - 50 * place % 256, 90)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index + 1,
                    "category_id": place + 1,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
        Image.fromarray(pixels).save(folder / "images" / f"{index:04d}.png")
    content = {
        "info": {},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, start=1)],
    }
    write_labels(folder, content)
    return content


def write_labels(folder: Path, content: Any) -> None:
    """Write ``folder/annotations.json``."""
    (folder / "annotations.json").write_text(json.dumps(content), encoding="utf-8")


def tiny_yolo(folder: Path, n_images: int = 12) -> None:
    """Write ``images/0000.png``, ``labels/0000.txt`` and so on: one box on each image."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(n_images):
        Image.fromarray(picture(index)).save(folder / f"images/{index:04d}.png")
        (folder / f"labels/{index:04d}.txt").write_text("0 0.5 0.5 0.25 0.5\n")
