"""The YOLO family: ultralytics' networks, loss and non-maximum suppression.

Jocher et al., Ultralytics YOLO (AGPL-3.0). The loss is the task-aligned assignment of
Feng et al., TOOD (2021), with distribution focal loss (Li et al., 2020).
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import torch

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Batch, Family, Outputs, TargetBox
from reprise.models.loss import LossPart
from reprise.models.yolo.library import IterableSimpleNamespace, non_max_suppression, tasks
from reprise.models.yolo.samples import (
    SUPPORTED,
    EvaluationSamples,
    Pixels,
    TrainingSamples,
    collate,
)
from reprise.models.yolo.segments import masks_of
from reprise.predictions import prediction
from reprise.scoring import Task

# Gains of the loss parts that the family was published with; box is also that of masks.
LOSS_GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
# The last layer of the class head, of which YOLO26 has two.
CLASS_HEAD = re.compile(r"^model\.\d+\.(one2one_)?cv3\.\d+\.2\.(weight|bias)$")
# A low threshold: average precision needs the whole curve.
MINIMUM_SCORE = 0.001


class Yolo(Family):
    """Boxes or masks with YOLOv8, YOLO11 or YOLO26."""

    tasks: ClassVar[tuple[Task, ...]] = ("detect", "segment")
    architectures: ClassVar[tuple[str, ...]] = ("yolo11", "yolov8", "yolo26")
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED | {
        "model.freeze",
        "model.carry_over_classes",
    }
    resizing: ClassVar[str] = (
        "the longest side becomes longest_side pixels (bilinear); then grey (114) on all sides, "
        "the picture in the middle, so that both sides are multiples of 32"
    )

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        super().__init__(config, class_names, image_size)
        segments = self.task == "segment"
        kind: Any = tasks.SegmentationModel if segments else tasks.DetectionModel
        description = tasks.yaml_model_load(
            f"{self.architecture}{config.variant[0]}{'-seg' if segments else ''}.yaml"
        )
        detector = kind(description, ch=3, nc=len(class_names), verbose=False)
        detector.args = IterableSimpleNamespace(**LOSS_GAINS, epochs=1, overlap_mask=True)
        self.network: torch.nn.Module = detector
        self._detector = detector
        # YOLO26 learns masks with a second head, of classes for each pixel, in training alone.
        self._semantic = self.architecture == "yolo26"
        self._backbone = len(description["backbone"])
        self._classes = len(class_names)
        self.normalisation = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
        self._criterion: Criterion | None = None

    def training_samples(
        self, dataset: Dataset, augmentation: AugmentationConfig, seed: int, epochs: int
    ) -> TrainingSamples:
        segments = self.task == "segment"
        if augmentation.enabled and augmentation.copy_paste and not segments:
            raise RepriseError(
                "augmentation.copy_paste: yolo pastes objects by their masks, and learns none "
                "when it has to detect.",
                "set augmentation.copy_paste: 0, or model.task: segment.",
            )
        pixels = Pixels(dataset, "train", self.image_size, segments)
        return TrainingSamples(pixels, augmentation, seed, epochs)

    def evaluation_samples(self, dataset: Dataset, split: str) -> EvaluationSamples:
        return EvaluationSamples(Pixels(dataset, split, self.image_size, self.task == "segment"))

    def prepare(self, dataset: Dataset, label_smoothing: float) -> None:  # noqa: ARG002
        if self.task == "segment":
            from reprise.models.instance_samples import require_masks

            require_masks(dataset, f"{self.config.type} (model.task: segment)")

    def class_rows(self, name: str, classes: int, rows: int) -> torch.Tensor | None:  # noqa: ARG002
        return torch.arange(classes)[:, None] if CLASS_HEAD.search(name) else None

    def backbone(self) -> list[torch.nn.Module]:
        return list(self._detector.model[: self._backbone])

    def collate(self, samples: list[Any]) -> Batch:
        return collate(samples)

    def target_boxes(self, batch: Batch) -> list[list[TargetBox]]:
        height, width = batch["images"].shape[2:]
        boxes: list[list[TargetBox]] = [[] for _ in batch["images"]]
        for place, index, (x, y, w, h) in zip(
            batch["batch_idx"].tolist(),
            batch["cls"].flatten().tolist(),
            batch["bboxes"].tolist(),
            strict=True,
        ):
            corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            left, top, right, bottom = (
                value * side for value, side in zip(corners, (width, height) * 2, strict=True)
            )
            boxes[int(place)].append((int(index), left, top, right, bottom))
        return boxes

    def start_epoch(self, epoch: int, epochs: int) -> None:
        # YOLO26 moves weight from its one-to-many to its one-to-one head each epoch; the
        # position is set from the epoch, so that a resumed run stands where it stood.
        self._detector.args.epochs = epochs
        criterion = self._loss_function().library
        if hasattr(criterion, "update"):
            criterion.updates = epoch - 1
            criterion.update()

    def loss(self, network: torch.nn.Module, batch: Batch) -> list[LossPart]:
        return self._parts(network(_scaled(batch["images"])), batch)

    def loss_scale(self, images: int) -> float:
        # The library multiplies its loss by the batch size; learning rates and lengths of
        # gradients found for it hold here only if we do too.
        return float(images)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[list[LossPart], list[dict[str, Any]]]:
        output = network(_scaled(batch["images"]))
        return self._parts(output, batch), self.decode(self._said(output), batch)

    def output_names(self) -> tuple[str, ...]:
        return ("boxes", "prototypes") if self.task == "segment" else ("boxes",)

    def outputs(self, network: torch.nn.Module, images: torch.Tensor) -> Outputs:
        """Boxes with their class scores as the library's suppression takes them, and for masks
        also the prototypes that each box mixes its mask from."""
        return self._said(network(_scaled(images)))

    def traceable(self) -> torch.nn.Module:
        # The centres of its boxes are else kept from one image to the next of its size.
        self._detector.model[-1].dynamic = True
        return self.network

    def _said(self, output: Any) -> Outputs:
        """Of what the network returns in evaluation, what is not for the loss."""
        return tuple(output[0]) if self.task == "segment" else (output[0],)

    def _loss_function(self) -> Criterion:
        if self._criterion is None:
            # Built late: it copies the device of the network's weights.
            self._criterion = Criterion(self._detector)
        return self._criterion

    def _parts(self, output: Any, batch: Batch) -> list[LossPart]:
        parts = self._loss_function()(output, batch)
        if self._semantic and not isinstance(output, tuple):
            return parts
        return [part for part in parts if part.name != "sem"]

    def decode(
        self, outputs: Outputs, batch: Batch, least_score: float = 0.0
    ) -> list[dict[str, Any]]:
        prototypes = outputs[1].float().cpu() if self.task == "segment" else None
        found = non_max_suppression(
            outputs[0].float(),
            conf_thres=max(MINIMUM_SCORE, least_score),
            iou_thres=self.config.nms_iou,
            multi_label=True,
            max_det=self.config.max_detections,
            nc=self._classes,
            # Its default gives up after two seconds, which would make results depend on
            # how busy the machine is.
            max_time_img=1e9,
        )
        rows: list[dict[str, Any]] = []
        height, width = batch["images"].shape[2:]
        placements = batch["placement"].cpu()
        for index, (image_id, placement) in enumerate(
            zip(batch["image_ids"], placements, strict=True)
        ):
            boxes = found[index].cpu()
            masks = None
            if prototypes is not None:
                masks = masks_of(
                    boxes,
                    prototypes[index],
                    placement.tolist(),
                    (height, width),
                    batch["originals"][index],
                )
            rows += _to_original(image_id, placement, boxes, masks)
        return rows


def _scaled(images: torch.Tensor) -> torch.Tensor:
    """uint8 to float in [0, 1], on the device that the images are on."""
    return images.float() / 255


def _to_original(
    image_id: int,
    placement: torch.Tensor,
    boxes: torch.Tensor,
    masks: list[dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Detections (n, 6 or more) xyxy, score, class in network pixels -> the contract's."""
    left, top, scale_x, scale_y = placement.tolist()
    shift = torch.tensor([left, top, left, top], dtype=torch.float64)
    scale = torch.tensor([scale_x, scale_y, scale_x, scale_y], dtype=torch.float64)
    corners = (boxes[:, :4].double() - shift) / scale
    return [
        prediction(image_id, int(index) + 1, (x1, y1, x2 - x1, y2 - y1), score, mask)
        for (x1, y1, x2, y2), score, index, mask in zip(
            corners.tolist(),
            boxes[:, 4].tolist(),
            boxes[:, 5].tolist(),
            [None] * len(boxes) if masks is None else masks,
            strict=True,
        )
    ]


