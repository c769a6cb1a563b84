"""More epochs after the last one: a run goes on from the whole state that another kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from datasets import shapes_dataset
from models.settings import IMAGE_SIZE, training
from reprise.errors import RepriseError
from reprise.sources.folders import digest
from reprise.weights.config import WeightsConfig
from training.test_train import Killed, digests, kill_after, run
from weights_stage import bring_weights

# Nothing that looks at the length of the whole run.
EVEN: dict[str, Any] = {
    "scheduler": {"type": "constant"}, "close_mosaic_epochs": 0, "ema_warmup_steps": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_dataset(tmp_path_factory.mktemp("shapes"), size=IMAGE_SIZE, masks=True)


@pytest.fixture(scope="module")
def earlier(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that keeps its states."""
    folder = tmp_path_factory.mktemp("earlier")
    return run(dataset, folder, epochs=2, keep_state=True, checkpoint_epochs=1, **EVEN)


def go_on(dataset: Path, folder: Path, state: Path, **changes: Any) -> Path:
    """A run that goes on from a copy of ``state``."""
    entry = WeightsConfig(url=state.as_uri(), sha256=digest(state))
    bring_weights("yolo", entry, folder / "weights")
    return run(dataset, folder, **{**EVEN, "resume": entry, **changes})


def rows(folder: Path) -> pd.DataFrame:
    """What DVCLive has of each epoch."""
    plots = (folder / "reports" / "plots" / "metrics").rglob("*.tsv")
    return pd.concat(
        [pd.read_csv(path, sep="\t").set_index("step").iloc[:, -1] for path in sorted(plots)],
        axis=1,
    )


@pytest.mark.parametrize("name", ["last", "epoch-0001"])
def test_it_ends_with_the_weights_of_a_run_that_was_never_cut(
    dataset: Path, earlier: Path, tmp_path: Path, name: str
) -> None:
    whole = run(dataset, tmp_path / "whole", epochs=4, **EVEN)
    more = go_on(dataset, tmp_path / "more", earlier / "models" / f"{name}.pt", epochs=4)
    for file in ("model.safetensors", "last.safetensors"):
        assert (more / "models" / file).read_bytes() == (whole / "models" / file).read_bytes()
    assert rows(more).equals(rows(whole))
    assert len(rows(more)) == 4


def test_killed_it_goes_on_from_its_own_checkpoint_to_the_same_bytes(
    dataset: Path, earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = earlier / "models" / "last.pt"
    changes = {"epochs": 5, "keep_state": True, "checkpoint_epochs": 4}
    whole = go_on(dataset, tmp_path / "whole", state, **changes)
    with monkeypatch.context() as patch:
        kill_after(patch, saves=1)
        with pytest.raises(Killed):
            go_on(dataset, tmp_path / "killed", state, **changes)
    resumed = go_on(dataset, tmp_path / "killed", state, **changes)
    assert digests(resumed) == digests(whole)
    assert {"models/last.pt", "models/epoch-0004.pt"} <= set(digests(whole))


def test_rates_are_those_of_the_new_run(dataset: Path, earlier: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "scheduler": {"type": "linear", "final_fraction": 0.0, "warmup_epochs": 0},
        "learning_rate": 4e-4,
        "weight_decay": 0.0,
    }
    whole = run(dataset, tmp_path / "whole", epochs=4, **{**EVEN, **changes})
    state = earlier / "models" / "last.pt"
    more = go_on(dataset, tmp_path / "more", state, epochs=4, keep_state=True, **changes)
    assert rows(more)["learning_rate"][2:].tolist() == rows(whole)["learning_rate"][2:].tolist()
    kept = torch.load(more / "models" / "last.pt", weights_only=True)["state"]["modules"]
    assert [group["weight_decay"] for group in kept["optimizer"]["param_groups"]] == [0.0, 0.0]


def test_averaging_can_begin_and_end(dataset: Path, earlier: Path, tmp_path: Path) -> None:
    state = earlier / "models" / "last.pt"
    changes = {"scheduler": {"type": "constant"}, "close_mosaic_epochs": 0}
    plain = run(dataset, tmp_path / "plain", epochs=4, ema_decay=0.0, **changes)
    ended = go_on(dataset, tmp_path / "a", state, epochs=4, ema_decay=0.0, keep_state=True)
    # The average looks at the network and never changes it.
    name = "models/last.safetensors"
    assert digests(ended)[name] == digests(plain)[name]
    content = torch.load(earlier / "models" / "last.pt", weights_only=True)
    per_epoch = int(content["state"]["modules"]["average"]["n_averaged"]) // 2
    kept = go_on(dataset, tmp_path / "c", ended / "models" / "last.pt", epochs=5, keep_state=True)
    begun = torch.load(kept / "models" / "last.pt", weights_only=True)
    assert int(begun["state"]["modules"]["average"]["n_averaged"]) == per_epoch


def test_a_run_that_stopped_early_can_go_on(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping = {"metric": "loss", "patience": 1, "min_delta": 1e9}
    stopped = run(
        dataset, tmp_path / "a", epochs=5, keep_state=True, early_stopping=stopping, **EVEN
    )
    assert len(rows(stopped)) == 2
    state = stopped / "models" / "last.pt"
    more = go_on(dataset, tmp_path / "b", state, epochs=5, early_stopping={"metric": "mAP"})
    assert len(rows(more)) == 5
    assert (
        "its best weights are dropped: val scores depend on another training.early_stopping.metric"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"optimizer": "sgd"}, "training.optimizer was adamw, and is sgd"),
        ({"architecture": "yolov8"}, "model.architecture was yolo11, and is yolov8"),
        ({"task": "segment"}, "model.task was detect, and is segment"),
        ({"freeze": "backbone"}, "model.freeze was none, and is backbone"),
        ({"epochs": 2}, "has done 2 epochs, and this one has 2 in all"),
    ],
)
def test_another_network_optimizer_or_no_more_epochs_are_refused(
    dataset: Path, earlier: Path, tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RepriseError, match=complaint):
        go_on(dataset, tmp_path, earlier / "models" / "last.pt", **{"epochs": 4, **changes})


