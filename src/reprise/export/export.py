"""A trained model for other runtimes: written, run on real images, and kept if it is as good."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from reprise.dataset import Dataset, write_json
from reprise.errors import RepriseError
from reprise.export import graph, precision
from reprise.export.config import ExportConfig
from reprise.export.identity import identity_of
from reprise.export.registry import ACCOUNT, FILES, precision_of, runtime_of
from reprise.export.runtimes import open_file
from reprise.models.family import Family
from reprise.models.inference import Backend, TorchBackend, predict_split
from reprise.models.storage import load_model, model_files
from reprise.replacing import replacing_folder
from reprise.scoring import compute_metrics, score, truth_of

# In single precision a metric that moves by more than this, either way, is an error.
TOLERANCE = 0.001
METRIC = "mAP"
# The split that is compared on; val where test has nothing to find.
SPLITS = ("test", "val")
BATCH = 8
DIGITS = 5
PACKAGES = {
    "onnx": ("onnx", "onnxruntime"),
    "openvino": ("onnx", "openvino"),
    "torchscript": (),
}


def export_model(
    format_name: str, dataset: Path, model: Path, config: ExportConfig, out: Path
) -> dict[str, Any]:
    """Export a trained model and compare its metric with that of torch.

    Args:
        format_name: Of :data:`reprise.export.registry.FORMATS`.
        dataset: The dataset folder that it was trained on.
        model: A model folder, or a weights file with its model.json beside it.
        config: The ``export`` section.
        out: A folder, which is replaced as a whole: the file, and ``export.json``.

    Returns:
        ``export.json``: format, precision, split, images, the metric of torch and of the file,
        and the sizes of the files.

    Raises:
        RepriseError: The family cannot be exported, a package is missing, the model does not fit
            the dataset, there are no images to compare on, or the metric differs by more than
            TOLERANCE in single precision. Nothing is written then.
    """
    data = Dataset(dataset)
    family, description = load_model(model)
    graph.check_exportable(family, format_name)
    if description["classes"] != data.class_names:
        raise RepriseError(
            f"the model knows the classes {', '.join(description['classes'])}; the dataset "
            f"has {', '.join(data.class_names)}.",
            "name the dataset that it was trained on.",
        )
    weights = model_files(model)[0]
    threads = description["parameters"]["training"]["threads"]
    torch.set_num_threads(threads)
    identity = identity_of(family, description, weights, format_name)
    split = _compared_split(family, data)
    with replacing_folder(out) as folder:
        write(family, identity, data, config.calibration_images, folder)
        runtime = open_file(folder, format_name, family, threads)
        # Models of older versions have none; the best of the compared split is then taken.
        threshold = description.get("score_threshold")
        values = {
            name: _metrics(family, backend, data, split, threshold)
            for name, backend in (
                ("torch", TorchBackend(family, torch.device("cpu"))),
                ("exported", runtime),
            )
        }
        account = {
            "format": format_name,
            "precision": precision_of(format_name),
            "split": split,
            "images": len(data.split(split)),
            **values,
            "bytes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
            "versions": {
                name: version(name) for name in (*PACKAGES[runtime_of(format_name)], "torch")
            },
        }
        check_difference(account)
        write_json(folder / ACCOUNT, account)
    return account


def write(
    family: Family, identity: dict[str, Any], data: Dataset, calibration: int, folder: Path
) -> None:
    """Write the files of the format that ``identity`` names into a folder."""
    format_name = identity["format"]
    runtime, how = runtime_of(format_name), precision_of(format_name)
    path = folder / FILES[runtime]
    if runtime == "torchscript":
        graph.write_torchscript(family, identity, path)
        return
    with tempfile.TemporaryDirectory(prefix=".onnx-", dir=folder.parent) as scratch:
        source = Path(scratch) / "model.onnx" if runtime == "openvino" else path
        graph.write_onnx(family, identity, source)
        if how == "int8":
            precision.to_int8(source, family, data, calibration)
        elif how == "fp16" and runtime == "onnx":
            precision.to_half(source)
        if runtime == "openvino":
            graph.write_openvino(source, identity, path, half=how == "fp16")


def _compared_split(family: Family, data: Dataset) -> str:
    for split in SPLITS:
        truth = truth_of(data, split, family.task)
        if truth["labels" if family.task == "classify" else "annotations"]:
            return split
    raise RepriseError(
        "an export is compared with torch on the images of test, and neither test nor val has "
        "anything to find.",
        "name a dataset with labelled images in one of them.",
    )


def _metrics(
    family: Family, backend: Backend, data: Dataset, split: str, threshold: float | None
) -> dict[str, float]:
    rows = predict_split(family, backend, data, split, BATCH)
    scores = score(family.task, truth_of(data, split, family.task), rows, threshold)
    return {name: round(value, DIGITS) for name, value in compute_metrics(scores).items()}


def check_difference(account: dict[str, Any]) -> None:
    """Refuse an export in single precision that is not as good as the model, or better.

    Raises:
        RepriseError: Its metric differs by more than TOLERANCE.
    """
    ours, theirs = account["torch"][METRIC], account["exported"][METRIC]
    if account["precision"] == "fp32" and abs(ours - theirs) > TOLERANCE:
        raise RepriseError(
            f"exported to {account['format']}, the model has {METRIC} {theirs:.5f} on "
            f"{account['split']}, and {ours:.5f} in torch: more than {TOLERANCE} apart.",
            "nothing was written; export to another format, and report this with model.json.",
        )
