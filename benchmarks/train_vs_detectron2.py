"""Our training loop against Detectron2's own trainer.

Same network and starting weights, images, batch, steps, optimizer, schedule, flips, threads and
workers, in turns in one run, so that a busy machine hurts both; scored by Reprise's evaluator
on the test split. Each has its own loader and loop; its trainer reads JPEG files of the same
pixels. Detectron2 is optional; without it there is nothing to compare. Run it on an idle
machine, over a dataset that the network can learn:

    python benchmarks/train_vs_detectron2.py --dataset data/processed --epochs 20
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import statistics
import time
from pathlib import Path
from typing import Any

from comparison import FLIP, add_common, compare, open_dataset, parameters, score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=["detectron2"], default="detectron2")
    add_common(parser, "detectron2")
    parser.add_argument(
        "--architecture", choices=["faster_rcnn", "retinanet"], default="faster_rcnn"
    )
    parser.add_argument("--variant", choices=["nano", "small", "medium"], default="nano")
    arguments = parser.parse_args()
    if importlib.util.find_spec("detectron2") is None:
        print("skipped: Detectron2 is not installed, so there is nothing to compare with.")
        return
    compare(__file__, arguments, "detectron2", train_by_its_own)


def train_by_its_own(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Detectron2's loader, mapper and trainer, around the network that the family builds."""
    import torch
    from detectron2.data import DatasetMapper, build_detection_train_loader
    from detectron2.data.transforms import RandomFlip, ResizeShortestEdge
    from detectron2.engine import HookBase, SimpleTrainer, hooks
    from detectron2.modeling import build_model

    from reprise.models.detectron2.zoo import zoo_config
    from reprise.models.family import family_class
    from reprise.training.optimizer import build_optimizer, learning_rate_factor

    loaded = parameters(arguments, seed)
    training = loaded.training
    torch.set_num_threads(training.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    data = open_dataset(arguments)
    family = family_class("detectron2")(loaded.model, data.class_names, arguments.image_size)
    network = build_model(zoo_config(loaded.model, arguments.architecture, len(data.categories)))
    network.load_state_dict(family.network.state_dict())
    records = export(data, arguments.folder)
    size = arguments.image_size
    mapper = DatasetMapper(
        is_train=True,
        augmentations=[ResizeShortestEdge([size], size, "choice"), RandomFlip(FLIP)],
        image_format="BGR",
    )
    loader = build_detection_train_loader(
        records,
        mapper=mapper,
        total_batch_size=arguments.batch_size,
        num_workers=arguments.workers,
    )
    steps = math.ceil(len(records) / arguments.batch_size)
    stamps = [time.perf_counter()]

    class Clock(HookBase):  # type: ignore[misc] # untyped library
        def after_step(self) -> None:
            stamps.append(time.perf_counter())

    optimizer = build_optimizer(network, training)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: learning_rate_factor(step, steps, steps * training.epochs, training.scheduler),
    )
    trainer = SimpleTrainer(network, loader, optimizer)
    trainer.register_hooks([Clock(), hooks.LRScheduler(optimizer, schedule)])
    trainer.train(0, steps * training.epochs)
    rates = [
        len(records) / (stamps[end] - stamps[end - steps])
        for end in range(steps, steps * training.epochs + 1, steps)
    ]
    family.network.load_state_dict(network.state_dict())
    family.network.eval()
    return {"images_per_second": statistics.median(rates), **score(arguments, family)}


def export(data: Any, folder: Path) -> list[dict[str, Any]]:
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
