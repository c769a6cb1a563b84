"""Training: it learns, it is exact to the byte, and it survives being killed."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from datasets import shapes_dataset
from models.settings import IMAGE_SIZE, augmentation, folders, machine, model, training, validation
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.evaluate import evaluate
from reprise.models.config import PredictionConfig
from reprise.models.predict import predict
from reprise.models.yolo.family import Yolo
from reprise.reporting.task_text import warnings
from reprise.runs.config import RunConfig
from reprise.runs.record import find_record
from reprise.scoring import Task, blind_predictions, compute_metrics, score, truth_of
from reprise.training.checkpoint import Checkpoints, open_checkpoints
from reprise.training.config import TrainSettings
from reprise.training.loggers import LOGGERS, LoggedRun, Logger, Row
from reprise.training.runtime import local_device
from reprise.training.train import train
from reprise.weights.config import WeightsConfig
from weights_stage import bring_weights


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_dataset(tmp_path_factory.mktemp("shapes"), size=IMAGE_SIZE, masks=True)


def run(dataset: Path, folder: Path, named: RunConfig | None = None, **changes: Any) -> Path:
    """One training into ``folder``; changes go to the section that has the key."""
    sections = {
        "model": (model, {"task", "architecture", "variant", "weights", "freeze"}),
        "augmentation": (
            augmentation,
            {"copy_paste", "contrast", "blur", "noise", "close_mosaic_epochs"},
        ),
        "machine": (machine, {"workers", "checkpoint_minutes"}),
        "validation": (validation, {"frequency"}),
    }
    values = {
        name: make(**{key: changes.pop(key) for key in list(changes) if key in keys})
        for name, (make, keys) in sections.items()
    }
    settings = TrainSettings(
        values["model"],  # type: ignore[arg-type]
        training(**changes),
        values["validation"],  # type: ignore[arg-type]
        values["augmentation"],  # type: ignore[arg-type]
        IMAGE_SIZE,
    )
    train(settings, values["machine"], folders(dataset, folder), named)  # type: ignore[arg-type]
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("models", "reports")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def logged(folder: Path, metric: str) -> list[float]:
    """The values of a metric, validation by validation."""
    rows = (folder / f"reports/plots/metrics/{metric}.tsv").read_text().splitlines()[1:]
    return [float(row.split("\t")[1]) for row in rows]


class Killed(BaseException):
    """Stands for kill -9: nothing in the loop catches it."""


def kill_after(monkeypatch: pytest.MonkeyPatch, saves: int) -> None:
    """Die right after so many checkpoints."""
    real, done = Checkpoints.save, []

    def save(self: Checkpoints, state: dict[str, Any]) -> None:
        real(self, state)
        done.append(1)
        if len(done) == saves:
            raise Killed

    monkeypatch.setattr(Checkpoints, "save", save)


MASKS = {"task": "segment", "copy_paste": 0.5, "contrast": 0.3, "blur": 0.3, "noise": 0.3}


@pytest.mark.parametrize("changes", [{}, MASKS], ids=["detect", "segment"])
def test_training_is_exact_whatever_the_number_of_workers(
    dataset: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    one = run(dataset, tmp_path / "one", workers=0, **changes)
    two = run(dataset, tmp_path / "two", workers=2, **changes)
    assert digests(one) == digests(two)
    assert {"models/model.safetensors", "models/model.json", "reports/metrics.json"} <= set(
        digests(one)
    )


@pytest.mark.parametrize("changes", [{}, MASKS], ids=["detect", "segment"])
def test_images_kept_in_memory_train_the_same_weights(
    dataset: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    read = run(dataset, tmp_path / "read", **changes)
    kept = run(dataset, tmp_path / "kept", cache="ram", workers=2, **changes)
    for name in ("model.safetensors", "last.safetensors"):
        assert digests(kept)[f"models/{name}"] == digests(read)[f"models/{name}"]


@pytest.mark.parametrize(
    "chosen",
    [{"architecture": "yolo11"}, {"architecture": "yolo26"}, {"architecture": "yolo26", **MASKS}],
    ids=["yolo11", "yolo26", "yolo26-segment"],
)
def test_a_killed_run_ends_with_the_bytes_of_an_unbroken_one(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any]
) -> None:
    changes = {**chosen, "epochs": 3, "gradient_accumulation_steps": 2}
    whole = run(dataset, tmp_path / "whole", **changes)
    # A checkpoint after every optimizer step: this one dies in the middle of an epoch.
    with monkeypatch.context() as patch:
        kill_after(patch, saves=4)
        with pytest.raises(Killed):
            run(dataset, tmp_path / "killed", checkpoint_minutes=1e-9, **changes)
    resumed = run(dataset, tmp_path / "killed", **changes)
    assert digests(resumed) == digests(whole)
    assert not list((tmp_path / "killed" / "scratch").glob("**/checkpoint.pt"))


def test_a_changed_parameter_never_meets_the_old_checkpoint(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = run(dataset, tmp_path / "clean", learning_rate=1e-3)
    with monkeypatch.context() as patch:
        kill_after(patch, saves=1)
        with pytest.raises(Killed):
            run(dataset, tmp_path / "changed", learning_rate=2e-3)
    changed = run(dataset, tmp_path / "changed", learning_rate=1e-3)
    assert digests(changed) == digests(clean)


@pytest.mark.parametrize("task", ["detect", pytest.param("segment", marks=pytest.mark.slow)])
def test_it_learns_though_val_shows_nothing_at_first(tmp_path: Path, task: Task) -> None:
    """From random weights, with less patience than it takes to beat the blind answer."""
    dataset = shapes_dataset(
        tmp_path / "data", train=32, val=8, test=1, size=IMAGE_SIZE, masks=True
    )
    folder = run(
        dataset, tmp_path, task=task, epochs=30, batch_size=8, learning_rate=5e-3,
        scheduler={"warmup_epochs": 2}, early_stopping={"patience": 4},
    )  # fmt: skip
    values = logged(folder, "val/mAP50")
    truth = truth_of(Dataset(dataset), "val", task)
    blind = score(task, truth, blind_predictions(Dataset(dataset), truth, task))
    nothing = compute_metrics(blind, ["mAP50"])["mAP50"]
    # Counted from the first validation, patience would have ended the run here.
    assert len(values) > 5 and max(values[:5]) <= nothing
    description = json.loads((folder / "models/model.json").read_text())
    assert description["selection"]["value"] == max(values) > 0.4


def test_a_run_that_learns_nothing_is_told_or_refused(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From training to the head of the report, at a learning rate that moves nothing."""
    folder = run(dataset, tmp_path, epochs=1, learning_rate=1e-9)
    models, predictions, out = folder / "models", folder / "predictions", folder / "evaluation"
    predict(dataset, models, PredictionConfig(device="cpu", batch_size=8), predictions)
    capsys.readouterr()
    evaluate(dataset, predictions, models, EvaluationConfig(), out)
    said = capsys.readouterr().out
    assert "WARNING: The model has learned nothing that shows on test: its mAP50 of 0.0" in said
    metrics = json.loads((out / "metrics.json").read_text())["test"]
    assert metrics["mAP50"] <= metrics["blind"]["mAP50"]
    description = json.loads((models / "model.json").read_text())
    (head,) = warnings(description, "detect", "test", metrics)
    assert f"WARNING: {head}" in said
    with pytest.raises(RepriseError, match="The model has learned nothing that shows on test"):
        evaluate(dataset, predictions, models, EvaluationConfig(must_beat_blind=True), out)


