"""Our training loop against a plain loop in the style of torchvision's references.

Same network (the plain one through torchvision's own constructor), images, batch, steps,
optimizer, schedule, flips, threads and workers, in turns in one run, so that a busy machine
hurts both; scored by Reprise's evaluator on the test split. The plain loop reads JPEG files
of the same pixels. Run it on an idle machine, over a dataset that the family can learn. Speed
is best compared on ResNet-50, which is the default; metrics on a MobileNet, which learns
something in the minutes that it is given here:

    python benchmarks/train_vs_torchvision.py --family faster_rcnn --dataset data/processed
    python benchmarks/train_vs_torchvision.py --variant nano --epochs 20 --dataset data/processed
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
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
FLIP = 0.5
MOST_PROPOSALS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--family", choices=["faster_rcnn", "mask_rcnn", "multilabel"], default="faster_rcnn"
    )
    add_common(parser)
    parser.add_argument(
        "--variant",
        choices=["nano", "small", "medium"],
        help="of a detector: MobileNet V3 small or large with few proposals, or ResNet-50",
    )
    parser.add_argument("--child", choices=["reprise", "torchvision"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.family == "multilabel":
        arguments.variant = "nano"
    arguments.variant = arguments.variant or "medium"
    if arguments.child:
        train = train_reprise if arguments.child == "reprise" else train_plainly
        print("RESULT " + json.dumps(train(arguments, arguments.seeds[0])))
        return
    rows = []
    for place, seed in enumerate(arguments.seeds):
        names = ["reprise", "torchvision"][:: 1 if place % 2 == 0 else -1]
        rows.append({name: one_run(__file__, name, arguments, seed) for name in names})
    show(rows, arguments, "torchvision")


def add_common(parser: argparse.ArgumentParser) -> None:
    """What every comparison with a library's loop can be told."""
    parser.add_argument("--dataset", type=Path, default=ROOT / "data" / "processed")
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--sampled", type=int, default=64, help="proposals, of small networks")
    parser.add_argument("--cache", choices=["none", "ram"], default="none", help="of ours")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)


