"""Our training loop against ultralytics' own trainer: speed, and accuracy over seeds.

Same network, images, hyper-parameters, threads, workers and epochs, in turns in one run, so
that a busy machine hurts both. Both results are scored by Reprise's evaluator on the test
split. Run it on an idle machine, after `dvc repro preprocess`:

    python benchmarks/train_vs_ultralytics.py --epochs 8 --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, default=ROOT / "data" / "processed")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--child", choices=["reprise", "ultralytics"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        train = train_reprise if arguments.child == "reprise" else train_ultralytics
        print("RESULT " + json.dumps(train(arguments, arguments.seeds[0])))
        return
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as folder:
        export(arguments.dataset, Path(folder) / "yolo")
        rows = [
            {name: one_run(name, arguments, seed, Path(folder)) for name in order}
            for seed, order in zip(
                arguments.seeds,
                # Turn about: what warms up or throttles the machine favours neither.
                [("reprise", "ultralytics"), ("ultralytics", "reprise")] * len(arguments.seeds),
                strict=False,
            )
        ]
    show(rows, arguments.seeds)


def one_run(name: str, arguments: argparse.Namespace, seed: int, folder: Path) -> dict:
    """Each training in its own process: the library changes global state."""
    command = [
        sys.executable, __file__, "--child", name, "--folder", str(folder), "--seeds", str(seed),
        "--epochs", str(arguments.epochs), "--dataset", str(arguments.dataset.resolve()),
        "--image-size", str(arguments.image_size), "--workers", str(arguments.workers),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        sys.exit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    result = json.loads(lines[-1].removeprefix("RESULT "))
    print(f"seed {seed} {name}: {result}", flush=True)
    return result


def parameters(arguments: argparse.Namespace, seed: int):
    """params.yaml with the benchmark's lengths, as typed sections."""
    from reprise import params

    os.chdir(ROOT)
    loaded = params.load(ROOT / "params.yaml")
    training = loaded.training.model_copy(
        update={"epochs": arguments.epochs, "seed": seed, "device": "cpu"}
    )
    return loaded, training


def train_reprise(arguments: argparse.Namespace, seed: int) -> dict:
    from reprise.training.train import train

    loaded, training = parameters(arguments, seed)
    # Both start from random weights.
    network = loaded.model.model_copy(update={"weights": {}})
    # As the other trainer does: score val after each epoch, and keep the best by mAP.
    stopping = loaded.training.early_stopping.model_copy(update={"metric": "mAP", "enabled": False})
    training = training.model_copy(update={"early_stopping": stopping})
    validation = loaded.validation.model_copy(update={"frequency": 1})
    out = arguments.folder / f"reprise-{seed}"
    machine = loaded.machine.model_copy(update={"workers": arguments.workers})
    train(
        arguments.dataset, network, training, validation, loaded.augmentation,
        arguments.image_size, machine, out / "models", out / "reports", out / "scratch",
    )  # fmt: skip
    (speeds,) = (out / "scratch" / "speed").glob("*/plots/metrics/images_per_second.tsv")
    values = [float(line.split("\t")[1]) for line in speeds.read_text().splitlines()[1:]]
    from reprise.models.storage import load_model

    family, _ = load_model(out / "models")
    return {"images_per_second": statistics.median(values), **score(arguments, family)}


