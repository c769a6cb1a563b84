"""What the comparisons with other libraries' training loops share.

Each training runs in a process of its own, in turns, so that a busy machine, or what warms up or
throttles it, favours neither; both results are scored by Reprise's evaluator on the test split.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

if TYPE_CHECKING:
    from reprise.dataset import Dataset
    from reprise.models.family import Family
    from reprise.params import Params
    from reprise.training.config import TrainSettings

FLIP = 0.5
MOST_PROPOSALS = 300

# Trains with a seed; images_per_second, and metrics of the test split.
Train = Callable[[argparse.Namespace, int], dict[str, float]]


def compare(
    script: str,
    arguments: argparse.Namespace,
    peer: str,
    train_peer: Train,
    metrics: Sequence[str] = ("mAP",),
    train_ours: Train | None = None,
) -> None:
    """Train with both for each seed and print the results, or train with the one asked for.

    Args:
        script: The file of the comparison, started again for each training.
        arguments: Its arguments, those of :func:`add_common` among them.
        peer: Name of the other library.
        train_peer: Trains with it.
        metrics: What the results are compared by, beside speed.
        train_ours: Trains with our loop; by default :func:`train_reprise`.
    """
    if arguments.child:
        train = (train_ours or train_reprise) if arguments.child == "reprise" else train_peer
        print("RESULT " + json.dumps(train(arguments, arguments.seeds[0])))
        return
    rows = []
    for place, seed in enumerate(arguments.seeds):
        names = ["reprise", peer][:: 1 if place % 2 == 0 else -1]
        rows.append({name: one_run(script, name, arguments, seed) for name in names})
    show(rows, arguments, peer, metrics)


def add_common(parser: argparse.ArgumentParser, peer: str) -> None:
    """The arguments of every comparison."""
    parser.add_argument("--dataset", type=Path, default=ROOT / "data" / "processed")
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--sampled", type=int, default=64, help="proposals, of small networks")
    parser.add_argument("--cache", choices=["none", "ram"], default="none", help="of ours")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", choices=["reprise", peer], help=argparse.SUPPRESS)


def one_run(script: str, name: str, arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Each training in its own process."""
    values = vars(arguments) | {"seeds": seed, "dataset": arguments.dataset.resolve()}
    with tempfile.TemporaryDirectory(prefix="reprise-benchmark-") as folder:
        command = [sys.executable, script]
        for key, value in (values | {"child": name, "folder": folder}).items():
            command += [f"--{key.replace('_', '-')}", str(value)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        sys.exit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    result: dict[str, float] = json.loads(lines[-1].removeprefix("RESULT "))
    print(f"seed {seed} {name}: {result}", flush=True)
    return result


def parameters(arguments: argparse.Namespace, seed: int) -> Params:
    """params.yaml with the benchmark's network and lengths, as typed sections."""
    from reprise import params

    os.chdir(ROOT)
    loaded = params.load(ROOT / "params.yaml")
    values = loaded.model_dump()
    values["model"] |= {
        "type": arguments.family, "task": "auto", "weights": {}, "variant": arguments.variant,
        "architecture": getattr(arguments, "architecture", "auto"),
    }  # fmt: skip
    if has_few_proposals(arguments):
        values["model"]["first_stage"] |= {
            "sampled_proposals": arguments.sampled,
            "max_proposals": MOST_PROPOSALS,
        }
    values["training"] |= {
        "epochs": arguments.epochs, "steps": None, "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate, "optimizer": "adamw", "seed": seed,
        "mixed_precision": getattr(arguments, "precision", "none"),
        "device": getattr(arguments, "device", "cpu"),
        "threads": arguments.threads, "ema_decay": 0.0, "cache": arguments.cache,
        # Detectron2's simple trainer clips nothing.
        "gradient_clip": 0.0 if arguments.family == "detectron2" else 10.0,
    }  # fmt: skip
    values["training"]["early_stopping"] |= {"enabled": False, "metric": "mAP"}
    values["validation"] |= {"frequency": arguments.epochs, "metrics": ["mAP"]}
    values["augmentation"] = dict.fromkeys(values["augmentation"], 0) | {
        "enabled": True,
        "flip_horizontal": FLIP,
    }
    values["machine"] |= {"workers": arguments.workers}
    return type(loaded).model_validate(values)


def has_few_proposals(arguments: argparse.Namespace) -> bool:
    """Whether the network is a small one of two stages: then it has time to learn something."""
    two_stages = "rcnn" in arguments.family or "rcnn" in getattr(arguments, "architecture", "")
    return two_stages and arguments.variant != "medium"


def train_reprise(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Train with the parameters that every comparison but one shares."""
    return train_with(arguments, parameters(arguments, seed))


def train_with(arguments: argparse.Namespace, params: Params) -> dict[str, float]:
    """Train with our loop, and score the test split."""
    from reprise.models.inference import choose_device
    from reprise.models.storage import load_model
    from reprise.training.runtime import peak_gib

    train_only(arguments, params)
    peak = peak_gib(choose_device(params.training.device))
    speeds = arguments.folder.glob("logs/*/dvclive/plots/metrics/images_per_second.tsv")
    values = [float(line.split("\t")[1]) for line in next(speeds).read_text().splitlines()[1:]]
    family, _ = load_model(arguments.folder / "models")
    speed = {"images_per_second": statistics.median(values), "peak_gib": peak}
    return {**speed, **score(arguments, family)}


def train_only(arguments: argparse.Namespace, params: Params) -> None:
    """Train with our loop, into ``arguments.folder``."""
    from reprise.training.train import TrainFolders, train

    out = arguments.folder
    folders = TrainFolders(
        dataset=arguments.dataset,
        weights=out / "weights",
        models=out / "models",
        reports=out / "reports",
        scratch=out / "scratch",
        logs=out / "logs",
    )
    train(settings_of(params, arguments.image_size), params.machine, folders)


def settings_of(params: Params, image_size: int) -> TrainSettings:
    """What decides the result of a training."""
    from reprise.training.config import TrainSettings

    return TrainSettings(
        model=params.model,
        training=params.training,
        validation=params.validation,
        augmentation=params.augmentation,
        image_size=image_size,
    )


def open_dataset(arguments: argparse.Namespace) -> Dataset:
    from reprise.dataset import Dataset

    return Dataset(arguments.dataset)


def score(arguments: argparse.Namespace, family: Family) -> dict[str, float]:
    from reprise.models.inference import Inference, choose_device, run_split
    from reprise.scoring import compute_metrics, truth_of
    from reprise.scoring import score as score_rows

    data = open_dataset(arguments)
    device = choose_device(getattr(arguments, "device", "cpu"))
    network = family.network.to(device)
    _, rows = run_split(family, network, data, "test", Inference(8, device))
    scores = score_rows(family.task, truth_of(data, "test", family.task), rows)
    return compute_metrics(scores, ("mAP", "mAP50", "mean_iou"))


def show(
    rows: list[dict[str, dict[str, float]]],
    arguments: argparse.Namespace,
    peer: str,
    metrics: Sequence[str],
) -> None:
    """Print the ratios of the speeds, and each metric's mean and range over the seeds."""
    speed = "images_per_second"
    ratios = [row["reprise"][speed] / row[peer][speed] for row in rows]
    print(
        f"\n{arguments.family}, {arguments.image_size} px: images/s, "
        f"Reprise over {peer}'s loop: median {statistics.median(ratios):.3f} "
        f"({', '.join(f'{ratio:.3f}' for ratio in ratios)})"
    )
    for metric in metrics:
        for name in ("reprise", peer):
            values = [row[name][metric] for row in rows]
            print(
                f"test {metric} {name:12s} mean {statistics.mean(values):.4f} "
                f"min {min(values):.4f} max {max(values):.4f} over seeds {arguments.seeds}"
            )
