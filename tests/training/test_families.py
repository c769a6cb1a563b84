"""What every family promises: exact whatever the workers, and after being killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datasets import shapes_dataset
from models.settings import augmentation, folders, machine, model, training, validation
from reprise.models.config import AugmentationConfig
from reprise.models.family import family_class
from reprise.models.storage import load_model
from reprise.sources.folders import digest
from reprise.training.check_parameters import neutral_values
from reprise.training.config import TrainSettings
from reprise.training.train import train
from reprise.weights.config import WeightsConfig
from training.test_train import Killed, digests, kill_after
from weights_stage import bring_weights

SIZE = 64
# Each family, and the changes that make its network tiny. One line makes a family keep the
# promises below.
FAMILIES: dict[str, dict[str, Any]] = {
    "faster_rcnn": {"first_stage": {"max_proposals": 20, "sampled_proposals": 16}},
    "mask_rcnn": {"first_stage": {"max_proposals": 20, "sampled_proposals": 16}},
}


# Mask R-CNN is Faster R-CNN with one head more: `make test-slow`.
CASES = [
    pytest.param(name, marks=[pytest.mark.slow] if name == "mask_rcnn" else []) for name in FAMILIES
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_dataset(
        tmp_path_factory.mktemp("shapes"), train=6, val=2, test=1, size=SIZE, masks=True
    )


def supported(family: str) -> AugmentationConfig:
    """As much augmentation as the family takes."""
    known = family_class(family).supported_parameters
    off = {
        name: neutral
        for name, neutral in neutral_values(AugmentationConfig).items()
        if f"augmentation.{name}" not in known
    }
    return augmentation(**off)


def run(
    dataset: Path, folder: Path, family: str, workers: int = 0, minutes: float = 10, **changes: Any
) -> Path:
    settings = TrainSettings(
        model(type=family, max_detections=10, **FAMILIES[family]),
        training(
            batch_size=2,
            gradient_accumulation_steps=2,
            early_stopping={"metric": "mAP"},
            **changes,
        ),
        validation(metrics=["mAP"], frequency=2),
        supported(family),
        SIZE,
    )
    how = machine(workers=workers, checkpoint_minutes=minutes)
    train(settings, how, folders(dataset, folder))
    return folder


@pytest.mark.parametrize("family", CASES)
def test_a_run_is_exact_with_workers_and_after_being_killed(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    whole = digests(run(dataset, tmp_path / "whole", family))
    assert {"models/model.safetensors", "models/model.json"} <= set(whole)
    # A checkpoint after every optimizer step: this one dies in the middle of an epoch.
    with monkeypatch.context() as patch:
        kill_after(patch, saves=1)
        with pytest.raises(Killed):
            run(dataset, tmp_path / "killed", family, minutes=1e-9)
    assert digests(run(dataset, tmp_path / "killed", family, workers=2)) == whole


@pytest.mark.parametrize("family", CASES)
def test_more_epochs_end_as_a_run_that_was_never_cut(
    dataset: Path, tmp_path: Path, family: str
) -> None:
    """From random weights, whose norms are learned: those of a state are no starting weights."""
    even: dict[str, Any] = {"scheduler": {"type": "constant"}, "ema_warmup_steps": 5}
    whole = run(dataset, tmp_path / "whole", family, epochs=2, **even)
    first = run(dataset, tmp_path / "first", family, epochs=1, keep_state=True, **even)
    state = first / "models" / "last.pt"
    entry = WeightsConfig(url=state.as_uri(), sha256=digest(state))
    more = tmp_path / "more"
    bring_weights(family, entry, more / "weights")
    run(dataset, more, family, epochs=2, resume=entry, **even)
    name = "models/last.safetensors"
    assert digests(more)[name] == digests(whole)[name]
    assert load_model(more / "models")[0].task == load_model(whole / "models")[0].task
