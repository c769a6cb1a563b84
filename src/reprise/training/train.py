"""The train stage: from a dataset and parameters to weights and their description."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reprise.code_digest import code_digest
from reprise.dataset import Dataset
from reprise.distributed import init_distributed
from reprise.machine import MachineConfig
from reprise.models.family import Family, family_class
from reprise.models.starting_weights import ClassHead, load_starting_weights, starting_description
from reprise.models.storage import save_model, write_tensors
from reprise.runs.config import RunConfig
from reprise.runs.record import RunRecord, machine_facts, recorded
from reprise.training.callbacks import (
    Checkpointing,
    Console,
    LearningRate,
    LogRows,
    RecordRun,
    Validation,
)
from reprise.training.check_data import check_labels, check_splits
from reprise.training.check_parameters import check_parameters
from reprise.training.checkpoint import open_checkpoints, run_key
from reprise.training.config import TrainSettings
from reprise.training.loggers import LoggedRun, open_loggers
from reprise.training.loop import Callback, Trainer
from reprise.training.plan import check_unfreeze, plan_run
from reprise.training.resume import RunSignature, open_state, restore
from reprise.training.runtime import (
    Runtime,
    explain_errors,
    local_device,
    precision,
    prepare_torch,
)

# What computes the result; a checkpoint is only good under the same versions.
LIBRARIES = ("numpy", "opencv-python-headless", "torch", "torchvision", "ultralytics")


@dataclass(frozen=True)
class TrainFolders:
    """What a run reads and writes.

    Attributes:
        dataset: A dataset folder with images in train and val.
        weights: What the weights stage wrote; read when the family has an entry in
            ``model.weights``, or there is a state to go on from.
        models: For the model.
        reports: For DVCLive.
        scratch: For checkpoints, and for what loggers keep.
        logs: For the record of the run: what depends on the clock and the machine.
    """

    dataset: Path
    weights: Path
    models: Path
    reports: Path
    scratch: Path
    logs: Path


def train(
    settings: TrainSettings,
    machine: MachineConfig,
    folders: TrainFolders,
    named: RunConfig | None = None,
) -> None:
    """Train, and write ``model.safetensors``, ``model.json`` and DVCLive's files.

    Args:
        settings: What decides the result.
        machine: Loader processes, checkpoint interval and console; they change no result.
        folders: Where everything is.
        named: The ``run`` section, for the record and the loggers; no result depends on it.

    Raises:
        RepriseError: Anything a person can put right: no images, a missing GPU, wrong
            starting weights, a loss that is not finite, memory or disk exhausted.
    """
    training = settings.training
    data = Dataset(folders.dataset)
    device = local_device(training)
    prepare_torch(device, training)
    precision(training.mixed_precision, device)  # refused before there is work to lose
    family, notes = _build_family(data, settings)
    plan = plan_run(training, len(data.split("train")))
    check_unfreeze(training.unfreeze_after, settings.model.freeze == "backbone", plan.epochs)
    with init_distributed(device) as distributed:
        identity = _identity(family, settings, folders, device)
        signature = _signature(family, settings, data.class_names, identity["dataset"])
        start, message = _load_start(
            family, data.class_names, settings, folders.weights, signature, plan.epochs
        )
        several = distributed.world_size > 1
        together = f" in {distributed.world_size} processes" if several else ""
        opening = (
            "".join(f"note: {note}\n" for note in notes)
            + f"{message}training {settings.model.type} {settings.model.variant} to "
            f"{family.task} on {device}{together}: {plan.images} images, "
            f"{len(data.class_names)} classes, {plan.steps} steps"
        )
        if training.cache == "ram":
            data.keep_pixels("train")
        if several:
            # What the network draws, dropout and the like, is each process's own.
            torch.manual_seed(training.seed + distributed.rank)
            if device.type == "cuda":
                convert: Any = torch.nn.SyncBatchNorm.convert_sync_batchnorm
                family.network = convert(family.network)
        samples = family.training_samples(data, settings.augmentation, training.seed, plan.epochs)
        key = distributed.broadcast(run_key(identity))
        runs = folders.scratch / "runs"
        gpus = distributed.world_size if device.type == "cuda" else 0
        with (
            open_checkpoints(runs, key, lock=distributed.is_main) as checkpoints,
            _recorded(settings, folders, key, named, distributed.is_main, gpus) as record,
        ):
            if record is not None:
                print(opening)
            # Nobody reads a checkpoint before the process that locks it has come here.
            distributed.barrier()
            runtime = Runtime(device, distributed, machine.workers, runs / key[:16])
            with explain_errors(training, device):
                trainer = Trainer(family, samples, plan, settings, runtime)
                restore(trainer, checkpoints, start)
                callbacks: list[Callback] = [LearningRate(), Validation(data, settings.validation)]
                if record is not None:
                    callbacks += _logging(settings, machine, folders, record)
                checkpointing = Checkpointing(checkpoints, signature, machine.checkpoint_minutes)
                trainer.fit([*callbacks, checkpointing])
            if record is not None:
                _save(trainer, settings, data.class_names, identity["versions"], folders.models)
                record.end_with(folders.models / "model.json")
                checkpoints.hand_over(folders.models)
                checkpoints.remove()
            distributed.barrier()


def _build_family(data: Dataset, settings: TrainSettings) -> tuple[Family, list[str]]:
    """The network with random weights, once data and parameters are found to fit it; and what
    a person should know of the data."""
    check_splits(data)
    model = settings.model
    family = family_class(model.type)(model, data.class_names, settings.image_size)
    check_parameters(family, model, settings.training, settings.validation, settings.augmentation)
    notes = check_labels(data, family, settings.training.early_stopping.metric)
    family.prepare(data, settings.training.label_smoothing)
    return family, notes


def _load_start(
    family: Family,
    class_names: list[str],
    settings: TrainSettings,
    weights: Path,
    signature: RunSignature,
    epochs: int,
) -> tuple[dict[str, Any] | None, str]:
    """What training starts from: another run's state, or weights, loaded into the network; and a
    line that says so."""
    if settings.training.resume is not None:
        state, message = open_state(settings.training.resume, weights, signature, epochs)
        return state, f"{message}\n"
    entry = settings.model.weights.get(settings.model.type)
    if entry is None:
        return None, ""
    head = None
    if settings.model.carry_over_classes:
        head = ClassHead(class_names, family.class_rows)
    account = load_starting_weights(family.network, entry, weights, family.remap_state_dict, head)
    return None, f"{account}\n"


def _recorded(
    settings: TrainSettings,
    folders: TrainFolders,
    key: str,
    named: RunConfig | None,
    is_main: bool,
    gpus: int,
) -> AbstractContextManager[RunRecord | None]:
    """The record of the run, which the main process keeps."""
    if not is_main:
        return nullcontext()
    names = [torch.cuda.get_device_name() for _ in range(gpus)]
    hardware = {"gpus": names, **machine_facts()}
    default = f"{settings.model.type}-{settings.model.variant}"
    return recorded(folders.logs, key, named or RunConfig(), default, hardware)


def _logging(
    settings: TrainSettings, machine: MachineConfig, folders: TrainFolders, record: RunRecord
) -> list[Callback]:
    """What the main process alone says of a run."""
    named = RunConfig.model_validate(
        {name: record.facts[name] for name in ("name", "description", "tags")}
    )
    scratch = folders.scratch / "loggers"
    run = LoggedRun(folders.reports, record.folder, scratch, settings.dump(), named)
    return [
        LogRows(open_loggers(settings.training.loggers, run)),
        RecordRun(record, run),
        Console(machine.log),
    ]


def _identity(
    family: Family, settings: TrainSettings, folders: TrainFolders, device: torch.device
) -> dict[str, Any]:
    """Everything that decides the result: a checkpoint is good for no other run."""
    libraries = (*LIBRARIES, *family.libraries)
    versions = {name: importlib.metadata.version(name) for name in libraries}
    return {
        "parameters": settings.dump(),
        "versions": {**versions, "python": platform.python_version()},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "dataset": _dataset_digest(folders.dataset),
        # A name, or a path, may stand for other bytes than before.
        "weights": _weights_digest(settings, folders.weights),
        "code": code_digest("train"),
    }


def _weights_digest(settings: TrainSettings, folder: Path) -> str | None:
    """Of the file that training starts from; None for random weights."""
    entry = settings.training.resume or settings.model.weights.get(settings.model.type)
    return None if entry is None else starting_description(entry, folder)["sha256"]


def _dataset_digest(dataset: Path) -> str:
    """Tables and shards; the tables hold each image's hash, so shards count by size."""
    tables = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [*dataset.glob("*.parquet"), *dataset.glob("*.json")]
    }
    shards = {path.name: path.stat().st_size for path in dataset.glob("shards/*.tar")}
    return run_key({"tables": tables, "shards": shards})


