"""The statistics of ImageNet's pixels in [0, 1], which published weights were trained with."""

from __future__ import annotations

import torch

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 3, h, w) RGB to float, mean 0 and deviation 1 over ImageNet, where images are."""
    mean, std = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (MEAN, STD))
    return (images.float() / 255 - mean) / std