def test_from_an_epoch_that_was_cut_short_no_run_goes_on(dataset: Path, tmp_path: Path) -> None:
    cut = run(dataset, tmp_path / "cut", steps=4, keep_state=True, checkpoint_epochs=1, **EVEN)
    whole = run(dataset, tmp_path / "whole", steps=9, **EVEN)
    with pytest.raises(RepriseError, match=r"training\.steps cut epoch 2 of .* short"):
        go_on(dataset, tmp_path / "a", cut / "models" / "last.pt", steps=9)
    more = go_on(dataset, tmp_path / "b", cut / "models" / "epoch-0001.pt", steps=9)
    name = "models/last.safetensors"
    assert digests(more)[name] == digests(whole)[name]


def test_weights_alone_are_no_state(dataset: Path, earlier: Path, tmp_path: Path) -> None:
    weights = earlier / "models" / "last.safetensors"
    with pytest.raises(ValueError, match="holds weights alone"):
        training(resume={"url": weights.as_uri(), "sha256": digest(weights)})
    plain = tmp_path / "plain.pt"
    torch.save(load_file(weights), plain)
    with pytest.raises(RepriseError, match="is not the state of a training"):
        go_on(dataset, tmp_path / "run", plain, epochs=4)


def test_a_state_is_no_file_of_weights(dataset: Path, earlier: Path, tmp_path: Path) -> None:
    state = earlier / "models" / "last.pt"
    entry = WeightsConfig(url=state.as_uri(), sha256=digest(state))
    with pytest.raises(RepriseError, match="not a table of tensors") as told:
        go_on(dataset, tmp_path, state, resume=None, weights={"yolo": entry})
    assert "training.resume" in told.value.fix


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content["state"]["train_state"].update(epoch=-3),
        lambda content: content["state"]["train_state"].update(history=None),
        lambda content: content["state"]["train_state"].update(laps=2),
        lambda content: content["state"]["train_state"]["best"].pop("weights"),
        lambda content: content["state"].update(random=[]),
        lambda content: content["state"].pop("modules"),
        lambda content: content["state"]["modules"].pop("scaler"),
        lambda content: content.update(format=1),
        lambda content: content.pop("network"),
    ],
)
def test_a_state_of_another_form_is_refused(
    dataset: Path, earlier: Path, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
) -> None:
    content = torch.load(earlier / "models" / "last.pt", weights_only=True)
    damage(content)
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(RepriseError, match="is not the state of a training, or it is damaged"):
        go_on(dataset, tmp_path / "run", tmp_path / "odd.pt", epochs=4)


@pytest.mark.parametrize("part", ["network", "optimizer"])
def test_a_state_that_lacks_tensors_is_refused(
    dataset: Path, earlier: Path, tmp_path: Path, part: str
) -> None:
    content = torch.load(earlier / "models" / "last.pt", weights_only=True)
    table = content["state"]["modules"][part]
    table.pop(next(iter(table)))
    path = tmp_path / "cut.pt"
    torch.save(content, path)
    with pytest.raises(RepriseError, match="does not fit this run"):
        go_on(dataset, tmp_path / "run", path, epochs=4)
