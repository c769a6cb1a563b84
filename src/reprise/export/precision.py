"""ONNX files in less precision."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.export.identity import INPUT
from reprise.export.packages import package
from reprise.models.family import Family

CALIBRATED = "val"
# The others cost little, and boxes and scores would share one scale where they are joined.
EIGHT_BITS = ["Conv", "Gemm", "MatMul"]


def to_half(path: Path) -> None:
    """Change an ONNX file to half precision; its inputs and outputs stay as they are."""
    onnx = package("onnx")
    converter = package("onnxruntime.transformers.float16")
    with warnings.catch_warnings():
        # Of weights too small for half precision, which become the smallest that there is.
        warnings.simplefilter("ignore")
        half = converter.convert_float_to_float16(onnx.load(path), keep_io_types=True)
    onnx.save(half, path)


class Reader:
    """What the library asks for images: one after another, then None."""

    def __init__(self, inputs: Iterator[dict[str, np.ndarray]]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)


def to_int8(path: Path, family: Family, dataset: Dataset, images: int) -> None:
    """Change the convolutions of an ONNX file to 8 bits.

    Args:
        path: The file, which is replaced.
        family: Trained.
        dataset: Whose val images the ranges of the numbers are measured on.
        images: At most so many of them, evenly chosen.

    Raises:
        RepriseError: There are none.
    """
    quantization = package("onnxruntime.quantization")
    reader = Reader(_calibration(family, dataset, images))
    partial = path.with_suffix(".int8")
    with _quiet():
        quantization.quantize_static(
            path,
            partial,
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=EIGHT_BITS,
            nodes_to_exclude=last_layers(package("onnx").load(path).graph.node),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
    partial.replace(path)


def last_layers(nodes: Sequence[Any]) -> list[str]:
    """Names of the layers after which no other comes.

    What they say is the result, and 8 bits of it are few: of YOLO's boxes it costs a tenth.

    Args:
        nodes: Of an ONNX graph, each after those whose outputs it takes.
    """
    followed: set[str] = set()
    found = []
    for node in reversed(nodes):
        layer = node.op_type in EIGHT_BITS
        if layer and not followed.intersection(node.output):
            found.append(node.name)
        if layer or followed.intersection(node.output):
            followed.update(node.input)
    return sorted(found)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that the library gives through the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _calibration(family: Family, dataset: Dataset, images: int) -> Iterator[dict[str, np.ndarray]]:
    if dataset.split(CALIBRATED).empty:
        raise RepriseError(
            f"int8 measures its ranges on images of {CALIBRATED}, and the dataset has none.",
            "raise data.split.val, or export in another precision.",
        )
    return _inputs(family, dataset, images)


def _inputs(family: Family, dataset: Dataset, images: int) -> Iterator[dict[str, np.ndarray]]:
    samples: Any = family.evaluation_samples(dataset, CALIBRATED)
    total = len(samples)
    for index in np.linspace(0, total - 1, min(images, total)).round().astype(int).tolist():
        yield {INPUT: family.inputs(family.collate([samples[index]])).numpy()}
