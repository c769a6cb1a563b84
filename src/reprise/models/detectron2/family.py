"""The optional Detectron2 family: Faster R-CNN, Mask R-CNN and RetinaNet of its model zoo.

Wu et al., Detectron2 (2019). The library is installed by hand, from its source; without it
this module imports all the same, and building a model says what is missing.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

import torch

from reprise.errors import RepriseError
from reprise.models.augment import SUPPORTED
from reprise.models.config import ModelConfig
from reprise.models.family import Batch
from reprise.models.instance_family import (
    Detections,
    InstanceFamily,
    Losses,
    padded,
    split_targets,
)
from reprise.scoring import Task

INSTALL = "https://detectron2.readthedocs.io/en/latest/tutorials/install.html"


class Detectron2(InstanceFamily):
    """Detection or instance segmentation with Detectron2's networks.

    The network is given by ``model.architecture``; ``model.task: segment`` alone means
    mask_rcnn. ``model.variant``: nano and small are ResNet-18 and ResNet-34 (the nano with
    a narrow head), medium ResNet-50, large ResNet-101, xlarge ResNeXt-101 32x8d, all with a
    feature pyramid.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("detect", "segment")
    architectures: ClassVar[tuple[str, ...]] = ("faster_rcnn", "mask_rcnn", "retinanet")
    libraries: ClassVar[tuple[str, ...]] = ("detectron2",)
    export_obstacle: ClassVar[str] = (
        "Detectron2's layers take its own structures, and its exporter (caffe2, TracingAdapter) is "
        "made for its own configurations"
    )
    supported_parameters: ClassVar[frozenset[str]] = SUPPORTED | {
        "model.freeze",
        "model.carry_over_classes",
        "model.first_stage",
    }

    def __init__(self, config: ModelConfig, class_names: list[str], image_size: int) -> None:
        super().__init__(config, class_names, image_size)
        self.architecture, self.task = choose_network(config)
        self.network: torch.nn.Module = _library().build(
            config, self.architecture, len(class_names)
        )
        # The library's are BGR, of pixels from 0 to 255.
        self.normalisation = {
            name: [round(value / 255, 6) for value in buffer.flatten().flip(0).tolist()]
            for name, buffer in (
                ("mean", self.network.pixel_mean),
                ("std", self.network.pixel_std),
            )
        }

    def run(self, network: torch.nn.Module, batch: Batch) -> tuple[Losses, Detections]:
        result: tuple[Losses, Detections] = network(
            batch["images"], batch["sizes"], split_targets(batch)
        )
        return result

    def detect(self, network: torch.nn.Module, images: torch.Tensor) -> Detections:
        sizes = [(images.shape[2], images.shape[3])] * len(images)
        found: Detections = network(padded(images), sizes)[1]
        return found

    def counts(self) -> dict[str, torch.Tensor]:
        detector: Any = self.network
        found: dict[str, torch.Tensor] = detector.counts
        return found

    def class_rows(self, name: str, classes: int, rows: int) -> torch.Tensor | None:
        own = torch.arange(classes)[:, None]
        if name.startswith("head.cls_score."):
            # RetinaNet has a score of each class for each anchor.
            return own + torch.arange(rows // classes) * classes
        if name.startswith("roi_heads.box_predictor.bbox_pred."):
            return own * 4 + torch.arange(4)
        if name.startswith("roi_heads.box_predictor.cls_score."):
            return torch.arange(classes + 1)[:, None]
        return own if name.startswith("roi_heads.mask_head.predictor.") else None

    def remap_state_dict(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return current_names(tensors)

    def backbone(self) -> list[torch.nn.Module]:
        # The feature pyramid on top of it is trained with the heads.
        return [self.network.get_submodule("backbone.bottom_up")]


def choose_network(config: ModelConfig) -> tuple[str, Task]:
    """``model.architecture`` and ``model.task``, each of which can give the other.

    Raises:
        RepriseError: One contradicts the other, or is not known.
    """
    if config.architecture == "auto" and config.task == "segment":
        return "mask_rcnn", "segment"
    architecture = Detectron2.choose_architecture(config)
    own: Task = "segment" if architecture == "mask_rcnn" else "detect"
    if config.task == "auto" or Detectron2.choose_task(config) == own:
        return architecture, own
    raise RepriseError(
        f"model.task: {config.task} is not what model.architecture: {architecture} does: it "
        f"has to {own}.",
        f"set model.task: {own} or auto, or model.architecture: "
        f"{'faster_rcnn or retinanet' if own == 'segment' else 'mask_rcnn'}.",
    )


def current_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A published file's tensors under the network's names.

    The zoo's backbones (ImageNet) are without the path to them, and some of them have the names
    that Caffe2 gave them.
    """
    if any(name.endswith("_w") for name in tensors):
        from detectron2.checkpoint.c2_model_loading import convert_c2_detectron_names

        tensors, _ = convert_c2_detectron_names(tensors)
    if any(name.startswith("stem.") for name in tensors):
        return {f"backbone.bottom_up.{name}": tensor for name, tensor in tensors.items()}
    return tensors


def _library() -> ModuleType:
    """The module that imports Detectron2.

    Raises:
        RepriseError: It is not installed, or was built for another torch.
    """
    try:
        from reprise.models.detectron2 import network
    except ImportError as error:
        raise RepriseError(
            f"model.type: detectron2 needs Detectron2, which cannot be imported here: {error}.",
            f"install it from its source into this environment ({INSTALL}), or choose another "
            "model.type.",
        ) from None
    return network
