"""Our training loop against Detectron2's own trainer: images/s on one network.

Same images, network, batch size, optimizer, flips, threads and workers, in turns in one run,
so that a busy machine hurts both. Each has its own loader and loop: ours also averages the
weights, checks every loss and writes checkpoints. Detectron2 is optional; without it there is
nothing to compare. Run it on an idle machine, after `dvc repro preprocess`:

    python benchmarks/train_vs_detectron2.py --turns 3
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, default=ROOT / "data" / "processed")
    parser.add_argument(
        "--architecture", choices=["faster_rcnn", "retinanet"], default="faster_rcnn"
    )
    parser.add_argument("--variant", default="nano")
    parser.add_argument("--epochs", type=int, default=3, help="the first is a warm-up")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--child", choices=["reprise", "detectron2"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if importlib.util.find_spec("detectron2") is None:
        print("skipped: Detectron2 is not installed, so there is nothing to compare with.")
        return
    if arguments.child:
        speed = reprise if arguments.child == "reprise" else detectron2
        print(f"RESULT {speed(arguments)}")
        return
    ratios = []
    for turn in range(arguments.turns):
        # Turn about: what warms up or throttles the machine favours neither.
        names = ("reprise", "detectron2") if turn % 2 == 0 else ("detectron2", "reprise")
        rates = {name: one_run(name) for name in names}
        ratios.append(rates["reprise"] / rates["detectron2"])
        print(
            f"turn {turn + 1}: Reprise {rates['reprise']:.2f} images/s, "
            f"Detectron2 {rates['detectron2']:.2f}, ratio {ratios[-1]:.3f}",
            flush=True,
        )
    print(
        f"{arguments.architecture} {arguments.variant}, {arguments.image_size} px, batch "
        f"{arguments.batch_size}, {arguments.threads} threads: Reprise over Detectron2, median "
        f"{statistics.median(ratios):.3f}"
    )


def one_run(name: str) -> float:
    """Each training in its own process."""
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as folder:
        command = [sys.executable, __file__, *sys.argv[1:], "--child", name, "--folder", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        sys.exit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return float(lines[-1].removeprefix("RESULT "))


def parameters(arguments: argparse.Namespace):
    """params.yaml with the benchmark's network and lengths, as typed sections."""
    from reprise import params

    os.chdir(ROOT)
    loaded = params.load(ROOT / "params.yaml")
    values = loaded.model_dump()
    values["model"] |= {
        "type": "detectron2", "architecture": arguments.architecture,
        "variant": arguments.variant, "weights": {}, "task": "auto",
    }  # fmt: skip
    values["training"] |= {
        "epochs": arguments.epochs, "steps": None, "batch_size": arguments.batch_size,
        "learning_rate": 1e-4, "optimizer": "adamw", "mixed_precision": "none",
        "device": "cpu", "threads": arguments.threads, "gradient_accumulation_steps": 1,
    }  # fmt: skip
    values["training"]["scheduler"]["warmup_epochs"] = 1
    values["validation"]["frequency"] = arguments.epochs
    flips = {"enabled": True, "flip_horizontal": 0.5}
    values["augmentation"] = dict.fromkeys(values["augmentation"], 0) | flips
    values["machine"] |= {"workers": arguments.workers, "checkpoint_minutes": 10}
    return type(loaded).model_validate(values)


def reprise(arguments: argparse.Namespace) -> float:
    from reprise.training.train import train

    loaded = parameters(arguments)
    train(
        arguments.dataset.resolve(), loaded.model, loaded.training, loaded.validation,
        loaded.augmentation, arguments.image_size, loaded.machine, arguments.folder / "models",
        arguments.folder / "reports", arguments.folder / "scratch",
    )  # fmt: skip
    pattern = "scratch/speed/*/plots/metrics/images_per_second.tsv"
    (speeds,) = arguments.folder.glob(pattern)
    rates = [float(line.split("\t")[1]) for line in speeds.read_text().splitlines()[1:]]
    return statistics.median(rates[1:])


def detectron2(arguments: argparse.Namespace) -> float:
    import torch
    from detectron2.data import DatasetMapper, build_detection_train_loader
    from detectron2.data.transforms import RandomFlip, ResizeShortestEdge
    from detectron2.engine import HookBase, SimpleTrainer
    from detectron2.modeling import build_model

    from reprise.dataset import Dataset
    from reprise.models.detectron2_config import zoo_config
    from reprise.training.optimizer import build_optimizer

    loaded = parameters(arguments)
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(loaded.training.seed)
    data = Dataset(arguments.dataset)
    records = export(data, arguments.folder)
    network = build_model(zoo_config(loaded.model, arguments.architecture, len(data.categories)))
    size = arguments.image_size
    mapper = DatasetMapper(
        is_train=True,
        augmentations=[ResizeShortestEdge([size], size, "choice"), RandomFlip()],
        image_format="BGR",
    )
    loader = build_detection_train_loader(
        records,
        mapper=mapper,
        total_batch_size=arguments.batch_size,
        num_workers=arguments.workers,
    )
    stamps: list[float] = []

    class Clock(HookBase):
        def after_step(self) -> None:
            stamps.append(time.perf_counter())

    trainer = SimpleTrainer(network, loader, build_optimizer(network, loaded.training))
    trainer.register_hooks([Clock()])
    steps = math.ceil(len(records) / arguments.batch_size)
    trainer.train(0, steps * arguments.epochs)
    rates = [
        steps * arguments.batch_size / (stamps[end - 1] - stamps[end - 1 - steps])
        for end in range(2 * steps, steps * arguments.epochs + 1, steps)
    ]
    return statistics.median(rates)


def export(data, folder: Path) -> list[dict]:
    """The train split in the other's standard format; boxes in stored pixels."""
    from detectron2.structures import BoxMode

    rows = data.split("train")
    boxes = data.boxes_of(rows["image_id"])
    records = []
    for row in rows.itertuples():
        path = folder / f"{row.image_id:06d}.img"
        path.write_bytes(data.encoded(row.shard, row.offset, row.length))
        across, down = row.width / row.original_width, row.height / row.original_height
        annotations = [
            {
                "bbox": [b.x * across, b.y * down, b.w * across, b.h * down],
                "bbox_mode": BoxMode.XYWH_ABS,
                "category_id": b.category_id - 1,
                "iscrowd": int(b.iscrowd),
            }
            for b in boxes[row.image_id].itertuples()
        ]
        records.append(
            {
                "file_name": str(path), "image_id": row.image_id, "width": row.width,
                "height": row.height, "annotations": annotations,
            }
        )  # fmt: skip
    return records


if __name__ == "__main__":
    main()
