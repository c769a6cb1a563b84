"""The train stage: from a dataset and parameters to weights and their description."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import torch

from reprise.code_digest import code_digest
from reprise.dataset import Dataset
from reprise.distributed import init_distributed
from reprise.errors import RepriseError
from reprise.machine import MachineConfig
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Family, family_class
from reprise.models.inference import choose_device
from reprise.models.starting_weights import load_starting_weights
from reprise.models.storage import save_model, write_tensors
from reprise.training.check_parameters import check_parameters
from reprise.training.checkpoint import (
    digest_of_files,
    open_checkpoints,
    run_key,
)
from reprise.training.compiling import compile_errors_told
from reprise.training.config import TrainingConfig, ValidationConfig
from reprise.training.loop import Places, fit, precision
from reprise.training.memory import memory_errors_told
from reprise.training.plan import plan, refuse_unreachable
from reprise.training.resume import RunFacts, open_state
from reprise.training.train_state import TrainState

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
    weights: Path = Path("data/weights"),
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
        weights: What the weights stage wrote; read when the family has an entry in
            ``model.weights``, or there is a state to go on from.

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
    device = local_device(training)
    _prepare_torch(device, training.threads)
    precision(training.mixed_precision, device)
    torch.manual_seed(training.seed)
    kind = family_class(model.type)
    parameters = {
        "model": model.model_dump(),
        "training": training.model_dump(),
        "validation": validation.model_dump(),
        "augmentation": augmentation.model_dump(),
        "image_size": image_size,
    }
    family = kind(model, data.class_names, image_size)
    check_parameters(family, model, training, validation, augmentation)
    _require_objects(data, model.type, family.task)
    family.prepare(data, training.label_smoothing)
    length = plan(training, len(data.split("train")))
    refuse_unreachable(training.unfreeze_after, model.freeze == "backbone", length.epochs)
    with init_distributed(device) as distributed:
        digest = _dataset_digest(dataset)
        facts = _facts(family, data, parameters, digest)
        start, account = None, ""
        entry = model.weights.get(model.type)
        if training.resume is not None:
            start, account = open_state(training.resume, weights, facts, length.epochs)
        elif entry is not None:
            loaded = load_starting_weights(family.network, entry, weights, family.remap_state_dict)
            account = str(loaded)
        if account and distributed.is_main:
            print(account)
        if training.cache == "ram":
            data.keep_pixels("train")
        if distributed.world_size > 1:
            # What the network draws, dropout and the like, is each process's own.
            torch.manual_seed(training.seed + distributed.rank)
            if device.type == "cuda":
                family.network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(family.network)
        samples: Any = family.training_samples(data, augmentation, training.seed, length.epochs)
        versions = {
            name: importlib.metadata.version(name) for name in (*LIBRARIES, *family.libraries)
        }
        versions["python"] = platform.python_version()
        identity = {
            "parameters": parameters,
            "versions": versions,
            "device": _device_name(device),
            "dataset": digest,
            "code": code_digest("train"),
        }
        key = distributed.broadcast(run_key(identity))
        if distributed.is_main:
            together = (
                f" in {distributed.world_size} processes" if distributed.world_size > 1 else ""
            )
            print(
                f"training {model.type} {model.variant} to {family.task} on {device}{together}: "
                f"{length.images} images, {len(data.class_names)} classes, {length.steps} steps"
            )
        with open_checkpoints(scratch / "runs", key, lock=distributed.is_main) as checkpoints:
            # Nobody reads a checkpoint before the process that locks it has come here.
            distributed.barrier()
            places = Places(
                reports,
                speed=scratch / "speed" / key[:16],
                scratch=scratch / "runs" / key[:16],
                loggers=scratch / "loggers",
            )
            with memory_errors_told(training, device), compile_errors_told(training.compile):
                progress, last = fit(
                    family, data, samples, length, training, validation, machine, parameters,
                    device, distributed, checkpoints, places, facts, start,
                )  # fmt: skip
            if distributed.is_main:
                description = describe(
                    family, data, model, image_size, parameters, versions, progress
                )
                save_model(out, progress.best["weights"], description)
                write_tensors(out / "last.safetensors", last)
                checkpoints.hand_over(out)
                checkpoints.remove()
            distributed.barrier()


def _require_objects(data: Dataset, type_: str, task: str) -> None:
    train = data.annotations["image_id"].isin(data.split("train")["image_id"])
    if task != "classify" and not train.any():
        raise RepriseError(
            f"model.type: {type_} learns boxes, and no image of the train split has one.",
            "label boxes, or set model.type: multilabel, which learns labels of whole images.",
        )


def _facts(family: Family, data: Dataset, parameters: dict[str, Any], digest: str) -> RunFacts:
    model, training = parameters["model"], parameters["training"]
    free = ("nms_iou", "max_detections", "point_prompts", "weights")
    own = {f"model.{name}": value for name, value in model.items() if name not in free}
    judges = {
        "training.early_stopping.metric": training["early_stopping"]["metric"],
        "training.label_smoothing": training["label_smoothing"],
        "model.nms_iou": model["nms_iou"],
        "model.max_detections": model["max_detections"],
    }
    return RunFacts(
        fixed={
            **own,
            "model.architecture": family.architecture,
            "model.task": family.task,
            # With starting weights some families hold their norms still.
            f"model.weights.{model['type']}": model["weights"].get(model["type"]),
            "training.unfreeze_after": training["unfreeze_after"],
            "training.optimizer": training["optimizer"],
            "the list of classes": data.class_names,
        },
        judged={"dataset": digest, "data.image_size": parameters["image_size"], **judges},
    )


def local_device(training: TrainingConfig) -> torch.device:
    """The device of this process: ``training.device``, or its own GPU among several.

    Raises:
        RepriseError: A GPU was asked for that this machine does not have, or one GPU for several
            processes.
    """
    device = choose_device(training.device)
    if device.index is not None and training.devices > 1:
        raise RepriseError(
            f"training.device: {training.device} is one GPU, and training.devices asks for "
            f"{training.devices}.",
            "set training.device: cuda, and choose GPUs by CUDA_VISIBLE_DEVICES, or "
            "training.devices: 1.",
        )
    if device.type == "cuda" and training.devices > 1:
        return choose_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    return device


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
    progress: TrainState,
) -> dict[str, Any]:
    """``model.json``: how to rebuild and feed the network, and what made it."""
    metric = parameters["training"]["early_stopping"]["metric"]
    return {
        "family": model.type,
        "task": family.task,
        "prompted": family.prompted,
        "architecture": family.architecture,
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
