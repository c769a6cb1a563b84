"""The SAM family: prompts, masks in the contract's coordinates, and training that is exact."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datasets import shapes_dataset
from models.settings import IMAGE_SIZE, augmentation, folders, machine, model, training, validation
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.models.family import family_class
from reprise.models.instance_samples import InstanceSamples
from reprise.models.loss import mean_losses
from reprise.models.sam import family as sam_family
from reprise.models.sam.family import Sam, _predictions, mask_losses
from reprise.models.sam.network import NETWORKS, MapStore, _drawn
from reprise.models.sam.samples import PROMPTS, PromptedSamples, covered, jittered
from reprise.models.starting_weights import load_starting_weights
from reprise.models.storage import read_tensors, save_model
from reprise.scoring import compute_metrics, score, truth_of
from reprise.training.checkpoint import Checkpoints
from reprise.training.config import TrainSettings
from reprise.training.train import train
from reprise.weights.config import WeightsConfig

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
ARCHITECTURES = ["sam", "sam2"]
PLAIN = augmentation(enabled=False)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_dataset(
        tmp_path_factory.mktemp("shapes"), train=8, val=4, test=1, size=IMAGE_SIZE, masks=True
    )


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return Dataset(folder)


def family(**changes: Any) -> Sam:
    torch.manual_seed(0)
    return Sam(model(**{"type": "sam"} | changes), ["square", "disc"], IMAGE_SIZE)


def batch_of(family: Sam, dataset: Dataset, *indices: int, epoch: int = 0) -> dict[str, Any]:
    samples = family.training_samples(dataset, PLAIN, seed=0, epochs=1)
    return family.collate([samples[(epoch, index)] for index in indices])


def evaluation_batch(family: Sam, dataset: Dataset, split: str = "val") -> dict[str, Any]:
    samples = family.evaluation_samples(dataset, split)
    return family.collate([samples[index] for index in range(len(samples))])


# Samples


def test_a_training_sample_depends_on_epoch_and_index_alone(dataset: Dataset) -> None:
    changing = augmentation(mosaic=0, mixup=0, rotation=20)
    samples = family().training_samples(dataset, changing, seed=3, epochs=4)
    first = samples[(1, 5)]
    samples[(0, 0)]  # whatever was drawn in between
    again, other = samples[(1, 5)], samples[(2, 5)]
    for name in ("image", "boxes", "points", "by_box", "targets"):
        assert torch.equal(first[name], again[name])
    assert not torch.equal(first["image"], other["image"])


def test_points_lie_in_their_masks_and_boxes_near_their_objects(dataset: Dataset) -> None:
    pointed = family(point_prompts=0.5)
    samples = pointed.training_samples(dataset, PLAIN, seed=0, epochs=8)
    prompts = set()
    for epoch in range(8):
        sample = samples[(epoch, 1)]
        for index, (x, y) in enumerate(sample["points"].long().tolist()):
            cell = sample["targets"].shape[-1] * torch.tensor([y, x]) // IMAGE_SIZE
            assert sample["targets"][index][tuple(cell)] > 0
        assert (sample["boxes"] - sample["objects"]).abs().max() <= 20
        prompts |= set(sample["by_box"].tolist())
    assert prompts == {True, False}


def test_prompts_are_boxes_alone_unless_points_are_asked_for(dataset: Dataset) -> None:
    for share, boxes in ((0.0, {True}), (1.0, {False})):
        samples = family(point_prompts=share).training_samples(dataset, PLAIN, seed=0, epochs=1)
        drawn = [samples[(0, index)]["by_box"] for index in range(len(samples))]
        assert set(torch.cat(drawn).tolist()) == boxes


def test_jittered_boxes_stay_boxes_inside_the_image() -> None:
    rng = np.random.default_rng(0)
    boxes = torch.tensor([[0.0, 0.0, 64.0, 48.0], [63.0, 47.0, 64.0, 48.0]]).repeat(200, 1)
    moved = jittered(boxes, (48, 64), rng)
    assert moved.min() >= 0
    assert moved[:, [0, 2]].max() <= 64
    assert moved[:, [1, 3]].max() <= 48
    assert (moved[:, 2:] - moved[:, :2]).min() >= 1


def test_a_full_image_is_prompted_for_some_objects_in_training_and_all_in_evaluation(
    folder: Path,
) -> None:
    dataset = Dataset(folder)
    dataset.annotations = dataset.annotations.loc[np.repeat(dataset.annotations.index, PROMPTS)]
    image_id = int(dataset.split("train")["image_id"].iloc[0])
    count = int((dataset.annotations["image_id"] == image_id).sum())
    assert count >= PROMPTS
    instances = InstanceSamples(dataset, "train", IMAGE_SIZE, masks=True, augmentation=PLAIN)
    samples = PromptedSamples(instances, IMAGE_SIZE, cell=2)
    assert len(samples[(0, 0)]["labels"]) == PROMPTS
    assert len(samples[0]["labels"]) == count


def test_evaluation_prompts_are_the_true_boxes(dataset: Dataset) -> None:
    sample = family().evaluation_samples(dataset, "val")[0]
    truth = dataset.boxes_of([sample["image_id"]])[sample["image_id"]]
    xywh = truth[["x", "y", "w", "h"]].to_numpy() / 2  # originals are twice the size
    corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    assert np.allclose(sample["boxes"], corners, atol=1e-4)
    assert sample["by_box"].all()


def test_a_mask_is_told_by_how_much_of_each_cell_it_covers() -> None:
    mask = torch.zeros((1, 6, 8), dtype=torch.uint8)
    mask[0, :3, :4] = 1
    expected = torch.zeros((1, 2, 2), dtype=torch.uint8)
    expected[0, 0, 0] = 12
    assert torch.equal(covered(mask, side=8, cell=4), expected)


def test_tiles_show_the_objects_that_are_prompted(dataset: Dataset) -> None:
    one = family()
    batch = batch_of(one, dataset, 0, 1, 2)
    tiles = one.target_boxes(batch)
    assert [len(boxes) for boxes in tiles] == batch["counts"]
    assert tiles[0][0] == (batch["labels"][0], *batch["objects"][0].tolist())


# Networks


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_prompts_are_answered_as_transformers_answers_them(architecture: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[architecture]("nano", IMAGE_SIZE).eval()
    network.draws = False  # as in the published sizes
    parent: Any = type(network).__bases__[1]
    reference = parent.forward
    pixels = torch.randn(2, 3, IMAGE_SIZE, IMAGE_SIZE)
    boxes = torch.tensor([[[4.0, 4, 30, 30], [10, 10, 60, 50]]] * 2)
    points = torch.tensor([[[8.0, 9], [30, 20]]] * 2)
    asked = torch.ones(2, 2, dtype=torch.bool)
    with torch.no_grad():
        found, ious = network(pixels, boxes=boxes, points=points, by_box=asked)
        wanted = reference(network, pixel_values=pixels, input_boxes=boxes, multimask_output=False)
        torch.testing.assert_close(found, wanted.pred_masks[:, :, 0])
        torch.testing.assert_close(ious, wanted.iou_scores[:, :, 0])
        found, _ = network(pixels, boxes=boxes, points=points, by_box=~asked)
        # SAM 2 as transformers has it gives a point no empty token; a second one is known to it.
        labels = torch.tensor([1] if architecture == "sam" else [1, -1]).expand(2, 2, -1)
        shown = points[:, :, None].expand(-1, -1, labels.shape[-1], -1)
        wanted = reference(
            network, pixel_values=pixels, input_points=shown, input_labels=labels,
            multimask_output=False,
        )  # fmt: skip
        torch.testing.assert_close(found, wanted.pred_masks[:, :, 0])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_weight_that_is_not_held_still_is_reached(
    dataset: Dataset, architecture: str
) -> None:
    one = family(architecture=architecture)
    one.network.to(memory_format=torch.channels_last)
    losses = mean_losses(one.loss(one.network, batch_of(one, dataset, 0, 1)))
    assert list(losses) == ["focal", "dice", "iou"]
    torch.stack(list(losses.values())).sum().backward()
    named = one.network.named_parameters()
    assert [name for name, p in named if p.requires_grad and p.grad is None] == []


def test_the_smallest_network_sees_its_prompts_drawn_in_their_places() -> None:
    boxes = torch.tensor([[8.0, 4.0, 16.0, 32.0], [0.0, 0.0, 3.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    points = torch.tensor([[0.0, 0.0], [0.0, 0.0], [40.0, 20.0]])
    by_box = torch.tensor([True, True, False])
    drawn = _drawn(boxes, points, by_box, side=64, cell=2)[:, 0]
    inside = torch.zeros(32, 32)
    inside[2:16, 4:8] = 1
    assert torch.equal(drawn[0], inside)
    assert drawn[1, 0, :3].tolist() == [1.0, 0.5, 0.0]
    assert divmod(int(drawn[2].argmax()), 32) in {(9, 19), (10, 20), (9, 20), (10, 19)}


def test_published_weights_fit_by_name_and_shape_at_any_image_size() -> None:
    from transformers import Sam2Config, Sam2Model, SamConfig, SamModel

    with torch.device("meta"):
        pairs = [
            (NETWORKS["sam"]("medium", 512), SamModel(SamConfig())),
            (NETWORKS["sam2"]("small", 512), Sam2Model(Sam2Config())),
        ]
        for own, published in pairs:
            shapes = {name: tensor.shape for name, tensor in published.state_dict().items()}
            assert {name: tensor.shape for name, tensor in own.state_dict().items()} == shapes
            pixels = torch.zeros(1, 3, 512, 512)
            assert own(pixels)[-1].shape == (1, 256, 32, 32)


def test_starting_weights_of_transformers_load(tmp_path: Path) -> None:
    weights = NETWORKS["sam"]("nano", IMAGE_SIZE).state_dict()
    # Published files name a shared tensor once.
    weights.pop("prompt_encoder.shared_embedding.positional_embedding")
    save_model(tmp_path, weights, {})
    digest = hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()
    config = WeightsConfig(url="model.safetensors", sha256=digest)
    stated = {
        "file": "model.safetensors",
        "sha256": digest,
        "weights": config.model_dump(),
        "classes": None,
    }
    (tmp_path / "weights.json").write_text(json.dumps(stated))
    torch.manual_seed(1)
    network = NETWORKS["sam"]("nano", IMAGE_SIZE)
    account = load_starting_weights(network, config, tmp_path)
    assert (account.reshaped, account.unused) == ([], [])
    own = network.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in weights.items())
    shared = own["prompt_encoder.shared_embedding.positional_embedding"]
    assert torch.equal(shared, weights["shared_image_embedding.positional_embedding"])


def test_the_variant_sets_the_size() -> None:
    def weights(architecture: str, variant: str) -> int:
        with torch.device("meta"):
            network = NETWORKS[architecture](variant, 64)
        return sum(p.numel() for p in network.parameters())

    assert weights("sam", "nano") < weights("sam", "medium") < weights("sam", "large")
    assert weights("sam2", "nano") < weights("sam2", "small") < weights("sam2", "medium")


def test_a_variant_that_was_never_published_is_refused() -> None:
    with pytest.raises(RepriseError, match=r"model\.variant: sam has no small"):
        family(variant="small")


@pytest.mark.parametrize(("architecture", "lower"), [("sam", 96), ("sam2", 96)])
def test_an_image_size_that_patches_do_not_fill_is_refused(architecture: str, lower: int) -> None:
    with pytest.raises(RepriseError, match=r"data\.image_size: 100") as caught:
        Sam(model(type="sam", architecture=architecture), ["thing"], 100)
    assert f"{lower} or" in caught.value.fix


def test_objects_without_masks_are_refused(tmp_path: Path) -> None:
    bare = Dataset(shapes_dataset(tmp_path, train=2, val=1, test=1))
    with pytest.raises(RepriseError, match="have none"):
        family().prepare(bare, 0.0)


def test_without_transformers_the_extra_is_named() -> None:
    code = (
        "import sys\nsys.modules['transformers'] = None\n"
        "from reprise.errors import RepriseError\nfrom reprise.models.family import family_class\n"
        "try:\n    family_class('sam')\nexcept RepriseError as error:\n    print(error.fix)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    assert "pip install reprise[sam]" in done.stdout


def test_the_library_writes_nothing_and_opens_no_socket(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import torch\nfrom reprise.models.sam.network import NETWORKS\n"
        "for name in ('sam', 'sam2'):\n"
        "    NETWORKS[name]('nano', 64)(torch.zeros(1, 3, 64, 64))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    names = {"HF_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    kept = {key: value for key, value in os.environ.items() if key not in names}
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=home,
        env=kept | {"PYTHONPATH": SOURCE, "HOME": str(home), "TMPDIR": str(home)},
    )
    assert list(home.rglob("*")) == []


# Loss and predictions


def test_a_perfect_mask_costs_little_and_an_inverted_one_much() -> None:
    targets = torch.zeros(1, 1, 16, 16)
    targets[..., :8, :8] = 1
    right = mask_losses((targets - 0.5) * 40, torch.ones(1, 1), targets)
    wrong = mask_losses((0.5 - targets) * 40, torch.ones(1, 1), targets)
    assert all(float(value) < 1e-3 for value in right.values())
    assert float(wrong["dice"]) > 0.9
    assert float(wrong["iou"]) == 1


def test_the_loss_of_a_batch_is_the_mean_over_its_images(dataset: Dataset) -> None:
    one = family()
    one.network.eval()
    both = mean_losses(one.loss(one.network, batch_of(one, dataset, 0, 1)))
    single = [mean_losses(one.loss(one.network, batch_of(one, dataset, index))) for index in (0, 1)]
    for name, value in both.items():
        mean = (single[0][name] + single[1][name]) / 2
        torch.testing.assert_close(value, mean, rtol=1e-4, atol=1e-5)


def test_images_without_objects_break_no_batch(folder: Path) -> None:
    dataset = Dataset(folder)
    empty = dataset.split("train")["image_id"].iloc[:2]
    dataset.annotations = dataset.annotations[~dataset.annotations["image_id"].isin(empty)]
    one = family()
    for indices in ((0, 1), (0, 2)):
        losses = mean_losses(one.loss(one.network, batch_of(one, dataset, *indices)))
        total = torch.stack(list(losses.values())).sum()
        assert torch.isfinite(total)
        total.backward()
    losses = mean_losses(one.loss(one.network, batch_of(one, dataset, 0, 1)))
    assert float(losses["dice"].detach()) == 0
    _, rows = one.evaluate(one.network, evaluation_batch(one, dataset, "train"))
    assert not {row["image_id"] for row in rows} & set(empty)


def test_masks_land_in_original_pixels(dataset: Dataset) -> None:
    """True masks at the network's resolution, taken for its answer, score as true masks."""
    one = family()
    samples = one.evaluation_samples(dataset, "val")
    rows = []
    for index in range(len(samples)):
        sample = samples[index]
        logits = (sample["targets"].float() / 4 - 0.5) * 20
        masks = one._probabilities(logits, sample["size"])
        place = sample["image_id"], sample["size"], sample["original"]
        ious = torch.ones(len(logits))
        rows += _predictions(place, sample["labels"], sample["boxes"], masks, ious)
    found = compute_metrics(score("segment", truth_of(dataset, "val", "segment"), rows))
    assert found["mean_iou"] > 0.9
    truth = dataset.boxes_of([rows[0]["image_id"]])[rows[0]["image_id"]]
    assert np.allclose(rows[0]["bbox"], truth[["x", "y", "w", "h"]].iloc[0], atol=4)


