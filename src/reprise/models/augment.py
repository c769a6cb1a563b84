"""The ``augmentation`` section as torchvision transforms, for the families that take them.

The parameters mean what they mean to the YOLO family, whose own transforms are in
:mod:`reprise.models.yolo.samples`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torchvision.transforms import v2

from reprise.models.config import AugmentationConfig

# What :func:`build` honours.
HONOURED = frozenset(
    f"augmentation.{name}"
    for name in (
        "flip_horizontal", "flip_vertical", "rotation", "translation", "scale", "hue",
        "saturation", "brightness", "contrast", "blur", "noise",
    )
)  # fmt: skip
PADDING = 114
NOISE = 0.03  # standard deviation, pixels in [0, 1]


def build(config: AugmentationConfig) -> nn.Module:
    """Random changes to a uint8 image (3, h, w) and the tv_tensors that belong to it.

    Images keep their size. Randomness comes from torch's global generator of the CPU: seed
    it for each sample.
    """
    if not config.enabled:
        return nn.Identity()
    transforms: list[nn.Module] = []
    if config.rotation or config.translation or config.scale:
        transforms.append(
            v2.RandomAffine(
                degrees=config.rotation,
                translate=(config.translation, config.translation),
                scale=(1 - config.scale, 1 + config.scale),
                interpolation=v2.InterpolationMode.BILINEAR,
                fill=_fill(),
            )
        )
    if config.flip_horizontal:
        transforms.append(v2.RandomHorizontalFlip(config.flip_horizontal))
    if config.flip_vertical:
        transforms.append(v2.RandomVerticalFlip(config.flip_vertical))
    if config.hue or config.saturation or config.brightness or config.contrast:
        transforms.append(
            v2.ColorJitter(
                brightness=config.brightness,
                contrast=config.contrast,
                saturation=config.saturation,
                # torchvision shifts by up to half of the circle.
                hue=min(config.hue, 0.5),
            )
        )
    if config.blur:
        transforms.append(v2.RandomApply([v2.GaussianBlur(5, (0.1, 1.5))], p=config.blur))
    if config.noise:
        noise = [
            v2.ToDtype(torch.float32, scale=True),
            v2.GaussianNoise(sigma=NOISE),
            v2.ToDtype(torch.uint8, scale=True),
        ]
        transforms.append(v2.RandomApply(noise, p=config.noise))
    return v2.Compose(transforms) if transforms else nn.Identity()


def _fill() -> Any:
    from torchvision import tv_tensors

    return {tv_tensors.Image: PADDING, tv_tensors.Mask: 0, "others": 0}