class Criterion:
    """A detector's loss, as sums and counts.

    The library divides its parts by what it counts in the batch: the scores that its assigner
    gives to anchors and, for masks, the anchors themselves.

    Args:
        detector: A network of the library, on the device that it trains on.

    Attributes:
        library: The library's own criterion.
    """

    def __init__(self, detector: Any) -> None:
        self.library = detector.init_criterion()
        # YOLO26 learns with two heads, and moves the weight from one to the other.
        self._two_heads = hasattr(self.library, "one2one")
        self._counts: dict[str, torch.Tensor] = {}
        heads = (
            (self.library.one2many, self.library.one2one) if self._two_heads else (self.library,)
        )
        for head in heads:
            head.assigner.register_forward_hook(self._count)

    def __call__(self, output: Any, batch: dict[str, Any]) -> list[LossPart]:
        """Loss parts of a batch: ``box``, ``cls`` and ``dfl`` or ``l1``; for masks also ``seg``
        and ``sem``."""
        library = self.library
        if not self._two_heads:
            return self._parts(library, library.parse_output(output), batch)
        outputs = library.one2many.parse_output(output)
        return [
            *self._parts(library.one2many, outputs["one2many"], batch, library.o2m),
            *self._parts(library.one2one, outputs["one2one"], batch, library.o2o),
        ]

    def _parts(
        self, head: Any, output: Any, batch: dict[str, Any], weight: float = 1.0
    ) -> list[LossPart]:
        total, named = head.loss(output, batch)
        images = len(batch["images"])
        counts: dict[str, torch.Tensor | int] = {"seg": self._counts["anchors"], "sem": images}
        names = [name.removesuffix("_loss") for name in named]
        # The library multiplies by the batch size; the training loop does so, once for all.
        return [
            LossPart.of_mean(name, part.double() / images, counts.get(name, self._counts["scores"]))
            for name, part in zip(names, total * weight, strict=True)
        ]

    def _count(self, module: Any, inputs: Any, assigned: Any) -> None:  # noqa: ARG002 - a hook's
        _, _, scores, anchors, _ = assigned
        self._counts = {"scores": scores.sum().float(), "anchors": anchors.sum()}
