"""The R-CNN families: torchvision's Faster R-CNN (boxes) and Mask R-CNN (boxes and masks)."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import torch
from torch.nn import functional

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.masks.resize import paste_mask
from reprise.masks.rle import encode_mask
from reprise.models.augment import SUPPORTED
from reprise.models.choices import check_image_size, choose_architecture, choose_task
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Batch, Family, Weigh, weighed
from reprise.models.instance_samples import InstanceSamples, require_masks
from reprise.models.rcnn.network import BACKBONES, STRIDE, build_detector
from reprise.predictions import prediction
from reprise.scoring import Task

# Of ImageNet's pixels in [0, 1], which published weights were trained on.
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
# The networks' own, finest level first.
ANCHOR_SIZES = [32, 64, 128, 256, 512]


class FasterRcnn(Family):
    """Detection with Faster R-CNN on a feature pyramid.

    The variant is the backbone: MobileNetV3 small and large, ResNet-50, 101 and 152; the
    architecture is ``fpn``, or ``fpn_v2`` with deeper heads. Batch norms are trained when the
    network starts from random weights, and frozen when ``model.weights`` has an entry for the
    family.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("detect",)
    architectures: ClassVar[tuple[str, ...]] = ("fpn", "fpn_v2")
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED | {
        "model.freeze",
        "model.first_stage",
        "training.label_smoothing",
    }
    reduction: ClassVar[Literal["sum", "mean"]] = "mean"

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        self.task = choose_task(type(self), config.type, config.task)
        self.architecture = choose_architecture(type(self), config.type, config.architecture)
        check_image_size(config.type, image_size)
        self._masks = self.task == "segment"
        self._image_size = image_size
        self._detector = build_detector(
            config,
            self.architecture,
            _anchor_sizes(config),
            len(class_names),
            masks=self._masks,
            pretrained=config.weights.get(config.type) is not None,
        )
        self.network: torch.nn.Module = self._detector
        self.normalisation = {"mean": list(MEAN), "std": list(STD)}

    def remap_state_dict(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A weights file's tensors under this network's names."""
        return published_names(tensors)

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:  # noqa: ARG002
        self._detector.roi_heads.label_smoothing = label_smoothing

    def training_samples(
        self,
        dataset: Dataset,
        augmentation: AugmentationConfig,
        seed: int,
        epochs: int,  # noqa: ARG002 - nothing changes towards the end
    ) -> InstanceSamples:
        return InstanceSamples(dataset, "train", self._image_size, self._masks, augmentation, seed)

    def evaluation_samples(self, dataset: Dataset, split: str) -> InstanceSamples:
        return InstanceSamples(dataset, split, self._image_size, self._masks)

    def collate(self, samples: list[Any]) -> Batch:
        return collate(samples)

    def loss(
        self, network: torch.nn.Module, batch: Batch, weigh: Weigh = torch.ones_like
    ) -> dict[str, torch.Tensor]:
        images = normalised(batch["images"], batch["sizes"])
        losses = network(images, batch["sizes"], _targets(batch))[0]
        return weighed(losses, self._detector.counts(), weigh)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
        images = normalised(batch["images"], batch["sizes"])
        # The losses look at a sample of the proposals: the same each time, and training goes
        # on from the random state that it left.
        with torch.random.fork_rng([images.device] if images.is_cuda else []):
            torch.manual_seed(0)
            losses, found = network(images, batch["sizes"], _targets(batch))
        rows: list[dict[str, Any]] = []
        for image_id, size, original, detections in zip(
            batch["image_ids"], batch["sizes"], batch["originals"], found, strict=True
        ):
            rows += to_original(image_id, size, original, detections)
        return losses, rows

    def backbone(self) -> list[torch.nn.Module]:
        return [self._detector.backbone.get_submodule("body")]

    def target_boxes(self, batch: Batch) -> list[list[tuple[int, float, float, float, float]]]:
        return [
            [
                (int(label), left, top, right, bottom)
                for label, (left, top, right, bottom) in zip(
                    labels.tolist(), boxes.tolist(), strict=True
                )
            ]
            for labels, boxes in zip(
                batch["labels"].split(batch["counts"]),
                batch["boxes"].split(batch["counts"]),
                strict=True,
            )
        ]


class MaskRcnn(FasterRcnn):
    """Instance segmentation with Mask R-CNN; see :class:`FasterRcnn`."""

    tasks: ClassVar[tuple[Task, ...]] = ("segment",)

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:
        require_masks(dataset, "mask_rcnn")
        super().prepare(dataset, label_smoothing)


def collate(samples: list[dict[str, Any]]) -> Batch:
    """Images of several shapes in one batch, padded at the right and below.

    Returns:
        ``images`` uint8 (n, 3, h, w) RGB, h and w multiples of the stride; ``sizes``, of each
        (height, width) without padding; ``counts``, of each its number of objects; of all
        objects ``boxes`` float32 (k, 4) xyxy in pixels, ``labels`` int64 (k,) from 0 and, if
        the samples have them, ``masks`` uint8 (k, h, w); ``image_ids``; and ``originals``,
        (height, width) of the upright originals.
    """
    sizes = [tuple(sample["image"].shape[1:]) for sample in samples]
    height, width = (-(-max(side) // STRIDE) * STRIDE for side in zip(*sizes, strict=True))
    padding = [(0, width - w, 0, height - h) for h, w in sizes]
    batch: Batch = {
        "images": torch.stack(
            [functional.pad(s["image"], p) for s, p in zip(samples, padding, strict=True)]
        ),
        "sizes": sizes,
        "counts": [len(sample["labels"]) for sample in samples],
        "boxes": torch.cat([sample["boxes"] for sample in samples]),
        "labels": torch.cat([sample["labels"] for sample in samples]),
        "image_ids": [sample["image_id"] for sample in samples],
        "originals": [sample["original"] for sample in samples],
    }
    if "masks" in samples[0]:
        batch["masks"] = torch.cat(
            [functional.pad(s["masks"], p) for s, p in zip(samples, padding, strict=True)]
        )
    return batch


def normalised(images: torch.Tensor, sizes: list[tuple[int, int]]) -> torch.Tensor:
    """uint8 to float, mean 0 and deviation 1 over ImageNet; the padding is 0."""
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    pixels = (images.float() / 255 - mean) / std
    for image, (height, width) in zip(pixels, sizes, strict=True):
        image[:, height:] = 0
        image[:, :, width:] = 0
    return pixels


def _targets(batch: Batch) -> list[dict[str, torch.Tensor]]:
    """The objects of each image, as the network takes them: class 0 is background."""
    whole = {"boxes": batch["boxes"], "labels": batch["labels"] + 1}
    if "masks" in batch:
        whole["masks"] = batch["masks"]
    parts = [tensor.split(batch["counts"]) for tensor in whole.values()]
    return [dict(zip(whole, values, strict=True)) for values in zip(*parts, strict=True)]


def to_original(
    image_id: int,
    size: tuple[int, int],
    original: tuple[int, int],
    detections: dict[str, torch.Tensor],
) -> list[dict[str, Any]]:
    """Detections in network pixels -> the prediction contract.

    Args:
        image_id: Of the images table.
        size: (height, width) of the network's image, without padding.
        original: (height, width) of the upright original.
        detections: As of :class:`reprise.models.rcnn.network.Detector`.
    """
    down, across = original[0] / size[0], original[1] / size[1]
    scale = torch.tensor([across, down, across, down], dtype=torch.float64)
    boxes = (detections["boxes"].cpu().double() * scale).tolist()
    masks: list[Any] = [None] * len(boxes)
    if "masks" in detections:
        probabilities = detections["masks"][:, 0].float().cpu().numpy()
        masks = [
            encode_mask(paste_mask(inside, box, original))
            for inside, box in zip(probabilities, boxes, strict=True)
        ]
    return [
        prediction(image_id, label, (x1, y1, x2 - x1, y2 - y1), score, mask)
        for (x1, y1, x2, y2), score, label, mask in zip(
            boxes,
            detections["scores"].tolist(),
            detections["labels"].tolist(),
            masks,
            strict=True,
        )
    ]


def _anchor_sizes(config: ModelConfig) -> tuple[tuple[int, ...], ...]:
    """Sides of the anchors by feature level, in pixels."""
    sizes = config.first_stage.anchor_sizes or ANCHOR_SIZES
    if BACKBONES[config.variant].startswith("mobilenet"):
        # Its coarse levels carry every size, as published.
        return (tuple(sizes),) * 3
    if len(sizes) != len(ANCHOR_SIZES) or sorted(sizes) != sizes:
        raise RepriseError(
            f"model.first_stage.anchor_sizes: {sizes} does not fit the {len(ANCHOR_SIZES)} "
            f"feature levels of {config.type} {config.variant}.",
            f"give {len(ANCHOR_SIZES)} sizes, the smallest first, such as "
            f"{[size // 2 for size in ANCHOR_SIZES]}, or none to take {ANCHOR_SIZES}.",
        )
    return tuple((size,) for size in sizes)


def published_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A published file's tensors under the names that the network has today.

    torchvision's first detectors are published with older names for the convolutions of the
    proposals' head and of the mask head; a classifier's file (ImageNet) names its layers as
    the backbone's body does, without the path to it.
    """
    if "conv1.weight" in tensors:
        return {f"backbone.body.{name}": tensor for name, tensor in tensors.items()}
    if "features.0.0.weight" in tensors:
        return {
            f"backbone.body.{name.removeprefix('features.')}": tensor
            for name, tensor in tensors.items()
        }
    return {_current_name(name): tensor for name, tensor in tensors.items()}


def _current_name(name: str) -> str:
    name = re.sub(r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1", name)
    name = re.sub(r"^(backbone\.fpn\.\w+_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2", name)
    old = re.match(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$", name)
    return f"roi_heads.mask_head.{int(old[1]) - 1}.0.{old[2]}" if old else name