def train_ultralytics(arguments: argparse.Namespace, seed: int) -> dict:
    import torch

    loaded, training = parameters(arguments, seed)
    torch.set_num_threads(training.threads)
    import reprise.models.yolo.library  # noqa: F401 - isolates the library
    from reprise.models.yolo.family import Yolo

    os.environ["YOLO_CONFIG_DIR"] = tempfile.mkdtemp(dir=arguments.folder)
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.utils import SETTINGS

    from reprise.training.optimizer import learning_rate_factor

    SETTINGS.update({name: False for name in SETTINGS if name in ("dvc", "sync", "wandb")})
    a, s = loaded.augmentation, training.scheduler
    images = len(list((arguments.folder / "yolo" / "images" / "train").iterdir()))
    names = (arguments.folder / "yolo" / "names.txt").read_text().split("\n")
    family = Yolo(loaded.model, names, arguments.image_size)
    trainer = DetectionTrainer(
        overrides={
            "model": f"{family.architecture}{loaded.model.variant[0]}.yaml",
            "data": str(arguments.folder / "yolo" / "data.yaml"),
            "project": str(arguments.folder), "name": f"ultralytics-{seed}",
            "imgsz": arguments.image_size, "epochs": training.epochs, "seed": seed,
            "batch": training.batch_size, "nbs": training.batch_size, "device": "cpu",
            "workers": arguments.workers, "optimizer": "AdamW", "lr0": training.learning_rate,
            "momentum": training.momentum, "weight_decay": training.weight_decay,
            "warmup_epochs": 0, "amp": False, "pretrained": False,
            "mosaic": a.mosaic, "close_mosaic": a.close_mosaic_epochs, "mixup": a.mixup,
            "fliplr": a.flip_horizontal, "flipud": a.flip_vertical, "degrees": a.rotation,
            "translate": a.translation, "scale": a.scale, "hsv_h": a.hue,
            "hsv_s": a.saturation, "hsv_v": a.brightness, "erasing": 0.0, "plots": False,
            "patience": 0, "verbose": False,
        }
    )  # fmt: skip
    batches = math.ceil(images / training.batch_size)
    steps = iter(range(batches * training.epochs))

    def set_learning_rate(trainer) -> None:
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
    # The file that this very process has just written.
    content = torch.load(trainer.best, weights_only=False)
    model = content["ema"] or content["model"]
    family.network.load_state_dict(model.float().state_dict())
    family.network.eval()
    return {
        "images_per_second": images / statistics.median(seconds),
        **score(arguments, family),
    }


def score(arguments: argparse.Namespace, family) -> dict:
    import torch

    from reprise.dataset import Dataset
    from reprise.models.inference import run_split
    from reprise.scoring.detections import score_detections

    data = Dataset(arguments.dataset)
    _, rows = run_split(family, family.network, data, "test", 16, torch.device("cpu"), nullcontext)
    metrics = score_detections(data.ground_truth("test"), rows).summary
    return {"mAP": metrics["mAP"], "mAP50": metrics["mAP50"]}


def export(dataset: Path, out: Path) -> None:
    """The dataset as the folder of images and label files that the other trainer reads."""
    from reprise.dataset import Dataset

    data = Dataset(dataset)
    for split in ("train", "val"):
        rows = data.split(split)
        boxes = data.boxes_of(rows["image_id"])
        for kind in ("images", "labels"):
            (out / kind / split).mkdir(parents=True)
        for row in rows.itertuples():
            stem = f"{row.image_id:06d}"
            image = data.encoded(row.shard, row.offset, row.length)
            (out / "images" / split / f"{stem}.jpg").write_bytes(image)
            lines = [
                f"{b.category_id - 1} {(b.x + b.w / 2) / row.original_width:.6f} "
                f"{(b.y + b.h / 2) / row.original_height:.6f} "
                f"{b.w / row.original_width:.6f} {b.h / row.original_height:.6f}"
                for b in boxes[row.image_id].itertuples()
            ]
            (out / "labels" / split / f"{stem}.txt").write_text("\n".join(lines))
    names = dict(enumerate(data.class_names))
    text = f"path: {out}\ntrain: images/train\nval: images/val\nnames: {json.dumps(names)}\n"
    (out / "data.yaml").write_text(text)
    (out / "names.txt").write_text("\n".join(data.class_names))


def show(rows: list[dict], seeds: list[int]) -> None:
    speed = "images_per_second"
    ratios = [row["reprise"][speed] / row["ultralytics"][speed] for row in rows]
    print(f"\nimages/s, Reprise over ultralytics: median {statistics.median(ratios):.3f} "
          f"({', '.join(f'{ratio:.3f}' for ratio in ratios)})")  # fmt: skip
    for metric in ("mAP50", "mAP"):
        for name in ("reprise", "ultralytics"):
            values = [row[name][metric] for row in rows]
            print(
                f"test {metric} {name:11s} mean {statistics.mean(values):.4f} "
                f"min {min(values):.4f} max {max(values):.4f} over seeds {seeds}"
            )


if __name__ == "__main__":
    main()
