"""The train stage: from a dataset and parameters to weights and their description."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import torch

from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Family, family_class
from reprise.models.inference import choose_device
from reprise.models.storage import load_starting_weights, save_model
from reprise.params import MachineConfig
from reprise.training.checkpoint import (
    digest_of_files,
    open_checkpoints,
    run_key,
)
from reprise.training.config import TrainingConfig, ValidationConfig
from reprise.training.loop import Progress, fit, precision

# What computes the result; a checkpoint is only good under the same versions.
LIBRARIES = ("numpy", "opencv-python-headless", "torch", "torchvision", "ultralytics")


def train(
    dataset: Path,
    model: ModelConfig,
    training: TrainingConfig,
    validation: ValidationConfig,
    augmentation: AugmentationConfig,
    image_size: int,
    machine: MachineConfig,
    out: Path,
    reports: Path,
    scratch: Path,
) -> None:
    """Train, and write ``out/model.safetensors``, ``out/model.json`` and DVCLive's files.

    Args:
        dataset: A dataset folder with images in train and val.
        model: The network.
        training: The loop.
        validation: Validation while training.
        augmentation: Random changes to training images.
        image_size: Longest side of the network's input, in pixels.
        machine: Loader processes and checkpoint interval; they change no result.
        out: Folder of the model.
        reports: DVCLive's folder.
        scratch: For checkpoints, and for what depends on the machine's speed.

    Raises:
        RepriseError: Anything a person can put right: no images, a missing GPU, wrong
            starting weights, a loss that is not finite, memory or disk exhausted.
    """
    data = Dataset(dataset)
    for split in ("train", "val"):
        if data.split(split).empty:
            raise RepriseError(
                f"the {split} split has no images.", "raise data.split." + split + " or add images."
            )
    device = choose_device(training.device)
    _prepare_torch(device, training.threads)
    precision(training.mixed_precision, device)
    torch.manual_seed(training.seed)
    family = family_class(model.type)(model, data.class_names, image_size)
    if model.weights is not None:
        print(load_starting_weights(family.network, model.weights))
    samples: Any = family.training_samples(data, augmentation, training.seed, training.epochs)
    parameters = {
        "model": model.model_dump(),
        "training": training.model_dump(),
        "validation": validation.model_dump(),
        "augmentation": augmentation.model_dump(),
        "image_size": image_size,
    }
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    versions["python"] = platform.python_version()
    key = run_key(
        {
            "parameters": parameters,
            "versions": versions,
            "device": _device_name(device),
            "dataset": _dataset_digest(dataset),
            "code": _code_digest(),
        }
    )
    print(
        f"training {model.architecture} {model.variant} on {device}: {len(samples)} images, "
        f"{len(data.class_names)} classes"
    )
    with open_checkpoints(scratch / "runs", key) as checkpoints:
        try:
            progress = fit(
                family,
                data,
                samples,
                training,
                validation,
                machine,
                device,
                checkpoints,
                reports,
                scratch / "speed" / key[:16],
            )
        except torch.OutOfMemoryError:
            raise _out_of_memory(training, device) from None
        description = describe(family, data, model, image_size, parameters, versions, progress)
        save_model(out, progress.best["weights"], description)
        checkpoints.remove()


def _prepare_torch(device: torch.device, threads: int) -> None:
    torch.set_num_threads(threads)
    # The first steps from random weights are full of subnormal numbers, which a CPU
    # computes many times slower than zeros. Threads inherit this when they start.
    torch.set_flush_denormal(True)
    if device.type == "cuda":
        # cuBLAS is deterministic only with a workspace of fixed size.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # On the CPU the kernels are deterministic as they are, and this costs two seconds.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False


def describe(
    family: Family,
    data: Dataset,
    model: ModelConfig,
    image_size: int,
    parameters: dict[str, Any],
    versions: dict[str, str],
    progress: Progress,
) -> dict[str, Any]:
    """``model.json``: how to rebuild and feed the network, and what made it."""
    metric = parameters["training"]["early_stopping"]["metric"]
    return {
        "family": model.type,
        "architecture": model.architecture,
        "variant": model.variant,
        "classes": data.class_names,
        "image_size": image_size,
        "normalisation": family.normalisation,
        "score_threshold": progress.best["threshold"],
        "selection": {"metric": metric, "value": progress.best["value"], "split": "val"},
        "best_epoch": progress.best["epoch"],
        "epochs_run": progress.epoch,
        "versions": versions,
        "parameters": parameters,
    }


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _dataset_digest(dataset: Path) -> str:
    """Tables and shards; the tables hold each image's hash, so shards count by size."""
    tables = digest_of_files([*dataset.glob("*.parquet"), *dataset.glob("*.json")], dataset)
    shards = [(path.name, path.stat().st_size) for path in sorted(dataset.glob("shards/*.tar"))]
    return run_key({"tables": tables, "shards": shards})


def _code_digest() -> str:
    package = Path(__file__).resolve().parent.parent
    files = [
        path for part in ("*.py", "models/*.py", "training/*.py") for path in package.glob(part)
    ]
    return digest_of_files(files, package)


def _out_of_memory(training: TrainingConfig, device: torch.device) -> RepriseError:
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return RepriseError(
        f"the GPU ran out of memory: {peak:.1f} of {total:.1f} GiB in use at batch size "
        f"{training.batch_size}.",
        f"set training.batch_size: {max(1, training.batch_size // 2)} and "
        "training.gradient_accumulation_steps: "
        f"{training.gradient_accumulation_steps * 2} (the same effective batch), or lower "
        "data.image_size or model.variant.",
    )
