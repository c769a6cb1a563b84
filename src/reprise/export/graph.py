"""The trained network as a graph that other programs run.

The graphs are traced, by the exporter of PyTorch that stands on TorchScript: the newer one, on
``torch.export``, does not take the proposals of R-CNN, whose number depends on the image.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reprise.errors import RepriseError
from reprise.export.identity import INPUT, KEY, as_text
from reprise.export.packages import package
from reprise.models.family import Family, Outputs

# The newest that each of the runtimes reads in full.
OPSET = 17
STRIDE = 32


class Graph(nn.Module):
    """What an exported file computes: ``Family.outputs``."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self.network = family.traceable()
        self._family = family
        self.eval()

    def forward(self, images: torch.Tensor) -> Outputs:
        return self._family.outputs(self.network, images)


def check_exportable(family: Family, format_name: str) -> None:
    """Refuse a family that has no graph to export, or none of the format.

    Raises:
        RepriseError: It has none.
    """
    if family.export_obstacle:
        raise RepriseError(
            f"a {family.config.type} model cannot be exported: {family.export_obstacle}.",
            "use it as it is (reprise predict), or train another model.type: yolo, faster_rcnn, "
            "mask_rcnn and multilabel can be exported.",
        )
    # Where the number of boxes decides what is computed, the graph has branches, which ONNX
    # Runtime's converter does not follow.
    if format_name == "onnx-fp16" and not family.exports_batches:
        raise RepriseError(
            f"ONNX Runtime has no half precision for {family.config.type}.",
            "export to openvino-fp16, onnx-int8 or onnx.",
        )


def example(family: Family) -> torch.Tensor:
    """Noise to trace with, uint8 (n, 3, h, w): nothing of the graph depends on what it shows."""
    side = -(-family.image_size // STRIDE) * STRIDE
    shape = (2 if family.exports_batches else 1, 3, side, side)
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return torch.from_numpy(noise)


@contextmanager
def _tracing() -> Iterator[None]:
    with torch.no_grad(), warnings.catch_warnings():
        # Of values that a trace keeps, and of the exporter's age.
        warnings.simplefilter("ignore")
        yield


def write_onnx(family: Family, identity: dict[str, Any], path: Path) -> None:
    """Write the network as ONNX, for images of any number (where the family allows) and size."""
    onnx = package("onnx")
    names = list(family.output_names())
    # Not named, other sizes are fixed. The number of boxes is that of the outputs' first axis.
    free = {2: "height", 3: "width"} | ({0: "images"} if family.exports_batches else {})
    with _tracing():
        torch.onnx.export(
            Graph(family),
            (example(family),),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=names,
            dynamic_axes={INPUT: free} | {name: {0: f"{name}_rows"} for name in names},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {KEY: as_text(identity)})
    onnx.save(model, path)


def write_openvino(source: Path, identity: dict[str, Any], path: Path, half: bool) -> None:
    """Write an ONNX file as OpenVINO IR, with its weights beside it.

    Args:
        source: The ONNX file; its 8-bit operations stay so.
        identity: What the file says of itself.
        path: The ``.xml`` file to write.
        half: Whether weights are stored in half precision.
    """
    library = package("openvino")
    model = library.Core().read_model(source)
    # Names that the reader makes up count on from one model to the next.
    for place, operation in enumerate(model.get_ordered_ops()):
        if operation.get_type_name() not in ("Parameter", "Result"):
            operation.set_friendly_name(f"{operation.get_type_name()}_{place}")
    model.set_rt_info(as_text(identity), KEY)
    library.save_model(model, path, compress_to_fp16=half)


def write_torchscript(family: Family, identity: dict[str, Any], path: Path) -> None:
    """Write the network as TorchScript."""
    whole = path.with_suffix(".traced")
    with _tracing():
        network = Graph(family)
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            network, (example(family),), check_trace=False
        )
        frozen = torch.jit.freeze(traced)
        torch.jit.save(frozen, whole, _extra_files={f"{KEY}.json": as_text(identity)})
    _rewrite(whole, path)
    whole.unlink()


def _rewrite(source: Path, path: Path) -> None:
    """Copy a TorchScript archive without what differs between two of one network: paths of
    this machine's Python files, and the count of modules that were traced before."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            name = entry.filename.partition("/")[2]
            if name.endswith(".debug_pkl") or name == ".data/serialization_id":
                continue
            data = old.read(entry)
            if name.startswith("code/") or name == "data.pkl":
                data = re.sub(rb"___torch_mangle_\d+", b"___torch_mangle_0", data)
                name = re.sub(r"___torch_mangle_\d+", "___torch_mangle_0", name)
            # ZipInfo's own date is fixed.
            new.writestr(zipfile.ZipInfo(f"{KEY}/{name}"), data)
