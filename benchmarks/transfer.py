"""Whether published weights help: those of one half of a dataset, for training on the other.

    python benchmarks/transfer.py > docs/transfer.md
    python benchmarks/transfer.py --only yolo --seeds 0 1

The dataset is cut in two by its groups and, where it has enough, by its classes: no image and no
class is in both halves. A network is trained on the first, saved in the form in which its library
publishes weights, and named in `model.weights`. Then, for each seed, training on the second half
starts once from it and once from random weights, for equally many epochs; both are scored on the
test split, which neither half holds. `--keep FOLDER` keeps what was trained on the first half, for
`benchmarks/export.py`. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from family_runs import FEW_PROPOSALS, SMALL_TRAINING  # noqa: E402
from pipeline.clone import Clone, make_clone  # noqa: E402
from real_datasets import LABELS, SMALL_SET  # noqa: E402
from weights.publishers import save_as_trained, zoo_file  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

    from reprise.dataset import Dataset
    from reprise.models.family import Family

LEAST_CLASSES = 4  # of a dataset whose classes are cut in two
HEAD = """# Transfer

Printed by `python benchmarks/transfer.py`. Weights of one half of a dataset (images, and classes
where there are four or more), saved as their library publishes them, against random weights:
training on the other half for equally many epochs, scored on test; mean, and least to most over
the seeds.

