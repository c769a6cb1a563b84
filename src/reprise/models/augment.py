"""The ``augmentation`` section as torchvision transforms.

A new change is a parameter of :class:`AugmentationConfig` and an entry of PIXELS or GEOMETRY
here. All families make those of PIXELS, and all but yolo those of GEOMETRY: yolo moves images
and boxes by the transforms that its published weights were trained with, in
:mod:`reprise.models.yolo.samples`. A parameter means the same to every family.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from reprise.models.config import AugmentationConfig

PADDING = 114
NOISE = 0.03  # standard deviation, pixels in [0, 1]


@dataclass(frozen=True)
class Augmentation:
    """One random change.

    Attributes:
        parameters: Of the ``augmentation`` section; all zero, the change is not made.
        transform: Builds it. It takes a uint8 image (3, h, w) RGB and, if it is of GEOMETRY,
            the tv_tensors that belong to it; images keep their size. It draws from torch's
            global generator of the CPU.
    """

    parameters: tuple[str, ...]
    transform: Callable[[AugmentationConfig], nn.Module]


def _affine(config: AugmentationConfig) -> nn.Module:
    affine: nn.Module = v2.RandomAffine(
        degrees=config.rotation,
        translate=(config.translation, config.translation),
        scale=(1 - config.scale, 1 + config.scale),
        interpolation=v2.InterpolationMode.BILINEAR,
        fill={tv_tensors.Image: PADDING, tv_tensors.Mask: 0, "others": 0},
    )
    return affine


def _colour(config: AugmentationConfig) -> nn.Module:
    jitter: nn.Module = v2.ColorJitter(
        brightness=config.brightness,
        contrast=config.contrast,
        saturation=config.saturation,
        # torchvision shifts by up to half of the circle.
        hue=min(config.hue, 0.5),
    )
    return jitter


def _noise(config: AugmentationConfig) -> nn.Module:
    steps = [
        v2.ToDtype(torch.float32, scale=True),
        v2.GaussianNoise(sigma=NOISE),
        v2.ToDtype(torch.uint8, scale=True),
    ]
    noise: nn.Module = v2.RandomApply(steps, p=config.noise)
    return noise


# Changes that move what the image shows, and its boxes and masks with it; in this order.
GEOMETRY: tuple[Augmentation, ...] = (
    Augmentation(("rotation", "translation", "scale"), _affine),
    Augmentation(("flip_horizontal",), lambda c: v2.RandomHorizontalFlip(c.flip_horizontal)),
    Augmentation(("flip_vertical",), lambda c: v2.RandomVerticalFlip(c.flip_vertical)),
)
# Changes of the pixels' values alone, after those of GEOMETRY.
PIXELS: tuple[Augmentation, ...] = (
    Augmentation(("hue", "saturation", "brightness", "contrast"), _colour),
    Augmentation(("blur",), lambda c: v2.RandomApply([v2.GaussianBlur(5, (0.1, 1.5))], p=c.blur)),
    Augmentation(("noise",), _noise),
)


def parameters_of(augmentations: Iterable[Augmentation]) -> frozenset[str]:
    """The parameters that these changes support, as ``augmentation.NAME``."""
    return frozenset(f"augmentation.{name}" for one in augmentations for name in one.parameters)


# What families support that call `build`.
SUPPORTED = parameters_of((*GEOMETRY, *PIXELS))


def build(
    config: AugmentationConfig, augmentations: Iterable[Augmentation] = (*GEOMETRY, *PIXELS)
) -> nn.Module:
    """The changes that ``config`` switches on, one after the other.

    Randomness comes from torch's global generator of the CPU: see :func:`seeded`.
    """
    transforms = [
        one.transform(config)
        for one in augmentations
        if config.enabled and any(getattr(config, name) for name in one.parameters)
    ]
    return v2.Compose(transforms) if transforms else nn.Identity()


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """A 32-bit seed that depends on nothing but its three arguments."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def seeded(transform: nn.Module, sample: Any, seed: int) -> Any:
    """What a transform makes of a sample by a seed; the global generators stay as they are."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPU too, which networks draw from in training.
        torch.default_generator.manual_seed(seed)
        return transform(sample)
