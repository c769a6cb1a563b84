"""Weights in the exact forms that their publishers give them, made here."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from reprise.models.rcnn.family import current_names
from reprise.models.yolo.library import IterableSimpleNamespace, tasks
from reprise.weights.published import COCO_CLASSES, NO_CLASS, Network, Published


def ultralytics_network(
    architecture: str, task: str, classes: list[str], variant: str = "n"
) -> Any:
    """A network of ultralytics with random weights, as its trainer holds it."""
    library: Any = tasks
    ending, kind = (
        ("-seg", library.SegmentationModel) if task == "segment" else ("", library.DetectionModel)
    )
    description = library.yaml_model_load(f"{architecture}{variant}{ending}.yaml")
    network: Any = kind(description, ch=3, nc=len(classes), verbose=False)
    network.names = dict(enumerate(classes))
    network.args = IterableSimpleNamespace(box=7.5, cls=0.5, dfl=1.5, epochs=1, overlap_mask=True)
    network.task = task
    # Numbers that half precision holds exactly.
    for value in network.state_dict().values():
        value.copy_(value.half())
    return network


def save_as_trained(network: Any, path: Path) -> None:
    """What ultralytics' own trainer writes at the end of an epoch, by its own function."""
    from ultralytics.engine.trainer import BaseTrainer  # isort: skip
    from ultralytics.utils.torch_utils import ModelEMA

    from reprise.models.yolo import library  # noqa: F401

    optimizer = torch.optim.AdamW(network.parameters())
    trainer: Any = SimpleNamespace(
        epoch=0, fitness=np.float64(0.5), best_fitness=np.float64(0.5), save_period=0,
        stopper=SimpleNamespace(best_fitness=np.float64(0.5), best_epoch=1),
        ema=ModelEMA(network), model=network, optimizer=optimizer,
        scaler=torch.amp.GradScaler("cpu", enabled=False),
        args=IterableSimpleNamespace(imgsz=64, data=Path("data.yaml"), task=network.task),
        metrics={"metrics/mAP50(B)": np.float64(0.5)}, read_results_csv=dict,
        wdir=path.parent, last=path, best=path.with_name("best.pt"),
    )  # fmt: skip
    BaseTrainer.save_model(trainer)


def zoo_file(tensors: dict[str, torch.Tensor], path: Path, protocol: int = 3) -> None:
    """A ``.pkl`` of Detectron2's model zoo."""
    model = {name: value.numpy() for name, value in tensors.items()}
    content = {"model": model, "__author__": "Detectron2 Model Zoo"}
    path.write_bytes(pickle.dumps(content, protocol=protocol))


def publish(one: Published, path: Path) -> dict[str, torch.Tensor]:
    """Write the file that a name stands for, with random weights.

    Returns:
        Its tensors, under the names that our network has.
    """
    network = one.network
    torch.manual_seed(0)
    if network.family == "yolo":
        return _publish_yolo(network, path)
    if network.family == "sam":
        return _publish_sam(network, path)
    if network.family == "detectron2":
        return _publish_detectron2(one, path)
    return _publish_torchvision(one, path)


def _publish_yolo(network: Network, path: Path) -> dict[str, torch.Tensor]:
    from ultralytics.utils.torch_utils import strip_optimizer

    classes = [name for name in COCO_CLASSES if name != NO_CLASS]
    made = ultralytics_network(network.architecture, network.task, classes, network.variant[0])
    save_as_trained(made, path)
    strip_optimizer(path)
    tensors: dict[str, torch.Tensor] = made.state_dict()
    return tensors


def _publish_torchvision(one: Published, path: Path) -> dict[str, torch.Tensor]:
    from torchvision.models import get_model

    stem = one.url.rsplit("/", 1)[1].rpartition("-")[0].removesuffix("_coco")
    if one.name == "coco":
        tensors = get_model(stem, weights=None, weights_backbone=None).state_dict()
        torch.save(tensors, path)
        return current_names(tensors)
    tensors = get_model(stem, weights=None).state_dict()
    torch.save(tensors, path, _use_new_zipfile_serialization=one.network.variant != "medium")
    return tensors if one.network.family == "multilabel" else current_names(tensors)


def _publish_sam(network: Network, path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import save_file

    from reprise.models.sam.configs import PUBLISHED_SIZE, sam2_config, sam_config

    from transformers import Sam2Model, SamModel  # isort: skip

    kind: Any = Sam2Model if network.architecture == "sam2" else SamModel
    config = sam2_config if network.architecture == "sam2" else sam_config
    made = kind(config(network.variant, PUBLISHED_SIZE))
    # As its save_pretrained writes them: one name for a tensor that has two.
    tensors: dict[str, torch.Tensor] = made.state_dict()
    seen: set[int] = set()
    stored = {}
    for name, value in sorted(tensors.items()):
        if value.data_ptr() not in seen:
            stored[name] = value.contiguous()
        seen.add(value.data_ptr())
    save_file(stored, path, {"format": "pt"})
    return tensors


def _publish_detectron2(one: Published, path: Path) -> dict[str, torch.Tensor]:
    from reprise.models.config import ModelConfig
    from reprise.models.family import family_class

    network = one.network
    values = {
        "type": "detectron2", "architecture": network.architecture, "variant": network.variant,
        "nms_iou": 0.5, "max_detections": 100, "weights": {"detectron2": one.name},
    }  # fmt: skip
    config = ModelConfig.model_validate(values)
    classes = [name for name in COCO_CLASSES if name != NO_CLASS]
    made = family_class("detectron2")(config, classes, 64)
    tensors = made.network.state_dict()
    if one.whole:
        zoo_file(tensors, path)
        return tensors
    body = {name: value for name, value in tensors.items() if name.startswith("backbone.bottom_up")}
    content = {
        _caffe2_name(name.removeprefix("backbone.bottom_up.")): value.numpy()
        for name, value in body.items()
    }
    path.write_bytes(pickle.dumps(content, protocol=2))
    return body


def _caffe2_name(name: str) -> str:
    """What Caffe2, and so the zoo's backbones, calls a tensor of a ResNet."""
    block, _, kind = name.rpartition(".")
    norm = block.endswith(".norm")
    block = block.removesuffix(".norm")
    block = block.replace("stem.conv1", "conv1" if not norm else "res_conv1")
    block = re.sub(r"^(res\d)\.(\d+)\.shortcut$", r"\1_\2_branch1", block)
    block = re.sub(
        r"^(res\d)\.(\d+)\.conv(\d)$",
        lambda m: f"{m[1]}_{m[2]}_branch2{'abc'[int(m[3]) - 1]}",
        block,
    )
    if not norm:
        return f"{block}_{'w' if kind == 'weight' else 'b'}"
    parts = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}
    return f"{block}_bn_{parts[kind]}"
