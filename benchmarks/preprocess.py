"""Preprocessing: speed against a plain PIL loop, the cost of a small change, peak memory.

    python benchmarks/preprocess.py speed    12-megapixel photographs, one and two processes
    python benchmarks/preprocess.py change   20,000 images, then 1% of them changed
    python benchmarks/preprocess.py memory   peak memory at 2,000 and at 20,000 images

Files are generated; each figure is a ratio of two things measured in the same run. `change`
changes files in place; in the pipeline a changed source is packed and unpacked anew besides.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))


def write_image(path: Path, index: int, width: int, height: int) -> None:
    """A JPEG with the frequencies of a photograph, other pixels for each index.

    Of 12 megapixels it has 4.9 MB, as a camera's file of that size has 3 to 5.
    """
    import cv2
    import numpy as np

    rng = np.random.default_rng(index)
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = rng.integers(0, 24, (height, width, 1), dtype=np.uint8)
    pixels = cv2.add(pixels, np.repeat(noise, 3, axis=2))
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])


def make_source(folder: Path, count: int, width: int, height: int, boxes: int = 5) -> None:
    """Images and one COCO file that labels them."""
    folder.mkdir(parents=True)
    names = [f"{index:06d}.jpg" for index in range(1, count + 1)]
    with ProcessPoolExecutor(2) as pool:
        paths = [folder / name for name in names]
        done = pool.map(
            write_image, paths, range(count), [width] * count, [height] * count, chunksize=50
        )
        list(done)
    images = [
        {"id": index, "file_name": name, "width": width, "height": height}
        for index, name in enumerate(names, start=1)
    ]
    annotations = [
        {"id": index * boxes + place + 1, "image_id": index + 1, "category_id": 1, "iscrowd": 0,
         "bbox": [10 + 20 * place, 10, 18, 30], "area": 540, "segmentation": []}
        for index in range(count) for place in range(boxes)
    ]  # fmt: skip
    categories = [{"id": 1, "name": "thing"}]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(coco))


def plain(folder: Path, size: int) -> float:
    """Seconds of a plain loop: open, turn upright, RGB, resize; one process, one thread.

    It starts no process, hashes, encodes and writes nothing.
    """
    from PIL import Image, ImageOps

    started = time.perf_counter()
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            ratio = size / max(upright.size)
            upright.resize((round(upright.width * ratio), round(upright.height * ratio)))
    return time.perf_counter() - started


STAGE = """
import json, sys, time
from pathlib import Path
from reprise.machine import MachineConfig
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.preprocess import Folders, preprocess
root, size, workers, cached = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
config = DataConfig.model_validate({
    "sources": {"photos": {"url": "photos", "format": "coco"}}, "image_size": size,
    "split": {"near_duplicate_distance": None},
})
machine = MachineConfig(workers=workers, checkpoint_minutes=10.0)
folders = Folders(
    raw={"photos": root / "raw/photos"},
    processed=root / "out",
    cache=root / "cache" if cached == "cache" else None,
)
started = time.perf_counter()
preprocess(data=config, machine=machine, folders=folders)
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds}))
"""


def ours(
    root: Path, size: int, workers: int, cache: bool = False, watched: bool = False
) -> dict[str, float]:
    """The whole stage in a process of its own, its start included: decode, hash, resize,
    encode, split, pack, tables. ``mb`` is the most memory that the main process, its workers
    and their fork server had at one time (proportional set sizes, 20 samples a second); it is
    0 unless the stage is ``watched``, which slows it down."""
    # As DVC does before it runs a stage.
    shutil.rmtree(root / "out", ignore_errors=True)
    command = [sys.executable, "-c", STAGE, str(root), str(size), str(workers)]
    command.append("cache" if cache else "none")
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        stage = psutil.Popen(
            command, stdout=output, stderr=subprocess.DEVNULL, env={"PYTHONPATH": str(ROOT / "src")}
        )
        peak = 0
        while stage.poll() is None:
            if watched:
                peak = max(peak, proportional_size(stage))
            time.sleep(0.05)
        whole = time.perf_counter() - started
        if stage.returncode:
            raise SystemExit("the stage failed; run it by hand to see why")
        output.seek(0)
        seconds = json.loads(output.read().splitlines()[-1])["seconds"]
    return {"seconds": seconds, "whole": whole, "mb": peak / 2**20}


def proportional_size(process: psutil.Process) -> int:
    """Bytes of a process and all below it, shared pages counted once among them."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass
    return total


def speed(folder: Path, images: int, rounds: int) -> None:
    make_source(folder / "raw" / "photos", images, 4000, 3000)
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        base = plain(folder / "raw" / "photos", 640)
        for workers, ratios in found.items():
            ratios.append(base / ours(folder, 640, workers)["seconds"])
    for workers, ratios in found.items():
        print(
            f"{images} photographs of 12 megapixels to 640 pixels, {workers} process(es): "
            f"{statistics.median(ratios):.2f} times a plain PIL loop (median of {rounds})"
        )
    print(
        f"two processes over one: {statistics.median(found[2]) / statistics.median(found[1]):.2f}"
    )


def change(folder: Path, images: int, rounds: int) -> None:
    photos = folder / "raw" / "photos"
    make_source(photos, images, 1920, 1080)
    full = ours(folder, 640, 2, cache=True)
    shares = []
    for round_ in range(rounds):
        for index in range(0, images, 100):
            write_image(photos / f"{index + 1:06d}.jpg", images * (round_ + 1) + index, 1920, 1080)
        shares.append(ours(folder, 640, 2, cache=True)["whole"] / full["whole"])
    print(
        f"{images} images, 1% of them changed: {statistics.median(shares):.2%} of the "
        f"full run's {full['whole']:.0f} s (median of {rounds})"
    )


def memory(folder: Path, images: int) -> None:
    peaks = {}
    for count in (images // 10, images):
        root = folder / str(count)
        make_source(root / "raw" / "photos", count, 320, 240)
        peaks[count] = ours(root, 160, 2, watched=True)["mb"]
        print(f"{count} images: peak {peaks[count]:.0f} MB")
    print(f"ratio {peaks[images] / peaks[images // 10]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "change", "memory"))
    parser.add_argument("--images", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as name:
        if arguments.what == "speed":
            speed(Path(name), arguments.images or 200, arguments.rounds)
        elif arguments.what == "change":
            change(Path(name), arguments.images or 20_000, arguments.rounds)
        else:
            memory(Path(name), arguments.images or 20_000)


if __name__ == "__main__":
    main()
