"""Parameters of the network, of augmentation and of prediction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reprise.params import Section

Probability = Annotated[float, Field(ge=0, le=1)]


class WeightsConfig(Section):
    """A weights file to start from; it is read only when its checksum agrees."""

    path: str
    """A .safetensors file, or a .pt/.pth file that holds plain tensors; relative to the
    repository."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the file, from `sha256sum FILE`."""


class ModelConfig(Section):
    """The network."""

    type: Literal["yolo"]
    """Model family."""
    architecture: Literal["yolov8", "yolo11", "yolo26"]
    """Generation of the family."""
    variant: Literal["nano", "small", "medium", "large", "xlarge"]
    """Size: larger is more accurate and slower; nano has 2.6 M weights, xlarge 57 M."""
    weights: WeightsConfig | None
    """Start from these weights; null starts from random ones."""
    nms_iou: Annotated[float, Field(gt=0, lt=1)]
    """Of two boxes of one class that overlap more than this, the better one is kept."""
    max_detections: Annotated[int, Field(ge=1, le=1000)]
    """At most so many detections an image."""


class AugmentationConfig(Section):
    """Random changes to training images; validation and test images are never changed."""

    enabled: bool
    """false switches every change below off."""
    mosaic: Probability
    """Chance that four images are tiled into one."""
    close_mosaic_epochs: Annotated[int, Field(ge=0)]
    """The last so many epochs go without mosaic and mixup, on images as they really look."""
    mixup: Probability
    """Chance that two images are blended."""
    flip_horizontal: Probability
    """Chance of a left-right mirror; 0 where left and right mean something."""
    flip_vertical: Probability
    """Chance of an upside-down mirror; for aerial and microscope images."""
    rotation: Annotated[float, Field(ge=0, le=180)]
    """Turn by up to so many degrees either way."""
    translation: Annotated[float, Field(ge=0, le=0.9)]
    """Shift by up to this fraction of the image."""
    scale: Annotated[float, Field(ge=0, lt=1)]
    """Zoom by up to this fraction in or out."""
    hue: Probability
    """Shift hue by up to this fraction of the circle."""
    saturation: Probability
    """Change saturation by up to this fraction."""
    brightness: Probability
    """Change brightness by up to this fraction."""


class PredictionConfig(Section):
    """How the trained model is run over val and test."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
    """auto takes the GPU when there is one."""
    batch_size: Annotated[int, Field(ge=1)]
    """Images at a time; lower it if memory runs out."""
