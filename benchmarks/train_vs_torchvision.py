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
import math
import statistics
import time
from typing import TYPE_CHECKING, Any

from comparison import (
    FLIP,
    MOST_PROPOSALS,
    add_common,
    compare,
    has_few_proposals,
    open_dataset,
    parameters,
    score,
)

if TYPE_CHECKING:
    from reprise.dataset import Dataset
    from reprise.models.config import AugmentationConfig
    from reprise.training.config import TrainingConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--family", choices=["faster_rcnn", "mask_rcnn", "multilabel"], default="faster_rcnn"
    )
    add_common(parser, "torchvision")
    parser.add_argument(
        "--variant",
        choices=["nano", "small", "medium"],
        help="of a detector: MobileNet V3 small or large with few proposals, or ResNet-50",
    )
    arguments = parser.parse_args()
    if arguments.family == "multilabel":
        arguments.variant = "nano"
    arguments.variant = arguments.variant or "medium"
    compare(__file__, arguments, "torchvision", train_plainly)


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
    training: TrainingConfig,
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


class Files:
    """The train split as JPEG files with torchvision's targets, flipped at random."""

    def __init__(self, data: Dataset, arguments: argparse.Namespace, family: Any) -> None:
        from reprise.models.instance_samples import InstanceSamples

        self._classify = arguments.family == "multilabel"
        self._size = arguments.image_size
        self._paths, self._targets = [], []
        folder = arguments.folder / "images"
        folder.mkdir()
        masks = arguments.family == "mask_rcnn"
        samples = InstanceSamples(data, "train", arguments.image_size, masks=masks)
        labels = family.training_samples(data, _still(arguments), 0, 1) if self._classify else None
        row: Any
        for index, row in enumerate(data.split("train").itertuples()):
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


def _still(arguments: argparse.Namespace) -> AugmentationConfig:
    loaded = parameters(arguments, 0)
    return loaded.augmentation.model_copy(update={"enabled": False})


def plain_network(arguments: argparse.Namespace, data: Dataset, family: Any) -> tuple[Any, Any]:
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


if __name__ == "__main__":
    main()
