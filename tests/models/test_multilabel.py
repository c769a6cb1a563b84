"""The multi-label family: samples, loss, scores, and training that is exact."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from datasets import shapes_dataset
from models.settings import augmentation, folders, machine, model, training, validation
from multilabel_dataset import CLASSES, labelled_dataset
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.imagenet import MEAN, STD
from reprise.models.loss import mean_losses
from reprise.models.multilabel.family import (
    MAX_POSITIVE_WEIGHT,
    NETWORKS,
    MultiLabel,
    normalised,
    positive_weights,
)
from reprise.models.multilabel.samples import LabelSamples, targets_of
from reprise.scoring import score, truth_of
from reprise.training.checkpoint import Checkpoints
from reprise.training.config import TrainSettings
from reprise.training.optimizer import build_scheduler
from reprise.training.train import train

SIZE = 64
PLAIN = augmentation(mosaic=0, mixup=0)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_dataset(tmp_path_factory.mktemp("things"), size=SIZE)


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return Dataset(folder)


def family(**changes: Any) -> MultiLabel:
    torch.manual_seed(0)
    return MultiLabel(model(**{"type": "multilabel"} | changes), list(CLASSES), SIZE)


def run(dataset: Path, folder: Path, workers: int = 0, **changes: Any) -> Path:
    """One training into ``folder``."""
    freeze = changes.pop("freeze", "none")
    minutes = changes.pop("checkpoint_minutes", 10)
    architecture = changes.pop("architecture", "resnet")
    stopping = {"enabled": True, "metric": "mAP", "patience": 50, "min_delta": 0}
    train(
        TrainSettings(
            model(type="multilabel", freeze=freeze, architecture=architecture),
            training(early_stopping=stopping, **changes),
            validation(metrics=["mAP", "f1", "exact_match", "accuracy"]),
            augmentation(mosaic=0, mixup=0, contrast=0.2, blur=0.2, noise=0.2),
            SIZE,
        ),
        machine(workers=workers, checkpoint_minutes=minutes),
        folders(dataset, folder),
    )
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("models", "reports")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def test_every_image_becomes_a_square_with_its_classes(dataset: Dataset) -> None:
    samples = LabelSamples(dataset, "train", SIZE)
    rows = dataset.split("train")
    assert set(rows["height"]) == {SIZE, SIZE // 2}
    labels = dataset.labels
    for index, image_id in enumerate(rows["image_id"]):
        sample = samples[index]
        assert sample["image"].shape == (3, *samples.shape(index)) == (3, SIZE, SIZE)
        assert sample["image"].dtype == torch.uint8
        wanted = labels[labels["image_id"] == image_id]["category_id"]
        assert (sample["targets"].nonzero().flatten() + 1).tolist() == wanted.tolist()


def test_an_image_is_stretched_not_padded(dataset: Dataset) -> None:
    samples = LabelSamples(dataset, "train", SIZE)
    row = dataset.split("train").iloc[2]
    stored = dataset.pixels(row["shard"], row["offset"], row["length"])
    assert stored.shape[:2] == (SIZE // 2, SIZE)
    shown = samples[2]["image"].numpy().transpose(1, 2, 0)
    # Each pair of rows comes from one stored row, give or take its neighbours.
    halved = shown.reshape(SIZE // 2, 2, SIZE, 3).mean(axis=1)
    assert np.abs(halved - stored).mean() < 8


def test_a_training_sample_depends_on_epoch_and_index_alone(dataset: Dataset) -> None:
    samples = LabelSamples(dataset, "train", SIZE, PLAIN, seed=3)
    before = torch.get_rng_state()
    first = samples[(1, 5)]
    samples[(0, 0)]
    assert torch.equal(samples[(1, 5)]["image"], first["image"])
    assert not torch.equal(samples[(2, 5)]["image"], first["image"])
    assert torch.equal(torch.get_rng_state(), before)


def test_validation_images_are_resized_and_nothing_else(dataset: Dataset) -> None:
    given = family().evaluation_samples(dataset, "val")
    row = dataset.split("val").iloc[0]
    stored = dataset.pixels(row["shard"], row["offset"], row["length"])
    assert stored.shape[:2] == (SIZE, SIZE)
    assert np.array_equal(given[0]["image"].numpy().transpose(1, 2, 0), stored)


def test_pixels_are_normalised_as_the_pretrained_weights_expect() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    torch.testing.assert_close(normalised(images), (images / 255 - mean) / std)


def test_a_detection_dataset_is_trained_by_the_classes_of_its_boxes(tmp_path: Path) -> None:
    shapes = Dataset(shapes_dataset(tmp_path, size=SIZE))
    boxes = shapes.boxes_of(shapes.split("train")["image_id"])
    wanted = [
        [float(category in set(rows["category_id"])) for category in (1, 2)]
        for rows in boxes.values()
    ]
    assert targets_of(shapes, "train").tolist() == wanted


def test_a_dataset_without_labels_and_boxes_is_refused(tmp_path: Path) -> None:
    bare = labelled_dataset(tmp_path, train=4, val=1, test=1)
    labels = Dataset(bare).labels
    labels[labels["image_id"] > 4].to_parquet(bare / "labels.parquet")
    with pytest.raises(RepriseError, match="no image of the train split has a label or a box"):
        family().prepare(Dataset(bare), 0.0)


def test_a_rare_class_weighs_more_within_bounds() -> None:
    targets = torch.zeros(100, 4)
    targets[:25, 0] = 1  # one in four
    targets[:1, 1] = 1  # one in a hundred
    targets[:, 2] = 1  # all
    expected = [3.0, MAX_POSITIVE_WEIGHT, 1 / MAX_POSITIVE_WEIGHT, 1.0]
    assert positive_weights(targets).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_weighted_and_smoothed(dataset: Dataset, smoothing: float) -> None:
    built = family()
    built.prepare(dataset, smoothing)
    built.network.eval()
    samples = built.evaluation_samples(dataset, "val")
    batch = built.collate([samples[index] for index in range(3)])
    with torch.no_grad():
        said = built.network(normalised(batch["images"])).double().sigmoid()
        found = mean_losses(built.loss(built.network, batch))
    weights = positive_weights(targets_of(dataset, "train")).double()
    hopes = batch["targets"].double() * (1 - smoothing) + smoothing / 2
    terms = -(weights * hopes * said.log() + (1 - hopes) * (1 - said).log())
    assert float(found["bce"]) == pytest.approx(float(terms.mean()), rel=1e-5)


def test_every_pair_of_image_and_class_gets_a_score(dataset: Dataset) -> None:
    built = family()
    built.network.eval()
    samples = built.evaluation_samples(dataset, "val")
    batch = built.collate([samples[index] for index in range(2)])
    with torch.no_grad():
        parts, rows = built.evaluate(built.network, batch)
    assert [part.name for part in parts] == ["bce"]
    ids = dataset.split("val")["image_id"].tolist()[:2]
    assert [(row["image_id"], row["category_id"]) for row in rows] == [
        (image_id, category) for image_id in ids for category in (1, 2, 3)
    ]
    assert all(0 <= row["score"] <= 1 for row in rows)


def test_tiles_frame_the_whole_image_once_for_each_label(dataset: Dataset) -> None:
    built = family()
    samples = built.training_samples(dataset, PLAIN, seed=0, epochs=2)
    batch = built.collate([samples[(0, index)] for index in range(4)])
    for tiles, targets in zip(built.target_boxes(batch), batch["targets"], strict=True):
        assert [tile[0] for tile in tiles] == targets.nonzero().flatten().tolist()
        assert all(tile[1:] == (0, 0, SIZE, SIZE) for tile in tiles)


@pytest.mark.parametrize(
    ("architecture", "variant", "name"),
    [(a, v, name) for a, variants in NETWORKS.items() for v, name in variants.items()],
)
def test_weights_keep_torchvision_names(architecture: str, variant: str, name: str) -> None:
    with torch.device("meta"):
        own = family(architecture=architecture, variant=variant).network
        published = get_model(name, weights=None)
    theirs = {key: value.shape for key, value in published.state_dict().items()}
    ours = {key: value.shape for key, value in own.state_dict().items()}
    assert ours.keys() == theirs.keys()
    last = "fc" if architecture == "resnet" else "classifier.2"
    assert [key for key in ours if ours[key] != theirs[key]] == [f"{last}.weight", f"{last}.bias"]


@pytest.mark.parametrize(
    ("architecture", "last"), [("resnet", "fc."), ("convnext", "classifier.2.")]
)
def test_the_backbone_is_all_but_the_last_layer(architecture: str, last: str) -> None:
    with torch.device("meta"):
        built = family(architecture=architecture)
    for module in built.backbone():
        module.requires_grad_(False)
    trained = [name for name, p in built.network.named_parameters() if p.requires_grad]
    assert trained == [f"{last}weight", f"{last}bias"]


def test_what_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(RepriseError, match="convnext has no xlarge"):
        family(architecture="convnext", variant="xlarge")
    with pytest.raises(RepriseError, match="multilabel has no vgg"):
        family(architecture="vgg")
    with pytest.raises(RepriseError, match="multilabel cannot detect"):
        family(task="detect")
    with pytest.raises(RepriseError, match="image_size: 32 is too small"):
        MultiLabel(model(type="multilabel"), list(CLASSES), 32)


def test_the_step_schedule_is_torch_step_lr() -> None:
    """The seed's lr_step and lr_decrease are scheduler.step_epochs and step_factor."""
    settings = {
        "type": "step", "warmup_epochs": 0, "final_fraction": 0, "step_epochs": 2,
        "step_factor": 0.1,
    }  # fmt: skip
    config = training(scheduler=settings).scheduler
    ours, theirs = (torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5) for _ in "ab")
    in_steps = build_scheduler(ours, 3, 21, config)
    in_epochs = torch.optim.lr_scheduler.StepLR(theirs, step_size=2, gamma=0.1)
    for _ in range(7):
        for _ in range(3):
            assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"])
            ours.step()
            in_steps.step()
        theirs.step()
        in_epochs.step()


