"""Preprocessing against plain decode-and-resize of the same files.

Prints images/s of both as a ratio, in turns, on generated photographs-like JPEG files:

    python benchmarks/preprocess.py --images 300 --megapixels 2
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))


def make_source(folder: Path, count: int, megapixels: float) -> None:
    """JPEG files with the frequencies of photographs, and one box each, as COCO."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = width * 3 // 4
    folder.mkdir(parents=True)
    images, annotations = [], []
    for index in range(1, count + 1):
        coarse = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        noise = rng.integers(0, 24, (height, width, 1), dtype=np.uint8)
        pixels = cv2.add(pixels, np.repeat(noise, 3, axis=2))
        name = f"{index:05d}.jpg"
        cv2.imwrite(str(folder / name), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
        images.append({"id": index, "file_name": name, "width": width, "height": height})
        annotations.append(
            {
                "id": index, "image_id": index, "category_id": 1, "area": 1e4, "iscrowd": 0,
                "bbox": [10, 10, 100, 100], "segmentation": [],
            }
        )  # fmt: skip
    coco = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "thing"}],
    }
    (folder / "annotations.json").write_text(json.dumps(coco))


def plain(folder: Path, size: int) -> float:
    """Seconds of cv2.imread and cv2.resize over all files, one process, one thread."""
    import cv2

    cv2.setNumThreads(0)
    started = time.perf_counter()
    for path in sorted(folder.glob("*.jpg")):
        image = cv2.imread(str(path))
        ratio = size / max(image.shape[:2])
        cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    return time.perf_counter() - started


def ours(raw: Path, out: Path, size: int, workers: int) -> float:
    """Seconds of the whole stage: decode, hash, resize, encode, split, pack, tables."""
    from reprise.preprocessing.config import DataConfig
    from reprise.preprocessing.preprocess import preprocess

    config = DataConfig.model_validate(
        {
            "sources": {"photos": {"url": "photos", "format": "coco"}},
            "image_size": size,
            "split": {"near_duplicate_distance": None},
        }
    )
    started = time.perf_counter()
    preprocess(config, raw, None, out, workers)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--megapixels", type=float, default=2)
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as name:
        folder = Path(name)
        make_source(folder / "raw" / "photos", arguments.images, arguments.megapixels)
        for workers in (1, 2):
            ratios = []
            for _ in range(arguments.rounds):
                base = plain(folder / "raw" / "photos", arguments.size)
                stage = ours(folder / "raw", folder / "out", arguments.size, workers)
                ratios.append(base / stage)
            print(
                f"workers {workers}: {arguments.images / stage:.1f} images/s, "
                f"{statistics.median(ratios):.2f} times decode-and-resize alone in one process "
                f"({arguments.images / base:.1f} images/s), {arguments.megapixels:g} megapixels "
                f"to {arguments.size} px"
            )


if __name__ == "__main__":
    main()
