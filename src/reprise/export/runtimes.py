"""Exported models in use: each maps images to what ``Family.outputs`` gives for them."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reprise.errors import RepriseError
from reprise.export.identity import INPUT, KEY, check_identity
from reprise.export.packages import package
from reprise.export.registry import FILES, FOLDER, runtime_of
from reprise.models.family import Family, Outputs
from reprise.models.storage import model_files


class Runtime(ABC):
    """An exported model on the CPU.

    Args:
        path: The file.
        threads: Of the CPU that it may use.
        batches: Whether it takes several images at a time.

    Attributes:
        identity: What the file says of itself; None where it says nothing.
        device: That images and outputs are on.

    Raises:
        RepriseError: The file is damaged, or its package is not installed.
    """

    identity: str | None
    device = torch.device("cpu")

    def __init__(self, path: Path, threads: int, batches: bool) -> None:
        self._batches = batches
        try:
            self._open(path, threads)
        except RepriseError:
            raise
        # Each of the libraries has errors of its own, without a common base.
        except Exception as error:  # noqa: BLE001
            raise RepriseError(
                f"{path} cannot be opened: {str(error).strip().splitlines()[0]}",
                "export the model again: reprise export-model",
            ) from None

    @abstractmethod
    def _open(self, path: Path, threads: int) -> None: ...

    @abstractmethod
    def _run(self, images: torch.Tensor) -> Outputs: ...

    def __call__(self, images: torch.Tensor) -> Outputs:
        """The outputs of images uint8 (n, 3, h, w) RGB, on the CPU."""
        if self._batches:
            return self._run(images)
        found = [self._run(image[None]) for image in images]
        return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


class OnnxRuntime(Runtime):
    """A model in ONNX Runtime."""

    def _open(self, path: Path, threads: int) -> None:
        library = package("onnxruntime")
        options = library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        self._session = library.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self.identity = self._session.get_modelmeta().custom_metadata_map.get(KEY)

    def _run(self, images: torch.Tensor) -> Outputs:
        found = self._session.run(None, {INPUT: images.numpy()})
        return tuple(torch.from_numpy(values) for values in found)


class OpenVino(Runtime):
    """A model in OpenVINO."""

    def _open(self, path: Path, threads: int) -> None:
        library = package("openvino")
        core = library.Core()
        model = core.read_model(path)
        self.identity = model.get_rt_info(KEY).astype(str) if model.has_rt_info(KEY) else None
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        self._compiled = core.compile_model(model, "CPU", settings)

    def _run(self, images: torch.Tensor) -> Outputs:
        found = self._compiled(images.numpy())
        return tuple(torch.from_numpy(np.array(found[name])) for name in self._compiled.outputs)


class TorchScript(Runtime):
    """A model in TorchScript."""

    def _open(self, path: Path, threads: int) -> None:  # noqa: ARG002 - torch's own setting
        # The detectors call its operators.
        import torchvision  # noqa: F401

        extra = {f"{KEY}.json": ""}
        with warnings.catch_warnings():
            # Of the format's age.
            warnings.simplefilter("ignore")
            self._module: Any = torch.jit.load(  # type: ignore[no-untyped-call]
                path, map_location="cpu", _extra_files=extra
            )
        found: Any = extra[f"{KEY}.json"]
        self.identity = found.decode() if isinstance(found, bytes) else found

    def _run(self, images: torch.Tensor) -> Outputs:
        with torch.inference_mode():
            return tuple(self._module(images))


RUNTIMES: dict[str, Callable[[Path, int, bool], Runtime]] = {
    "onnx": OnnxRuntime,
    "openvino": OpenVino,
    "torchscript": TorchScript,
}


def open_file(folder: Path, format_name: str, family: Family, threads: int) -> Runtime:
    """An exported model, whatever weights it holds.

    Args:
        folder: That holds it.
        format_name: Of :data:`reprise.export.registry.FORMATS`.
        family: Of the model that it was exported from.
        threads: Of the CPU that it may use.

    Raises:
        RepriseError: It is not there or damaged, or its package is not installed.
    """
    runtime = runtime_of(format_name)
    path = folder / FILES[runtime]
    if not path.is_file():
        raise RepriseError(
            f"{path} does not exist.", f"export the model first: reprise export-model {format_name}"
        )
    return RUNTIMES[runtime](path, threads, family.exports_batches)


def open_export(format_name: str, family: Family, model: Path, threads: int) -> Runtime:
    """An exported model that stands for a trained one.

    Args:
        format_name: Of :data:`reprise.export.registry.FORMATS`.
        family: Trained.
        model: The model folder or weights file that it was loaded from. The exported file is
            looked for in ``exports`` beside the folder, then in that of the current folder.
        threads: Of the CPU that it may use.

    Raises:
        RepriseError: As of :func:`open_file`, or it was exported from other weights.
    """
    weights = model_files(model)[0]
    folder = weights.parent.parent / FOLDER / format_name
    if not folder.is_dir():
        folder = FOLDER / format_name
    found = open_file(folder, format_name, family, threads)
    check_identity(found.identity, folder / FILES[runtime_of(format_name)], weights, format_name)
    return found