def test_the_description_holds_what_ran(dataset: Path, tmp_path: Path) -> None:
    folder = run(dataset, tmp_path, epochs=1)
    description = json.loads((folder / "models/model.json").read_text())
    assert description["classes"] == ["square", "disc"]
    assert description["parameters"]["training"]["learning_rate"] == 2e-3
    assert description["versions"]["torch"] == torch.__version__.split("+")[0]
    assert 0 <= description["score_threshold"] <= 1


def test_early_stopping_ends_a_run_that_does_not_improve(dataset: Path, tmp_path: Path) -> None:
    stopping = {"metric": "loss", "patience": 2, "min_delta": 1e9}
    folder = run(dataset, tmp_path, epochs=8, early_stopping=stopping)
    description = json.loads((folder / "models/model.json").read_text())
    assert description["epochs_run"] == 3
    assert description["best_epoch"] == 1


def test_early_stopping_counts_epochs_from_the_first_that_beats_the_blind_answer(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The blind answer's comes first. Then, as of a run from random weights: nothing at first, then
    # something, then no more.
    values = iter([0.1, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5])
    monkeypatch.setattr(
        "reprise.training.callbacks.compute_metrics", lambda *_: {"mAP50": next(values)}
    )
    stopping = {"metric": "mAP50", "patience": 2}
    folder = run(dataset, tmp_path, epochs=8, early_stopping=stopping)
    description = json.loads((folder / "models/model.json").read_text())
    assert description["best_epoch"] == 5
    assert description["epochs_run"] == 7


def test_a_val_split_that_cannot_judge_is_refused_or_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = shapes_dataset(tmp_path / "dataset", size=IMAGE_SIZE)
    path = dataset / "annotations" / "val.json"
    truth = json.loads(path.read_text())
    discs = [item for item in truth["annotations"] if item["category_id"] == 2]
    path.write_text(json.dumps(truth | {"annotations": discs}))
    run(dataset, tmp_path / "a", epochs=1)
    assert "note: val has none of 1 of the 2 classes (square)" in capsys.readouterr().out
    path.write_text(json.dumps(truth | {"annotations": []}))
    with pytest.raises(RepriseError, match="none of the 6 images of the val split has an object"):
        run(dataset, tmp_path / "b", epochs=1)
    run(dataset, tmp_path / "c", epochs=1, early_stopping={"metric": "loss"})


def test_validation_every_n_epochs_and_after_the_last(dataset: Path, tmp_path: Path) -> None:
    folder = run(dataset, tmp_path, epochs=3, frequency=2)
    rows = (folder / "reports/plots/metrics/val/mAP50.tsv").read_text().splitlines()[1:]
    assert [row.split("\t")[0] for row in rows] == ["2", "3"]


def test_a_loss_that_is_not_finite_stops_with_advice(dataset: Path, tmp_path: Path) -> None:
    network = Yolo(model(), ["square", "disc"], IMAGE_SIZE).network
    broken = {
        name: torch.full_like(tensor, 1e38) if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    path = tmp_path / "broken.pt"
    torch.serialization.save(broken, path)
    entry = {"url": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    bring_weights("yolo", WeightsConfig.model_validate(entry), tmp_path / "weights")
    with pytest.raises(RepriseError, match="loss became nan in epoch 1, batch 1") as caught:
        run(dataset, tmp_path, weights={"yolo": entry})
    assert "lower training.learning_rate" in caught.value.fix


def test_a_detector_is_not_trained_on_labels_of_whole_images(tmp_path: Path) -> None:
    dataset = shapes_dataset(tmp_path / "dataset", size=IMAGE_SIZE)
    table = pd.read_parquet(dataset / "annotations.parquet")
    images = pd.read_parquet(dataset / "images.parquet").set_index("image_id")["split"]
    held_out = table[table["image_id"].map(images) != "train"]
    held_out.to_parquet(dataset / "annotations.parquet", index=False)
    with pytest.raises(RepriseError, match="no image of the train split has one") as caught:
        run(dataset, tmp_path)
    assert "multilabel" in caught.value.fix


def test_weights_that_diverged_are_not_kept(dataset: Path, tmp_path: Path) -> None:
    """One step so long that training ends before its own loss could show it."""
    with pytest.raises(RepriseError, match="on val after epoch 1"):
        run(
            dataset, tmp_path, epochs=1, batch_size=12, optimizer="sgd", learning_rate=10.0,
            gradient_clip=0, ema_decay=0, scheduler={"warmup_epochs": 0, "type": "constant"},
        )  # fmt: skip
    assert not (tmp_path / "models").exists()


def test_fp16_on_a_cpu_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match="fp16 needs a GPU"):
        run(dataset, tmp_path, mixed_precision="fp16")


def test_one_gpu_for_several_processes_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reprise.training.runtime.choose_device", torch.device)
    with pytest.raises(RepriseError, match=r"cuda:1 is one GPU, and training\.devices asks for 2"):
        local_device(training(device="cuda:1", devices=2))


@pytest.mark.slow
def test_a_network_that_cannot_be_compiled_is_told(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "no-such-compiler"))
    with pytest.raises(RepriseError, match=r"training\.compile: .*C\+\+ compiler") as caught:
        run(dataset, tmp_path, compile=True, epochs=1)
    assert "training.compile: false" in caught.value.fix


def test_the_records_of_loggers_outlive_the_run(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Diary(Logger):
        """Writes where wandb and mlflow do."""

        def __init__(self, run: LoggedRun) -> None:
            run.scratch.mkdir(parents=True, exist_ok=True)
            self._path = run.scratch / "diary.txt"

        def log(self, row: Row) -> None:
            with self._path.open("a") as file:
                file.write(f"{row['epoch']} ")

        def close(self) -> None:
            pass

    monkeypatch.setitem(LOGGERS, "wandb", Diary)
    run(dataset, tmp_path, epochs=1, loggers=["wandb"])
    run(dataset, tmp_path, epochs=2, loggers=["wandb"])
    assert (tmp_path / "scratch/loggers/wandb/diary.txt").read_text() == "1 1 2 "


def test_the_run_s_name_changes_no_result_and_its_record_is_beside_them(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(dataset, tmp_path / "plain", epochs=2)
    named = RunConfig(name="night shift", description="longer", tags=["baseline"])
    kill_after(monkeypatch, 1)
    with pytest.raises(Killed):
        run(dataset, tmp_path / "named", named, epochs=2)
    monkeypatch.undo()
    run(dataset, tmp_path / "named", named, epochs=2)
    assert digests(plain) == digests(tmp_path / "named")
    record = find_record(tmp_path / "named" / "logs", tmp_path / "named" / "models" / "model.json")
    assert record is not None
    assert record.folder.name.endswith("_night-shift")
    assert len(record.facts["sessions"]) == 2
    log = (record.folder / "train.log").read_text()
    assert log.count("training yolo nano to detect on cpu") == 2
    assert "Killed" in log
    table = pd.read_csv(record.folder / "training_log.csv")
    assert table["epoch"].tolist() == [1, 2]
    assert (table["images_per_second"] > 0).all()
    assert "night shift" in (record.folder / "dvclive" / "params.yaml").read_text()
    everything = b"".join(path.read_bytes() for path in tmp_path.glob("named/reports/**/*.*"))
    assert b"night shift" not in everything


def test_a_gpu_that_is_not_there_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match="cuda:7 was asked for"):
        run(dataset, tmp_path, device="cuda:7")


def test_two_runs_of_the_same_training_do_not_mix(dataset: Path, tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, "k" * 64):  # noqa: SIM117
        with pytest.raises(RepriseError, match="another process is training"):
            with open_checkpoints(tmp_path, "k" * 64):
                pass


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_checkpoint_is_set_aside_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    with open_checkpoints(tmp_path, "a" * 64) as checkpoints:
        checkpoints.save({"epoch": 3})
        path = next(tmp_path.glob("*/checkpoint.pt"))
        path.write_bytes(path.read_bytes()[:-20] if content is None else content)
        assert checkpoints.load() is None
    assert "checkpoint not used" in capsys.readouterr().out
    assert list(tmp_path.glob("*/checkpoint.unreadable"))


def test_damage_anywhere_in_a_checkpoint_starts_the_run_again(tmp_path: Path) -> None:
    """It raises a dozen kinds of error, and none of them may end every later run."""
    draw = random.Random(0)
    with open_checkpoints(tmp_path, "a" * 64) as checkpoints:
        checkpoints.save({"epoch": 3, "weights": torch.ones(4)})
        path = next(tmp_path.glob("*/checkpoint.pt"))
        whole = path.read_bytes()
        for _ in range(300):
            damaged = bytearray(whole)
            for _ in range(6):
                damaged[draw.randrange(len(whole))] = draw.randrange(256)
            path.write_bytes(damaged)
            assert checkpoints.load() is None or path.exists()
        for start in ("little", "epoch"):
            place = whole.index(start.encode())
            path.write_bytes(whole[:place] + bytes(5) + whole[place + 5 :])
            checkpoints.load()


def test_a_checkpoint_of_another_run_is_not_taken(tmp_path: Path) -> None:
    with open_checkpoints(tmp_path, "a" * 64) as checkpoints:
        checkpoints.save({"epoch": 3})
    impostor = Checkpoints(tmp_path / ("a" * 16), "a" * 63 + "b")
    assert impostor.load() is None