def test_every_prompt_is_answered_whatever_the_chunk(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = family()
    one.network.eval()
    batch = evaluation_batch(one, dataset)
    with torch.inference_mode():
        parts, rows = one.evaluate(one.network, batch)
        monkeypatch.setattr(sam_family, "CHUNK", 1)
        single_parts, single = one.evaluate(one.network, batch)
    assert len(rows) == sum(batch["counts"])
    assert [row["category_id"] - 1 for row in rows] == batch["labels"].tolist()
    assert [row["image_id"] for row in rows] == [row["image_id"] for row in single]
    losses, again = mean_losses(parts), mean_losses(single_parts)
    for name, value in losses.items():
        torch.testing.assert_close(value, again[name], rtol=1e-4, atol=1e-5)


class Wrapper(torch.nn.Module):
    """What DistributedDataParallel and torch.compile leave of a network: a call."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self._hidden = [network]

    def forward(self, *arguments: Any, **named: Any) -> Any:
        return self._hidden[0](*arguments, **named)


@pytest.mark.parametrize("freeze", ["none", "backbone"])
def test_a_wrapped_network_is_only_called(dataset: Dataset, freeze: str) -> None:
    one = family(freeze=freeze)
    hold(one, freeze == "backbone")
    wrapped = Wrapper(one.network)
    losses = mean_losses(one.loss(wrapped, batch_of(one, dataset, 0)))
    assert all(torch.isfinite(value) for value in losses.values())
    one.evaluate(wrapped, evaluation_batch(one, dataset))


# The frozen encoder


def hold(family: Sam, still: bool) -> None:
    """Freeze or release the encoder, as the loop does."""
    for module in family.backbone():
        module.requires_grad_(not still)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_reused_maps_give_the_losses_of_computed_ones(dataset: Dataset, architecture: str) -> None:
    one = family(architecture=architecture, freeze="backbone")
    batch = batch_of(one, dataset, 0, 1, 2)
    computed = mean_losses(one.loss(one.network, batch))
    hold(one, True)
    first = mean_losses(one.loss(one.network, batch))
    assert len(one._store) == 3
    second = mean_losses(one.loss(one.network, batch))
    # In another company, and after some images did not fit, still to the bit.
    mixed = mean_losses(one.loss(one.network, batch_of(one, dataset, 2, 3)))
    one._store = MapStore(limit=0)
    assert mixed == mean_losses(one.loss(one.network, batch_of(one, dataset, 2, 3)))
    assert len(one._store) == 0
    for name, value in computed.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(value, first[name], rtol=1e-4, atol=1e-5)


def test_maps_kept_in_validation_can_be_trained_on(dataset: Dataset) -> None:
    one = family(freeze="backbone")
    hold(one, True)
    samples = one.evaluation_samples(dataset, "train")
    with torch.inference_mode():
        one.evaluate(one.network, one.collate([samples[0]]))
    losses = mean_losses(one.loss(one.network, batch_of(one, dataset, 0)))
    torch.stack(list(losses.values())).sum().backward()


def test_a_released_encoder_is_not_remembered(dataset: Dataset) -> None:
    one = family(freeze="backbone")
    hold(one, True)
    one.loss(one.network, batch_of(one, dataset, 0))
    assert len(one._store) == 1
    hold(one, False)
    losses = mean_losses(one.loss(one.network, batch_of(one, dataset, 0)))
    assert len(one._store) == 0
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None for m in one.backbone() for p in m.parameters())


def test_augmented_images_are_encoded_each_time(
    dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    one = family(freeze="backbone")
    hold(one, True)
    samples = one.training_samples(dataset, augmentation(mosaic=0, mixup=0), seed=0, epochs=1)
    one.loss(one.network, one.collate([samples[(0, 0)]]))
    assert len(one._store) == 0
    assert "augmentation.enabled: false runs it once an image" in capsys.readouterr().out


# Training


def run(dataset: Path, folder: Path, **changes: Any) -> Path:
    """One training into ``folder``; changes go to the section that has the key."""
    chosen = {key: changes.pop(key) for key in ("architecture", "freeze") if key in changes}
    speed = {key: changes.pop(key) for key in ("workers", "checkpoint_minutes") if key in changes}
    augmented = changes.pop("augmented", True)
    frequency = changes.pop("frequency", 1)
    train(
        TrainSettings(
            model(type="sam", **chosen),
            training(**{"early_stopping": {"metric": "mean_iou"}} | changes),
            validation(metrics=["mAP", "mAP50", "mean_iou"], frequency=frequency),
            augmentation(enabled=augmented, mosaic=0, mixup=0),
            IMAGE_SIZE,
        ),
        machine(**speed),
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


class Killed(BaseException):
    """Stands for kill -9: nothing in the loop catches it."""


SETTINGS = [
    {"architecture": "sam"},
    {"architecture": "sam2", "freeze": "backbone", "augmented": False},
]


@pytest.mark.parametrize("changes", SETTINGS, ids=ARCHITECTURES)
def test_training_is_exact_killed_or_not_and_whatever_the_workers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    whole = run(folder, tmp_path / "whole", **changes)
    real, done = Checkpoints.save, []

    def save(self: Checkpoints, state: dict[str, Any]) -> None:
        real(self, state)
        done.append(1)
        if len(done) == 3:
            raise Killed

    # A checkpoint after every optimizer step: this one dies in the second epoch.
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        with pytest.raises(Killed):
            run(folder, tmp_path / "killed", checkpoint_minutes=1e-9, **changes)
    resumed = run(folder, tmp_path / "killed", workers=2, **changes)
    assert digests(resumed) == digests(whole)


def test_a_frozen_encoder_is_left_as_it_was(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = run(folder, tmp_path, freeze="backbone", augmented=False, epochs=1)
    assert "runs once an image" in capsys.readouterr().out
    weights = read_tensors(trained / "models/model.safetensors")
    start = family().network.state_dict()
    changed = {name for name, tensor in weights.items() if not torch.equal(tensor, start[name])}
    assert changed
    assert not any(name.startswith("vision_encoder") for name in changed)


def test_it_learns(tmp_path: Path) -> None:
    shapes = shapes_dataset(tmp_path / "data", train=24, val=8, test=1, size=IMAGE_SIZE, masks=True)
    run(
        shapes, tmp_path, epochs=24, batch_size=4, learning_rate=1e-3, frequency=24,
        augmented=False, ema_decay=0.9, ema_warmup_steps=20, scheduler={"warmup_epochs": 3},
    )  # fmt: skip
    table = (tmp_path / "reports/plots/metrics/val/mean_iou.tsv").read_text()
    # Random weights answer with nothing, or with everything: below 0.1 either way.
    assert float(table.split()[-1]) > 0.5


def test_the_family_is_found_by_its_name() -> None:
    assert family_class("sam") is Sam
    assert Sam.prompted
