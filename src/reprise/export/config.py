"""Parameters of the export stage."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reprise.export.registry import FORMATS
from reprise.section import OneOf, Section


class ExportConfig(Section):
    """The trained model for other runtimes."""

    formats: list[Annotated[str, OneOf(FORMATS)]] = Field(default_factory=list)
    """What dvc repro exports to, a stage each; empty exports nothing. onnx, openvino and
    torchscript; onnx and openvino also in less precision, as onnx-fp16 and onnx-int8."""
    calibration_images: Annotated[int, Field(ge=1)] = 64
    """Images of val that int8 measures the ranges of its numbers on."""
