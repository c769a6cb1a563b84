"""The YOLO family: ultralytics' networks, loss and non-maximum suppression.

Jocher et al., Ultralytics YOLO (AGPL-3.0). The loss is the task-aligned assignment of
Feng et al., TOOD (2021), with distribution focal loss (Li et al., 2020).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch

from reprise.dataset import Dataset
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Batch, Family
from reprise.models.yolo_library import (
    DetectionModel,
    IterableSimpleNamespace,
    non_max_suppression,
    yaml_model_load,
)
from reprise.models.yolo_samples import EvaluationSamples, Pixels, TrainingSamples, collate
from reprise.predictions import prediction

# Gains of the three loss parts that the family was published with.
LOSS_GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
# A low threshold: average precision needs the whole curve.
MINIMUM_SCORE = 0.001


class Yolo(Family):
    """Detection with YOLOv8, YOLO11 or YOLO26."""

    # The reference multiplies its loss by the batch size; learning rates found for it
    # hold here only if we do too.
    reduction: ClassVar[Literal["sum", "mean"]] = "sum"

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        self._config = config
        self._image_size = image_size
        description = yaml_model_load(f"{config.architecture}{config.variant[0]}.yaml")
        detector: Any = DetectionModel(description, ch=3, nc=len(class_names), verbose=False)
        detector.args = IterableSimpleNamespace(**LOSS_GAINS, epochs=1)
        self.network: torch.nn.Module = detector
        self._detector = detector
        self._classes = len(class_names)
        self.normalisation = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
        self._criterion: Any = None

    def training_samples(
        self, dataset: Dataset, augmentation: AugmentationConfig, seed: int, epochs: int
    ) -> TrainingSamples:
        pixels = Pixels(dataset, "train", self._image_size)
        return TrainingSamples(pixels, augmentation, seed, epochs)

    def evaluation_samples(self, dataset: Dataset, split: str) -> EvaluationSamples:
        return EvaluationSamples(Pixels(dataset, split, self._image_size))

    def collate(self, samples: list[Any]) -> Batch:
        return collate(samples)

    def start_epoch(self, epoch: int, epochs: int) -> None:
        # YOLO26 moves weight from its one-to-many to its one-to-one head each epoch; the
        # position is set from the epoch, so that a resumed run stands where it stood.
        self._detector.args.epochs = epochs
        criterion = self._loss_function()
        if hasattr(criterion, "update"):
            criterion.updates = epoch - 1
            criterion.update()

    def loss(self, network: torch.nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        return self._parts(network(_scaled(batch["images"])), batch)

    def evaluate(
        self, network: torch.nn.Module, batch: Batch
    ) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
        output = network(_scaled(batch["images"]))
        return self._parts(output, batch), self._predictions(output[0], batch)

    def _loss_function(self) -> Any:
        if self._criterion is None:
            # Built late: it copies the device of the network's weights.
            self._criterion = self._detector.init_criterion()
        return self._criterion

    def _parts(self, output: Any, batch: Batch) -> dict[str, torch.Tensor]:
        criterion = self._loss_function()
        total, parts = criterion(output, batch)
        names = [name.removesuffix("_loss") for name in parts]
        return dict(zip(names, total, strict=True))

    def _predictions(self, output: torch.Tensor, batch: Batch) -> list[dict[str, Any]]:
        found = non_max_suppression(
            output.float(),
            conf_thres=MINIMUM_SCORE,
            iou_thres=self._config.nms_iou,
            multi_label=True,
            max_det=self._config.max_detections,
            nc=self._classes,
            end2end=self._detector.end2end,
            # Its default gives up after two seconds, which would make results depend on
            # how busy the machine is.
            max_time_img=1e9,
        )
        rows: list[dict[str, Any]] = []
        placements = batch["placement"].cpu()
        for image_id, placement, boxes in zip(batch["image_ids"], placements, found, strict=True):
            rows += _to_original(image_id, placement, boxes.cpu())
        return rows


def _scaled(images: torch.Tensor) -> torch.Tensor:
    """uint8 to float in [0, 1], on the device that the images are on."""
    return images.float() / 255


def _to_original(
    image_id: int, placement: torch.Tensor, boxes: torch.Tensor
) -> list[dict[str, Any]]:
    """Detections (n, 6) xyxy, score, class in network pixels -> the prediction contract."""
    left, top, scale_x, scale_y = placement.tolist()
    shift = torch.tensor([left, top, left, top], dtype=torch.float64)
    scale = torch.tensor([scale_x, scale_y, scale_x, scale_y], dtype=torch.float64)
    corners = (boxes[:, :4].double() - shift) / scale
    return [
        prediction(image_id, int(index) + 1, (x1, y1, x2 - x1, y2 - y1), score)
        for (x1, y1, x2, y2), score, index in zip(
            corners.tolist(), boxes[:, 4].tolist(), boxes[:, 5].tolist(), strict=True
        )
    ]
