"""The predict stage: a trained model over val and test, into the prediction contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from reprise.dataset import Dataset, write_json
from reprise.errors import RepriseError
from reprise.models.config import PredictionConfig
from reprise.models.family import Family
from reprise.models.inference import Backend, TorchBackend, choose_device, predict_split
from reprise.models.network_cost import measure_latency, network_cost
from reprise.models.storage import load_model
from reprise.predictions import write_predictions
from reprise.replacing import replacing_file, replacing_folder
from reprise.runs.record import find_record

SPLITS = ("val", "test")


def predict(
    dataset: Path,
    model: Path,
    config: PredictionConfig,
    out: Path,
    splits: Sequence[str] = SPLITS,
    opened: Callable[[Family], Backend] | None = None,
    logs: Path | None = None,
) -> None:
    """Write ``out/<split>.json`` for each of the splits, and ``network.json``, what it costs.

    Args:
        dataset: A dataset folder.
        model: A model folder, or a weights file with its model.json beside it.
        config: Device and batch size.
        out: A folder for the prediction files.
        splits: Of the dataset; the stage's are val and test.
        opened: Opens what computes the outputs in place of the network: an exported model of it.
        logs: Folder of the records of runs: that of this model gets ``latency.json``, how long
            an image takes here. None measures nothing.

    Raises:
        RepriseError: The model is damaged, was trained for other classes than the dataset
            has, or the GPU's memory does not hold a batch.
    """
    data = Dataset(dataset)
    family, description = load_model(model)
    if description["classes"] != data.class_names:
        raise RepriseError(
            f"the model knows the classes {', '.join(description['classes'])}; the dataset "
            f"has {', '.join(data.class_names)}.",
            "train on this dataset (dvc repro train), or name a model of its classes.",
        )
    # Floating-point sums depend on how many threads share them.
    torch.set_num_threads(description["parameters"]["training"]["threads"])
    device = choose_device(config.device)
    backend = opened(family) if opened else TorchBackend(family, device)
    with replacing_folder(out) as folder:
        for split in splits:
            try:
                rows = predict_split(family, backend, data, split, config.batch_size)
            except torch.OutOfMemoryError:
                peak = torch.cuda.max_memory_allocated(device) / 2**30
                raise RepriseError(
                    f"the GPU ran out of memory: {peak:.1f} GiB in use at prediction.batch_size "
                    f"{config.batch_size}.",
                    f"set prediction.batch_size: {max(1, config.batch_size // 2)}, or "
                    "prediction.device: cpu.",
                ) from None
            write_predictions(folder / f"{split}.json", rows)
            print(f"{split}: {len(rows)} predictions on {len(data.split(split))} images")
        write_json(folder / "network.json", network_cost(family, data, splits[-1], backend.device))
    record = find_record(logs, model / "model.json") if logs else None
    if record:
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
        rows = measure_latency(family, backend, data, splits[-1], config.batch_size)
        with replacing_file(record.folder / "latency.json") as partial:
            write_json(partial, {"device": name, "split": splits[-1], "batches": rows})