def one_run(script: str, name: str, arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Each training in its own process."""
    told = vars(arguments) | {"seeds": seed, "dataset": arguments.dataset.resolve()}
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as folder:
        command = [sys.executable, script]
        for key, value in (told | {"child": name, "folder": folder}).items():
            command += [f"--{key.replace('_', '-')}", str(value)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        sys.exit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    result = json.loads(lines[-1].removeprefix("RESULT "))
    print(f"seed {seed} {name}: {result}", flush=True)
    return result


def parameters(arguments: argparse.Namespace, seed: int) -> Any:
    """params.yaml with the benchmark's network and lengths, as typed sections."""
    from reprise import params

    os.chdir(ROOT)
    loaded = params.load(ROOT / "params.yaml")
    values = loaded.model_dump()
    values["model"] |= {
        "type": arguments.family, "task": "auto", "weights": {}, "variant": arguments.variant,
        "architecture": getattr(arguments, "architecture", "auto"),
    }  # fmt: skip
    if has_few_proposals(arguments):
        values["model"]["first_stage"] |= {
            "sampled_proposals": arguments.sampled,
            "max_proposals": MOST_PROPOSALS,
        }
    values["training"] |= {
        "epochs": arguments.epochs, "steps": None, "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate, "optimizer": "adamw", "seed": seed,
        "mixed_precision": "none", "device": "cpu", "threads": arguments.threads, "ema_decay": 0.0,
        "cache": arguments.cache,
        # Detectron2's simple trainer clips nothing.
        "gradient_clip": 0.0 if arguments.family == "detectron2" else 10.0,
    }  # fmt: skip
    values["training"]["early_stopping"] |= {"enabled": False, "metric": "mAP"}
    values["validation"] |= {"frequency": arguments.epochs, "metrics": ["mAP"]}
    values["augmentation"] = dict.fromkeys(values["augmentation"], 0) | {
        "enabled": True,
        "flip_horizontal": FLIP,
    }
    values["machine"] |= {"workers": arguments.workers}
    return type(loaded).model_validate(values)


def has_few_proposals(arguments: argparse.Namespace) -> bool:
    """Whether the network is a small one of two stages: then it has time to learn something."""
    two_stages = "rcnn" in arguments.family or "rcnn" in getattr(arguments, "architecture", "")
    return two_stages and arguments.variant != "medium"


def train_reprise(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    from reprise.models.storage import load_model
    from reprise.training.train import train

    loaded = parameters(arguments, seed)
    out = arguments.folder
    train(
        arguments.dataset, loaded.model, loaded.training, loaded.validation, loaded.augmentation,
        arguments.image_size, loaded.machine, out / "models", out / "reports", out / "scratch",
    )  # fmt: skip
    (speeds,) = (out / "scratch" / "speed").glob("*/plots/metrics/images_per_second.tsv")
    values = [float(line.split("\t")[1]) for line in speeds.read_text().splitlines()[1:]]
    family, _ = load_model(out / "models")
    return {"images_per_second": statistics.median(values), **score(arguments, family)}


def train_plainly(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """A loop as torchvision's references write it, around torchvision's own network."""
    import torch

    from reprise.models.family import family_class

    loaded = parameters(arguments, seed)
    training = loaded.training
    torch.set_num_threads(training.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    data = open_dataset(arguments)
    family = family_class(arguments.family)(loaded.model, data.class_names, arguments.image_size)
    family.prepare(data, 0.0)
    samples = Files(data, arguments, family)
    network, loss_of = plain_network(arguments, data, family)
    rate = plain_loop(network, samples, list, loss_of, arguments, training)
    family.network.load_state_dict(network.state_dict())
    family.network.eval()
    return {"images_per_second": rate, **score(arguments, family)}


def plain_loop(
    network: Any,
    samples: Any,
    collate: Any,
    loss_of: Any,
    arguments: argparse.Namespace,
    training: Any,
) -> float:
    """Train; the median of the epochs' images/s."""
    import torch
    from torch.utils.data import DataLoader

    from reprise.training.optimizer import learning_rate_factor

    batches = math.ceil(len(samples) / training.batch_size)
    optimizer = torch.optim.AdamW(
        [weights for weights in network.parameters() if weights.requires_grad],
        training.learning_rate,
        weight_decay=training.weight_decay,
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: learning_rate_factor(
            step, batches, batches * training.epochs, training.scheduler
        ),
    )
    loader = DataLoader(
        samples, training.batch_size, shuffle=True, num_workers=arguments.workers,
        collate_fn=collate, persistent_workers=arguments.workers > 0,
    )  # fmt: skip
    rates = []
    for _ in range(training.epochs):
        network.train()
        started = time.perf_counter()
        for batch in loader:
            loss = loss_of(network, batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), training.gradient_clip)
            optimizer.step()
            scheduler.step()
        rates.append(len(samples) / (time.perf_counter() - started))
    return statistics.median(rates)


def open_dataset(arguments: argparse.Namespace) -> Any:
    from reprise.dataset import Dataset

    return Dataset(arguments.dataset)


class Files:
    """The train split as JPEG files with torchvision's targets, flipped at random."""

    def __init__(self, data: Any, arguments: argparse.Namespace, family: Any) -> None:
        from reprise.models.instance_samples import InstanceSamples

        self._classify = arguments.family == "multilabel"
        self._size = arguments.image_size
        self._paths, self._targets = [], []
        folder = arguments.folder / "images"
        folder.mkdir()
        masks = arguments.family == "mask_rcnn"
        samples = InstanceSamples(data, "train", arguments.image_size, masks=masks)
        labels = family.training_samples(data, _still(arguments), 0, 1) if self._classify else None
        rows = data.split("train")
        for index, row in enumerate(rows.itertuples()):
            path = folder / f"{row.image_id}.jpg"
            path.write_bytes(data.encoded(row.shard, row.offset, row.length))
            self._paths.append(path)
            if labels is not None:
                self._targets.append(labels[0, index]["targets"])
                continue
            sample = samples[index]
            target = {"boxes": sample["boxes"], "labels": sample["labels"] + 1}
            self._targets.append(target | ({"masks": sample["masks"]} if masks else {}))

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        import torch
        from PIL import Image
        from torchvision import tv_tensors
        from torchvision.transforms import v2
        from torchvision.transforms.v2 import functional

        with Image.open(self._paths[index]) as image:
            pixels = functional.pil_to_tensor(image.convert("RGB"))
        flip, scale = v2.RandomHorizontalFlip(FLIP), v2.ToDtype(torch.float32, scale=True)
        if self._classify:
            square = functional.resize(pixels, [self._size, self._size], antialias=True)
            return scale(flip(square)), self._targets[index]
        target = dict(self._targets[index])
        ratio = self._size / max(pixels.shape[1:])
        size = [round(side * ratio) for side in pixels.shape[1:]]
        pixels = functional.resize(pixels, size, antialias=True)
        target["boxes"] = tv_tensors.BoundingBoxes(
            target["boxes"], format="XYXY", canvas_size=pixels.shape[1:]
        )
        if "masks" in target:
            target["masks"] = tv_tensors.Mask(target["masks"])
        image, target = flip(tv_tensors.Image(pixels), target)
        return scale(image), target


def _still(arguments: argparse.Namespace) -> Any:
    loaded = parameters(arguments, 0)
    return loaded.augmentation.model_copy(update={"enabled": False})


def plain_network(arguments: argparse.Namespace, data: Any, family: Any) -> tuple[Any, Any]:
    """torchvision's network with our starting weights, and its loss of one batch."""
    import torch
    from torchvision import models
    from torchvision.models import detection
    from torchvision.transforms.v2 import functional

    classes, size = len(data.class_names), arguments.image_size
    if arguments.family == "multilabel":
        network = models.resnet18(weights=None, num_classes=classes)
        weights = family._positive_weights
        mean, std = family.normalisation["mean"], family.normalisation["std"]

        def loss_of_labels(network: Any, batch: list[Any]) -> Any:
            images = functional.normalize(torch.stack([image for image, _ in batch]), mean, std)
            targets = torch.stack([target for _, target in batch])
            return torch.nn.functional.binary_cross_entropy_with_logits(
                network(images), targets, pos_weight=weights
            )

        network.load_state_dict(family.network.state_dict())
        return network, loss_of_labels
    if not has_few_proposals(arguments):
        build = {
            "faster_rcnn": detection.fasterrcnn_resnet50_fpn,
            "mask_rcnn": detection.maskrcnn_resnet50_fpn,
        }[arguments.family]
        parts = {"weights": None, "weights_backbone": None}
        proposals, sampled = 1000, 512
    else:
        build = {"faster_rcnn": detection.FasterRCNN, "mask_rcnn": detection.MaskRCNN}[
            arguments.family
        ]
        parts = mobilenet_parts(arguments.variant)
        proposals, sampled = MOST_PROPOSALS, arguments.sampled
    network = build(
        **parts, num_classes=classes + 1, min_size=size, max_size=size,
        rpn_pre_nms_top_n_train=2 * proposals, rpn_post_nms_top_n_train=proposals,
        box_batch_size_per_image=sampled,
    )  # fmt: skip
    network.load_state_dict(family.network.state_dict())

    def loss_of_boxes(network: Any, batch: list[Any]) -> Any:
        return sum(network([image for image, _ in batch], [t for _, t in batch]).values())

    return network, loss_of_boxes


def mobilenet_parts(variant: str) -> dict[str, Any]:
    """What torchvision's MobileNet detectors are built of, at either size."""
    from torch import nn
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import mobilenet_backbone

    name = {"nano": "mobilenet_v3_small", "small": "mobilenet_v3_large"}[variant]
    return {
        "backbone": mobilenet_backbone(
            backbone_name=name, weights=None, fpn=True, norm_layer=nn.BatchNorm2d,
            trainable_layers=6,
        ),
        "rpn_anchor_generator": AnchorGenerator(
            ((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3
        ),
    }  # fmt: skip


def score(arguments: argparse.Namespace, family: Any) -> dict[str, float]:
    import torch

    from reprise.models.inference import run_split
    from reprise.scoring import compute_metrics, truth_of
    from reprise.scoring import score as score_rows

    data = open_dataset(arguments)
    device = torch.device("cpu")
    _, rows = run_split(family, family.network, data, "test", 8, device, nullcontext)
    scores = score_rows(family.task, truth_of(data, "test", family.task), rows)
    return compute_metrics(scores, ("mAP", "mAP50", "mean_iou"))


def show(
    rows: list[dict[str, Any]], arguments: argparse.Namespace, peer: str, metric: str = "mAP"
) -> None:
    speed = "images_per_second"
    ratios = [row["reprise"][speed] / row[peer][speed] for row in rows]
    print(
        f"\n{arguments.family}, {arguments.image_size} px, batch {arguments.batch_size}: images/s, "
        f"Reprise over {peer}'s loop: median {statistics.median(ratios):.3f} "
        f"({', '.join(f'{ratio:.3f}' for ratio in ratios)})"
    )
    for name in ("reprise", peer):
        values = [row[name][metric] for row in rows]
        print(
            f"test {metric} {name:12s} mean {statistics.mean(values):.4f} min {min(values):.4f} "
            f"max {max(values):.4f} over seeds {arguments.seeds}"
        )


if __name__ == "__main__":
    main()
