"""The formats that a trained model can be exported to."""

from __future__ import annotations

from pathlib import Path

# A runtime, alone or with a precision: <runtime>-<precision>.
FORMATS = {
    "onnx": "ONNX in single precision",
    "onnx-fp16": "ONNX in half precision: half the size; not faster_rcnn or mask_rcnn",
    "onnx-int8": "ONNX with 8-bit convolutions, their ranges measured on val",
    "openvino": "OpenVINO IR in single precision",
    "openvino-fp16": "OpenVINO IR with its weights in half precision: half the size",
    "openvino-int8": "OpenVINO IR with 8-bit convolutions, their ranges measured on val",
    "torchscript": "TorchScript in single precision, for Python and C++",
}
# What each runtime opens; OpenVINO keeps the weights in model.bin beside it.
FILES = {"onnx": "model.onnx", "openvino": "model.xml", "torchscript": "model.pt"}
# Where the pipeline and the commands keep exported models, a folder a format.
FOLDER = Path("exports")
# In each folder: the sizes of the files, and the metrics that they were accepted with.
ACCOUNT = "export.json"


def runtime_of(format_name: str) -> str:
    """What runs a format: a key of FILES."""
    return format_name.partition("-")[0]


def precision_of(format_name: str) -> str:
    """fp32, fp16 or int8."""
    return format_name.partition("-")[2] or "fp32"
