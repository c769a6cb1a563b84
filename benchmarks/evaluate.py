"""Our scoring against pycocotools' on one large split: processor time, peak memory, numbers.

    python benchmarks/evaluate.py [--images 5000] [--detections 300000] [--resamples 1000]

Each runs in a process of its own, one after the other, from the files to the twelve numbers of
boxes. Ours also makes the curves and the metrics at the threshold. A third process draws the
images again, as the evaluate stage does for its intervals.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--detections", type=int, default=300_000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        # Of the processor: it is the same on a machine that does something else beside.
        started = time.process_time()
        numbers = CHILDREN[arguments.child](arguments.folder, arguments.resamples)
        seconds = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "mib": peak, "numbers": numbers}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_split(folder, arguments.images, arguments.detections)
        compare(folder, arguments.resamples)


def compare(folder: Path, resamples: int) -> None:
    """Run each in its own process and print what it took."""
    found: dict[str, Any] = {}
    for child in CHILDREN:
        command = [sys.executable, __file__, "--child", child, "--folder", str(folder)]
        command += ["--resamples", str(resamples)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[child] = json.loads(told.splitlines()[-1])
        took, peak = found[child]["seconds"], found[child]["mib"]
        print(f"{child:12s} {took:8.2f} s {peak:8.0f} MiB", flush=True)
    ours, theirs = found["reprise"], found["pycocotools"]
    apart = max(abs(a - b) for a, b in zip(ours["numbers"], theirs["numbers"], strict=True))
    print(f"largest difference of the twelve numbers: {apart:.1e}")
    print(f"as fast: {theirs['seconds'] / ours['seconds']:.1f} times")
    print(f"memory: {ours['mib'] / theirs['mib']:.2f} of pycocotools'")
    share = found["bootstrap"]["seconds"] / theirs["seconds"]
    print(f"scoring and {resamples} resamples: {share:.2f} of one evaluation by pycocotools")


def write_split(folder: Path, images: int, detections: int) -> None:
    """Ground truth and detections like COCO's: 7 objects an image, most detections false."""
    rng = np.random.default_rng(0)
    count = images * 7
    image, category = rng.integers(1, images + 1, count), rng.zipf(1.3, count) % CLASSES + 1
    size = np.exp(rng.normal(4.2, 1, (count, 2))).clip(4, 400).round(2)
    place = (rng.random((count, 2)) * (640 - size)).clip(0).round(2)
    boxes = np.hstack([place, size])
    truth = {
        "info": {},
        "images": [
            {"id": n, "width": 640, "height": 640, "file_name": f"{n}.jpg"}
            for n in range(1, images + 1)
        ],
        "categories": [{"id": n, "name": str(n)} for n in range(1, CLASSES + 1)],
        "annotations": [
            {
                "id": n + 1,
                "image_id": int(image[n]),
                "category_id": int(category[n]),
                "bbox": boxes[n].tolist(),
                "area": float(size[n].prod()),
                "iscrowd": int(n % 60 == 0),
                "segmentation": [],
            }
            for n in range(count)
        ],
    }
    near = rng.integers(0, count, detections)
    on_object = rng.random(detections) < 0.35
    moved = boxes[near] + rng.normal(0, 0.08, (detections, 4)) * np.tile(size[near], 2)
    moved[:, 2:] = moved[:, 2:].clip(1)
    moved[~on_object, :2] = rng.random(((~on_object).sum(), 2)) * 600
    score = (rng.beta(1, 5, detections) + 0.5 * on_object * rng.random(detections)).clip(0, 1)
    where = np.where(on_object, image[near], rng.integers(1, images + 1, detections))
    rows = [
        {
            "image_id": int(where[n]),
            "category_id": int(category[near[n]]),
            "bbox": moved[n].round(2).tolist(),
            "score": round(float(score[n]), 5),
        }
        for n in range(detections)
    ]
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "predictions.json").write_text(json.dumps(rows))


def run_pycocotools(folder: Path, _: int) -> list[float]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "truth.json"))
        evaluator = COCOeval(truth, truth.loadRes(str(folder / "predictions.json")), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float(value) for value in evaluator.stats]


def _score(folder: Path) -> Any:
    from reprise.predictions import read_predictions
    from reprise.scoring import score

    truth = json.loads((folder / "truth.json").read_text())
    return score("detect", truth, read_predictions(folder / "predictions.json"))


def run_reprise(folder: Path, _: int) -> list[float]:
    from reprise.scoring import compute_metrics

    scores = _score(folder)
    compute_metrics(scores)
    scores.per_class, scores.class_curves  # noqa: B018
    return list(scores.summary.values())


def run_bootstrap(folder: Path, resamples: int) -> list[float]:
    from reprise.evaluation.config import BootstrapConfig
    from reprise.evaluation.intervals import intervals

    scores = _score(folder)
    images = [str(image_id) for image_id in scores.matched.image_ids]
    found = intervals(scores, images, BootstrapConfig(resamples=resamples, seed=0))
    return list(found.metrics["mAP"])


CHILDREN = {
    "pycocotools": run_pycocotools,
    "reprise": run_reprise,
    "bootstrap": run_bootstrap,
}

if __name__ == "__main__":
    main()