| family | dataset | pixels | epochs, first half | epochs, other half | metric | random weights \
| weights of the first half | every seed better |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Transfer:
    """One family on one dataset.

    Attributes:
        family: ``model.type``.
        folder: Below ``../shared/datasets``; empty for the embedded screens.
        metric: Of the test split, that is compared.
        epochs: On the first half, and on the other.
        entry: What the dataset's entry says beside its url.
        params: Further parameters by dotted name.
    """

    family: str
    folder: str
    metric: str
    epochs: tuple[int, int]
    entry: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The family, and the task where it has several."""
        return (
            f"{self.family}-{self.params['model.task']}"
            if "model.task" in self.params
            else self.family
        )

    @property
    def name(self) -> str:
        """For a person who waits."""
        return f"{self.title} on {self.folder or 'gui_screens'}"


COMMON = {"augmentation.flip_horizontal": 0.5, "training.ema_warmup_steps": 200}
REGIONS = {
    **COMMON,
    **FEW_PROPOSALS,
    "model.first_stage.anchor_sizes": [8, 16, 32, 64, 128],
    "training.learning_rate": 5e-4,
}
TRANSFERS = (
    Transfer("yolo", "", "mAP50", (24, 6), params={"data.image_size": 192, **COMMON}),
    Transfer(
        "yolo",
        "nuclei_dsb2018",
        "mAP50",
        (80, 20),
        {"format": "instance_masks"},
        {"model.task": "segment", "data.image_size": 256, **COMMON},
    ),
    Transfer(
        "multilabel",
        "",
        "mAP",
        (30, 3),
        params={
            "data.image_size": 128,
            **LABELS,
            **COMMON,
            "training.learning_rate": 3e-4,
        },
    ),
    Transfer(
        "faster_rcnn", "bccd_voc", "mAP50", (16, 3), params={"data.image_size": 160, **REGIONS}
    ),
    Transfer(
        "mask_rcnn",
        "road_cracks_potholes",
        "mAP50",
        (12, 3),
        {"format": "label_masks"},
        # At this size many cracks are specks; the gate would stop the run.
        {"data.image_size": 192, "expectations.max_rejected": 0.9, **REGIONS},
    ),
    Transfer(
        "sam",
        "nuclei_dsb2018",
        "mean_iou",
        (40, 6),
        {"format": "instance_masks"},
        {
            "data.image_size": 256,
            "training.batch_size": 2,
            "training.learning_rate": 1e-3,
            "validation.metrics": ["mAP", "mAP50", "mean_iou"],
            "training.early_stopping.metric": "mean_iou",
            **COMMON,
        },
    ),
    Transfer(
        "detectron2",
        "bccd_voc",
        "mAP50",
        (20, 4),
        params={"data.image_size": 160, "model.architecture": "faster_rcnn", **REGIONS},
    ),
)


def publish(family: Family, name: str, class_names: list[str], folder: Path) -> Path:
    """Save a network as its library publishes weights."""
    import torch
    from safetensors.torch import save_file

    # sam has a tensor under two names.
    tensors = {key: value.clone() for key, value in family.network.state_dict().items()}
    if name == "yolo":
        network: Any = family.network
        network.task, network.names = family.task, dict(enumerate(class_names))
        save_as_trained(network, folder / "best.pt")
        return folder / "best.pt"
    if name == "detectron2":
        zoo_file(tensors, folder / "model_final.pkl")
        return folder / "model_final.pkl"
    if name == "sam":
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder / "model.safetensors"
    torch.save(tensors, folder / "model.pth")
    return folder / "model.pth"


def write_half(data: Dataset, number: int, out: Path) -> None:
    """One half of a dataset, 0 or 1, with the whole test split."""
    from reprise.preprocessing.store.subset import write_subset

    rows = data.images
    kept = [_of_half(rows[rows["split"] == split], number) for split in ("train", "val")]
    images = rows[rows["image_id"].isin({*kept[0], *kept[1]}) | (rows["split"] == "test")]
    several = len(data.categories) >= LEAST_CLASSES
    write_subset(data, images, out, data.categories[number::2] if several else None)


def _of_half(rows: pd.DataFrame, number: int) -> set[int]:
    """Images of one half of a split: every second group, or image where there is one group."""
    key = "group" if rows["group"].nunique() > 1 else "image_id"
    units = sorted(rows[key].unique())[number::2]
    return set(rows[rows[key].isin(units)]["image_id"])


def run_stages(clone: Clone, *stages: str) -> None:
    """Stages by hand: DVC would make the whole dataset again."""
    for stage in stages:
        clone.run(sys.executable, f"stages/{stage}.py")


def use_half(clone: Clone, half: Path) -> None:
    shutil.rmtree(clone.folder / "data" / "processed", ignore_errors=True)
    shutil.copytree(half, clone.folder / "data" / "processed", symlinks=True)


def score_of(clone: Clone, metric: str) -> float:
    """Of the trained model on the test split."""
    import torch

    from reprise.dataset import Dataset
    from reprise.models.inference import TorchBackend, predict_split
    from reprise.models.storage import load_model
    from reprise.scoring import compute_metrics, score, truth_of

    family, description = load_model(clone.folder / "models")
    data = Dataset(clone.folder / "data" / "processed")
    rows = predict_split(family, TorchBackend(family, torch.device("cpu")), data, "test", 8)
    truth = truth_of(data, "test", family.task)
    scores = score(family.task, truth, rows, description["score_threshold"])
    return compute_metrics(scores)[metric]


def measure(
    case: Transfer, shared: Path, seeds: list[int], folder: Path, keep: Path | None
) -> dict[str, list[float]]:
    """The test metric by seed, from random weights and from those of the first half."""
    from reprise.dataset import Dataset
    from reprise.models.storage import load_model

    sources = {"mine": {"url": str(shared / case.folder), **case.entry}} if case.folder else None
    given = {"data.sources": sources} if sources else {}
    grouped = {} if sources else {"data.split.group_by": ["template", "look"]}
    clone = make_clone(
        ROOT,
        folder / "clone",
        **{**SMALL_SET, **SMALL_TRAINING, **given, **grouped, "model.type": case.family,
           **case.params, "training.threads": 1},
    )  # fmt: skip
    clone.dvc("repro", "validate")
    shutil.copytree(clone.folder / "data" / "processed", folder / "whole")
    whole = Dataset(folder / "whole")
    for number in (0, 1):
        write_half(whole, number, folder / str(number))
    use_half(clone, folder / "0")
    clone.set(**{"training.epochs": case.epochs[0], "validation.frequency": 5})
    run_stages(clone, "weights", "train")
    print(f"{case.name}, first half: {score_of(clone, case.metric):.3f}", file=sys.stderr)
    family, description = load_model(clone.folder / "models")
    file = publish(family, case.family, description["classes"], folder)
    if keep:
        shutil.copytree(clone.folder / "models", keep / case.title / "models")
        shutil.copytree(clone.folder / "data/processed", keep / case.title / "data")
    use_half(clone, folder / "1")
    clone.set(**{"training.epochs": case.epochs[1], "validation.frequency": case.epochs[1]})
    found: dict[str, list[float]] = {}
    for start, entry in (("random", {}), ("published", {case.family: str(file)})):
        clone.set(**{"model.weights": entry})
        run_stages(clone, "weights")
        for seed in seeds:
            clone.set(**{"training.seed": seed})
            run_stages(clone, "train")
            found.setdefault(start, []).append(score_of(clone, case.metric))
            print(f"{case.name}, seed {seed}, {start}: {found[start][-1]:.3f}", file=sys.stderr)
    return found


def row(case: Transfer, found: dict[str, list[float]]) -> str:
    """One family as a row of the table."""
    shown = {
        start: f"{statistics.mean(v):.3f} ({min(v):.3f} to {max(v):.3f})"
        for start, v in found.items()
    }
    better = min(found["published"]) > max(found["random"])
    return (
        f"| {case.title} | {case.folder or 'gui_screens'} | {case.params['data.image_size']} "
        f"| {case.epochs[0]} | {case.epochs[1]} | test {case.metric} | {shown['random']} "
        f"| {shown['published']} | {'yes' if better else 'no'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--only", default="", help="a row of the table, such as yolo-segment")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", type=Path, help="a new folder for the trained first halves")
    arguments = parser.parse_args()
    print(HEAD)
    for case in TRANSFERS:
        if arguments.only not in ("", case.title):
            continue
        if case.family == "detectron2" and importlib.util.find_spec("detectron2") is None:
            print(f"| {case.title} | not run: Detectron2 is not installed" + " |" * 8, flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="reprise-transfer-") as name:
            found = measure(case, arguments.shared, arguments.seeds, Path(name), arguments.keep)
        print(row(case, found), flush=True)


if __name__ == "__main__":
    main()
