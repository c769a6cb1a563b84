"""Parameters of the smallest training that learns something, for tests to vary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reprise.machine import MachineConfig
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.training.config import TrainingConfig, ValidationConfig
from reprise.training.train import TrainFolders

IMAGE_SIZE = 64


def model(**changes: Any) -> ModelConfig:
    values = {
        "type": "yolo",
        "architecture": "auto",
        "variant": "nano",
        "nms_iou": 0.7,
        "max_detections": 50,
    }
    return ModelConfig.model_validate(values | changes)


def augmentation(**changes: Any) -> AugmentationConfig:
    values = {
        "enabled": True,
        "mosaic": 1.0,
        "close_mosaic_epochs": 1,
        "mixup": 0.2,
        "flip_horizontal": 0.5,
        "flip_vertical": 0.1,
        "rotation": 5.0,
        "translation": 0.1,
        "scale": 0.3,
        "hue": 0.01,
        "saturation": 0.3,
        "brightness": 0.3,
    }
    return AugmentationConfig.model_validate(values | changes)


def training(**changes: Any) -> TrainingConfig:
    values: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 2e-3,
        "optimizer": "adamw",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "scheduler": {
            "type": "cosine",
            "warmup_epochs": 1,
            "final_fraction": 0.1,
            "step_epochs": 10,
            "step_factor": 0.1,
        },
        "early_stopping": {"enabled": True, "metric": "mAP50", "patience": 50, "min_delta": 0},
        "mixed_precision": "auto",
        "gradient_accumulation_steps": 1,
        "gradient_clip": 10,
        "ema_decay": 0.9999,
        "ema_warmup_steps": 2000,
        "device": "cpu",
        "threads": 1,
        "seed": 0,
    }
    for key, value in changes.items():
        old = values.get(key)
        values[key] = old | value if isinstance(old, dict) else value
    return TrainingConfig.model_validate(values)


def validation(**changes: Any) -> ValidationConfig:
    values = {"frequency": 1, "metrics": ["mAP", "mAP50", "mAP75", "f1"]}
    return ValidationConfig.model_validate(values | changes)


def machine(**changes: Any) -> MachineConfig:
    return MachineConfig.model_validate({"workers": 0, "checkpoint_minutes": 10} | changes)


def folders(dataset: Path, folder: Path) -> TrainFolders:
    """Everything that a run reads and writes beside the dataset, below ``folder``."""
    return TrainFolders(
        dataset=dataset,
        weights=folder / "weights",
        models=folder / "models",
        reports=folder / "reports",
        scratch=folder / "scratch",
        logs=folder / "logs",
    )
