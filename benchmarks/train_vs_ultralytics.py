"""Our training loop against ultralytics' own trainer: speed, and accuracy over seeds.

Same network, images, hyper-parameters, threads, workers and epochs, in turns in one run, so
that a busy machine hurts both. Both results are scored by Reprise's evaluator on the test
split. Run it on an idle machine, after `dvc repro preprocess`:

    python benchmarks/train_vs_ultralytics.py --epochs 8 --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparison import ROOT, compare, open_dataset, score, train_with

if TYPE_CHECKING:
    from reprise.dataset import Dataset
    from reprise.params import Params

# Of training.mixed_precision, what the other trainer calls it.
AMP = {"none": False, "bf16": "bf16", "fp16": True}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=["yolo"], default="yolo")
    parser.add_argument("--dataset", type=Path, default=ROOT / "data" / "processed")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--variant", default="nano")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--precision", choices=["none", "bf16", "fp16"], default="none")
    parser.add_argument("--compile", type=int, choices=[0, 1], default=0, help="of ours")
    parser.add_argument("--child", choices=["reprise", "ultralytics"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    compare(
        __file__,
        arguments,
        "ultralytics",
        train_ultralytics,
        metrics=("mAP50", "mAP"),
        train_ours=train_reprise,
    )


def parameters(arguments: argparse.Namespace, seed: int) -> Params:
    """params.yaml with the benchmark's lengths, as typed sections."""
    from reprise import params

    os.chdir(ROOT)
    loaded = params.load(ROOT / "params.yaml")
    values = loaded.model_dump()
    # Both start from random weights.
    values["model"] |= {"weights": {}, "variant": arguments.variant}
    values["training"] |= {
        "epochs": arguments.epochs, "seed": seed, "batch_size": arguments.batch_size,
        "device": arguments.device, "mixed_precision": arguments.precision,
        "compile": bool(arguments.compile),
    }  # fmt: skip
    # As the other trainer does: score val after each epoch, and keep the best by mAP.
    values["training"]["early_stopping"] |= {"metric": "mAP", "enabled": False}
    values["validation"] |= {"frequency": 1}
    values["machine"] |= {"workers": arguments.workers}
    return type(loaded).model_validate(values)


def train_reprise(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    return train_with(arguments, parameters(arguments, seed))


def train_ultralytics(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    import torch

    loaded = parameters(arguments, seed)
    training = loaded.training
    data = open_dataset(arguments)
    export(data, arguments.folder / "yolo")
    torch.set_num_threads(training.threads)
    import reprise.models.yolo.library  # noqa: F401 - isolates the library
    from reprise.models.yolo.family import Yolo

    os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp(dir=arguments.folder)
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.utils import SETTINGS

    # It would fetch weights to try fp16 on; what it tries is what is measured here.
    engine: Any = importlib.import_module("ultralytics.engine.trainer")
    engine.check_amp = lambda _: True

    from reprise.models.inference import choose_device
    from reprise.training.optimizer import learning_rate_factor
    from reprise.training.runtime import peak_gib

    settings: Any = SETTINGS
    settings.update({name: False for name in SETTINGS if name in ("dvc", "sync", "wandb")})
    a, s = loaded.augmentation, training.scheduler
    images = len(list((arguments.folder / "yolo" / "images" / "train").iterdir()))
    family = Yolo(loaded.model, data.class_names, arguments.image_size)
    # Typed loosely: the library declares few types.
    trainer: Any = DetectionTrainer(
        overrides={
            "model": f"{family.architecture}{loaded.model.variant[0]}.yaml",
            "data": str(arguments.folder / "yolo" / "data.yaml"),
            "project": str(arguments.folder), "name": f"ultralytics-{seed}",
            "imgsz": arguments.image_size, "epochs": training.epochs, "seed": seed,
            "batch": training.batch_size, "nbs": training.batch_size,
            "device": "0" if arguments.device == "cuda" else "cpu",
            "workers": arguments.workers, "optimizer": "AdamW", "lr0": training.learning_rate,
            "momentum": training.momentum, "weight_decay": training.weight_decay,
            "warmup_epochs": 0, "amp": AMP[arguments.precision], "pretrained": False,
            "mosaic": a.mosaic, "close_mosaic": a.close_mosaic_epochs, "mixup": a.mixup,
            "fliplr": a.flip_horizontal, "flipud": a.flip_vertical, "degrees": a.rotation,
            "translate": a.translation, "scale": a.scale, "hsv_h": a.hue,
            "hsv_s": a.saturation, "hsv_v": a.brightness, "erasing": 0.0, "plots": False,
            "patience": 0, "verbose": False,
        }
    )  # fmt: skip
    batches = math.ceil(images / training.batch_size)
    steps = iter(range(batches * training.epochs))

    def set_learning_rate(trainer: Any) -> None:
        # Its own schedule falls once an epoch and ours at each step, which over a few epochs is
        # another learning rate; this comparison is of the rest.
        factor = learning_rate_factor(next(steps), batches, batches * training.epochs, s)
        for group in trainer.optimizer.param_groups:
            group["lr"] = training.learning_rate * factor

    trainer.add_callback("on_train_batch_start", set_learning_rate)
    started: list[float] = []
    seconds: list[float] = []
    trainer.add_callback("on_train_epoch_start", lambda _: started.append(time.perf_counter()))
    trainer.add_callback(
        "on_train_epoch_end", lambda _: seconds.append(time.perf_counter() - started[-1])
    )
    trainer.train()
    peak = peak_gib(choose_device(arguments.device))
    # The file that this very process has just written.
    content = torch.load(trainer.best, weights_only=False)
    model = content["ema"] or content["model"]
    family.network.load_state_dict(model.float().state_dict())
    family.network.eval()
    return {
        "images_per_second": images / statistics.median(seconds),
        "peak_gib": peak,
        **score(arguments, family),
    }


def export(data: Dataset, out: Path) -> None:
    """The dataset as the folder of images and label files that the other trainer reads."""
    for split in ("train", "val"):
        rows = data.split(split)
        boxes = data.boxes_of(rows["image_id"])
        for kind in ("images", "labels"):
            (out / kind / split).mkdir(parents=True)
        # Typed loosely: pandas' stubs give a named row no types of its columns.
        row: Any
        for row in rows.itertuples():
            stem = f"{row.image_id:06d}"
            image = data.encoded(row.shard, row.offset, row.length)
            (out / "images" / split / f"{stem}.jpg").write_bytes(image)
            own: list[Any] = list(boxes[row.image_id].itertuples())
            lines = [
                f"{b.category_id - 1} {(b.x + b.w / 2) / row.original_width:.6f} "
                f"{(b.y + b.h / 2) / row.original_height:.6f} "
                f"{b.w / row.original_width:.6f} {b.h / row.original_height:.6f}"
                for b in own
            ]
            (out / "labels" / split / f"{stem}.txt").write_text("\n".join(lines))
    names = dict(enumerate(data.class_names))
    text = f"path: {out}\ntrain: images/train\nval: images/val\nnames: {json.dumps(names)}\n"
    (out / "data.yaml").write_text(text)


if __name__ == "__main__":
    main()
