"""Models without training, for tests of what uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from models.settings import model
from reprise.models.family import family_class
from reprise.models.storage import save_model

CLASSES = ["button", "icon", "image"]
SIZE = 64


def save_untrained(folder: Path, threshold: float = 0.0, **changes: Any) -> Path:
    """A model folder with random weights, always the same.

    Args:
        folder: To write.
        threshold: The stored score threshold.
        changes: Of the ``model`` section.
    """
    config = model(**changes)
    torch.manual_seed(0)
    family = family_class(config.type)(config, CLASSES, SIZE)
    description = {
        "family": config.type,
        "task": family.task,
        "classes": CLASSES,
        "image_size": SIZE,
        "jpeg_quality": 95,
        "score_threshold": threshold,
        "parameters": {"model": config.model_dump(), "training": {"threads": 1}},
    }
    save_model(folder, family.network.state_dict(), description)
    return folder