def _signature(
    family: Family, settings: TrainSettings, class_names: list[str], dataset: str
) -> RunSignature:
    """What runs must share to go on from each other's states."""
    model, training = settings.model.model_dump(), settings.training
    free = ("nms_iou", "max_detections", "point_prompts", "weights", "carry_over_classes")
    own = {f"model.{name}": value for name, value in model.items() if name not in free}
    return RunSignature(
        network={
            **own,
            "model.architecture": family.architecture,
            "model.task": family.task,
            # With starting weights some families hold their norms still.
            f"model.weights.{model['type']}": model["weights"].get(model["type"]),
            "training.unfreeze_after": training.unfreeze_after,
            "training.optimizer": training.optimizer,
            "the list of classes": class_names,
        },
        validation={
            "dataset": dataset,
            "data.image_size": settings.image_size,
            "training.early_stopping.metric": training.early_stopping.metric,
            "training.label_smoothing": training.label_smoothing,
            "model.nms_iou": settings.model.nms_iou,
            "model.max_detections": settings.model.max_detections,
        },
    )


def _save(
    trainer: Trainer,
    settings: TrainSettings,
    class_names: list[str],
    versions: dict[str, str],
    folder: Path,
) -> None:
    """Write the best weights, their description ``model.json``, and the last weights."""
    family, state, best = trainer.family, trainer.state, trainer.state.best
    # The last epoch is always validated, and the first validation is the best so far.
    assert best is not None
    description = {
        "family": settings.model.type,
        "task": family.task,
        "prompted": family.prompted,
        "architecture": family.architecture,
        "variant": settings.model.variant,
        "classes": class_names,
        "image_size": settings.image_size,
        "jpeg_quality": settings.jpeg_quality,
        "normalisation": family.normalisation,
        "score_threshold": best.threshold,
        "selection": {
            "metric": settings.training.early_stopping.metric,
            "value": best.value,
            "split": "val",
        },
        "best_epoch": best.epoch,
        "epochs_run": state.epoch,
        "versions": versions,
        "parameters": settings.dump(),
    }
    save_model(folder, best.weights, description)
    write_tensors(folder / "last.safetensors", trainer.average.module.state_dict())