def test_it_learns(tmp_path: Path) -> None:
    data = labelled_dataset(tmp_path / "data", train=48, val=24, test=1, size=SIZE)
    folder = run(data, tmp_path, epochs=6, batch_size=8, ema_decay=0.9, ema_warmup_steps=10)
    description = json.loads((folder / "models/model.json").read_text())
    dataset = Dataset(data)
    truth = truth_of(dataset, "val", "classify")
    rng = np.random.default_rng(0)
    guesses = [
        {"image_id": image["id"], "category_id": category["id"], "score": rng.random()}
        for image in truth["images"]
        for category in truth["categories"]
    ]
    guessed = score("classify", truth, guesses).summary["mAP"]
    assert description["task"] == "classify"
    assert description["selection"]["value"] > guessed + 0.25


def test_training_is_exact_whatever_the_number_of_workers(folder: Path, tmp_path: Path) -> None:
    one = run(folder, tmp_path / "one", workers=0)
    two = run(folder, tmp_path / "two", workers=2)
    assert digests(one) == digests(two)


@pytest.mark.parametrize("architecture", list(NETWORKS))
def test_a_killed_run_ends_with_the_bytes_of_an_unbroken_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    class Killed(BaseException):
        """Stands for kill -9: nothing in the loop catches it."""

    real, saves = Checkpoints.save, []

    def save(self: Checkpoints, *arguments: Any) -> None:
        real(self, *arguments)
        saves.append(1)
        if len(saves) == 2:
            raise Killed

    changes = {"architecture": architecture, "freeze": "backbone", "unfreeze_after": 1}
    whole = run(folder, tmp_path / "whole", **changes)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        with pytest.raises(Killed):
            run(folder, tmp_path / "killed", checkpoint_minutes=1e-9, **changes)
    resumed = run(folder, tmp_path / "killed", **changes)
    assert digests(resumed) == digests(whole)


def test_a_frozen_backbone_is_not_moved_by_a_step_nor_by_its_statistics(
    folder: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    untouched = family().network.state_dict()
    run(folder, tmp_path, epochs=1, freeze="backbone")
    trained = load_file(tmp_path / "models/model.safetensors")
    moved = [name for name in trained if not torch.equal(trained[name], untouched[name])]
    assert moved == ["fc.bias", "fc.weight"]
