"""What DVC costs when nothing has changed, with many images.

    python benchmarks/dvc_scale.py --images 50000

Runs the data stages of a temporary clone on generated images, then `dvc repro` again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from pipeline.clone import make_clone  # noqa: E402
from real_datasets import SMALL_SET  # noqa: E402


def make_images(folder: Path, count: int, boxes: int) -> None:
    """Small JPEG files of random blocks with YOLO labels."""
    import cv2
    import numpy as np

    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"images/{index:06d}.jpg"), pixels)
        places = rng.uniform(0.2, 0.8, (boxes, 2))
        lines = [f"0 {x:.4f} {y:.4f} 0.1 0.1" for x, y in places]
        (folder / f"labels/{index:06d}.txt").write_text("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--boxes", type=int, default=2, help="on each image")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprise-dvc-scale-") as name:
        folder = Path(name)
        make_images(folder / "images", arguments.images, arguments.boxes)
        sources = {"many": {"url": str(folder / "images"), "format": "yolo"}}
        clone = make_clone(
            ROOT,
            folder / "clone",
            **{**SMALL_SET, "data.sources": sources, "data.image_size": 64, "machine.workers": 2},
        )
        for stage in ("download", "preprocess", "validate"):
            started = time.perf_counter()
            clone.dvc("repro", stage)
            print(f"{stage}: {time.perf_counter() - started:.1f} s, DVC included", flush=True)
        seconds = []
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            clone.dvc("repro", "validate")
            seconds.append(time.perf_counter() - started)
        print(
            f"no-op dvc repro with {arguments.images} images and "
            f"{arguments.images * arguments.boxes} boxes: {statistics.median(seconds):.2f} s "
            f"(median of {arguments.rounds})"
        )


if __name__ == "__main__":
    main()
