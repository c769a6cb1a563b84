"""A trained model in each format: latency at batch 1, test metric and size of the file.

    python benchmarks/export.py --model models --dataset data/processed

Latency is of the network alone, on the images of the test split at their own shapes, on as many
threads as ``--threads`` says; the formats take turns image by image, so that a busy machine
favours none. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from reprise.errors import RepriseError  # noqa: E402
from reprise.export.registry import FORMATS  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models")
    parser.add_argument("--dataset", type=Path, default=ROOT / "data" / "processed")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--images", type=int, default=60, help="of test, for the latency")
    parser.add_argument("--warm-up", type=int, default=5, help="images before them")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    print_table(*measured(arguments), arguments.threads)


def measured(arguments: argparse.Namespace) -> tuple[str, list[dict[str, Any]]]:
    """What was run, and a row for torch and for each format."""
    import torch

    from reprise.dataset import Dataset
    from reprise.export.config import ExportConfig
    from reprise.export.export import METRIC, export_model
    from reprise.export.runtimes import open_file
    from reprise.models.inference import TorchBackend
    from reprise.models.storage import load_model

    family, _ = load_model(arguments.model)
    rows: list[dict[str, Any]] = []
    runs: dict[str, Any] = {"torch": TorchBackend(family, torch.device("cpu"))}
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as folder:
        for name in arguments.formats:
            out = Path(folder) / name
            try:
                account = export_model(
                    name, arguments.dataset, arguments.model, ExportConfig(), out
                )
            except RepriseError as error:
                print(f"{name}: {error.problem}")
                continue
            if not rows:
                size = (arguments.model / "model.safetensors").stat().st_size
                rows.append({"format": "torch", "bytes": size, **account["torch"]})
            rows.append(
                {"format": name, "bytes": sum(account["bytes"].values()), **account["exported"]}
            )
            runs[name] = open_file(out, name, family, arguments.threads)
            print(f"exported to {name}", flush=True)
        torch.set_num_threads(arguments.threads)
        times = latencies(family, Dataset(arguments.dataset), runs, arguments)
    for row in rows:
        row["times"] = times[row["format"]]
        row["metric"] = row[METRIC]
    what = f"{family.config.type} {family.config.variant} ({family.task}), {family.image_size} px"
    return what, rows


def latencies(
    family: Any, data: Any, runs: dict[str, Any], arguments: argparse.Namespace
) -> dict[str, list[float]]:
    """Milliseconds for each image of the test split, by format."""
    import torch

    samples = family.evaluation_samples(data, "test")
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(arguments.warm_up + arguments.images):
        images = family.inputs(family.collate([samples[number % len(samples)]]))
        for name, run in runs.items():
            with torch.inference_mode():
                before = time.perf_counter()
                run(images)
                times[name].append((time.perf_counter() - before) * 1e3)
    return {name: values[arguments.warm_up :] for name, values in times.items()}


def print_table(what: str, rows: list[dict[str, Any]], threads: int) -> None:
    print(f"\n{what}, batch 1, {threads} thread(s)\n")
    print("| format | median ms | p95 ms | test mAP | difference | MiB |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        times = row["times"]
        p95 = statistics.quantiles(times, n=20)[-1]
        print(
            f"| {row['format']} | {statistics.median(times):.1f} | {p95:.1f} | "
            f"{row['metric']:.4f} | {row['metric'] - rows[0]['metric']:+.4f} | "
            f"{row['bytes'] / 2**20:.1f} |"
        )


if __name__ == "__main__":
    main()
