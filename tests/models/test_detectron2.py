"""The optional Detectron2 family. Without the library, what is said about that; with it, all."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
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
from reprise.models.detectron2.family import Detectron2, choose_network
from reprise.models.loss import mean_losses
from reprise.models.storage import load_model
from reprise.training.checkpoint import Checkpoints
from reprise.training.config import TrainSettings
from reprise.training.train import train

with_library = pytest.mark.skipif(
    importlib.util.find_spec("detectron2") is None,
    reason="Detectron2 is not installed; it is optional and built from its source",
)
ARCHITECTURES = ("faster_rcnn", "mask_rcnn", "retinanet")
ANCHORS = [8, 16, 32, 64, 128]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("shapes")
    return Dataset(shapes_dataset(root, train=8, val=4, test=1, size=IMAGE_SIZE, masks=True))


def settings(architecture: str, **changes: Any) -> Any:
    first: dict[str, Any] = {"anchor_sizes": ANCHORS}
    if architecture != "retinanet":
        first |= {"max_proposals": 100, "sampled_proposals": 32}
    values = {"type": "detectron2", "architecture": architecture, "first_stage": first}
    return model(**(values | changes))


def family(architecture: str, **changes: Any) -> Detectron2:
    torch.manual_seed(0)
    return Detectron2(settings(architecture, **changes), ["square", "disc"], IMAGE_SIZE)


def training_batch(made: Detectron2, dataset: Dataset) -> dict[str, Any]:
    samples = made.training_samples(dataset, augmentation(enabled=False), seed=0, epochs=1)
    return made.collate([samples[(0, index)] for index in range(4)])


def run(dataset: Dataset, folder: Path, architecture: str, **changes: Any) -> Path:
    train(
        TrainSettings(
            settings(architecture),
            training(epochs=2),
            validation(),
            augmentation(mosaic=0, mixup=0),
            IMAGE_SIZE,
        ),
        machine(**changes),
        folders(dataset.root, folder),
    )
    return folder


def test_without_the_library_one_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "detectron2", None)
    for name in ("network", "zoo"):
        monkeypatch.delitem(sys.modules, f"reprise.models.detectron2.{name}", raising=False)
        monkeypatch.delattr(f"reprise.models.detectron2.{name}", raising=False)
    with pytest.raises(RepriseError, match="needs Detectron2, which cannot be imported") as caught:
        family("faster_rcnn")
    assert "install.html" in caught.value.fix
    assert len(str(caught.value).splitlines()) == 2  # the problem, and what to do


def test_the_task_follows_the_architecture_and_the_architecture_the_task() -> None:
    def chosen(**values: str) -> tuple[str, str]:
        return choose_network(model(type="detectron2", **values))

    assert chosen() == ("faster_rcnn", "detect")
    assert chosen(architecture="retinanet") == ("retinanet", "detect")
    assert chosen(architecture="mask_rcnn") == ("mask_rcnn", "segment")
    assert chosen(task="segment") == ("mask_rcnn", "segment")


@pytest.mark.parametrize(
    ("architecture", "task"), [("mask_rcnn", "detect"), ("retinanet", "segment")]
)
def test_a_task_that_contradicts_the_architecture_is_refused(architecture: str, task: str) -> None:
    with pytest.raises(RepriseError, match=f"model.task: {task} .* {architecture}"):
        choose_network(model(type="detectron2", architecture=architecture, task=task))


@with_library
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_gives_losses_that_reach_every_weight(
    dataset: Dataset, architecture: str
) -> None:
    made = family(architecture)
    parts = {
        "faster_rcnn": {"objectness", "rpn_box", "class", "box"},
        "mask_rcnn": {"objectness", "rpn_box", "class", "box", "mask"},
        "retinanet": {"class", "box"},
    }
    made.network.train()
    losses = mean_losses(made.loss(made.network, training_batch(made, dataset)))
    assert losses.keys() == parts[architecture]
    torch.stack(list(losses.values())).sum().backward()
    assert [name for name, p in made.network.named_parameters() if p.grad is None] == []
    (body,) = made.backbone()
    assert 0 < sum(1 for _ in body.parameters()) < sum(1 for _ in made.network.parameters())


@with_library
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_evaluation_gives_losses_and_predictions_and_leaves_no_trace(
    dataset: Dataset, architecture: str
) -> None:
    made = family(architecture)
    network = copy.deepcopy(made.network).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    samples = made.evaluation_samples(dataset, "val")
    batch = made.collate([samples[0]])
    drawn = torch.get_rng_state()
    with torch.inference_mode():
        parts, rows = made.evaluate(network, batch)
        again, _ = made.evaluate(network, batch)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert parts == again
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module.training for module in network.modules())
    height, width = batch["originals"][0]
    for row in rows:
        x, y, w, h = row["bbox"]
        assert 0 <= x < x + w <= width + 0.01
        assert 0 <= y < y + h <= height + 0.01
        assert ("segmentation" in row) == (architecture == "mask_rcnn")


@with_library
def test_predictions_are_those_of_the_library(dataset: Dataset) -> None:
    """The library's own detector on the same weights, in its own input format."""
    from detectron2.modeling import build_model

    from reprise.models.detectron2.zoo import zoo_config

    made = family("faster_rcnn")
    made.network.eval()
    theirs = build_model(zoo_config(settings("faster_rcnn"), "faster_rcnn", 2)).eval()
    theirs.load_state_dict(made.network.state_dict())
    samples = made.evaluation_samples(dataset, "val")
    index = next(i for i in range(len(samples)) if samples.shape(i) == (48, 64))
    sample = samples[index]
    height, width = sample["original"]
    with torch.inference_mode():
        _, rows = made.evaluate(made.network, made.collate([sample]))
        (found,) = theirs([{"image": sample["image"].flip(0), "height": height, "width": width}])
    boxes = found["instances"].pred_boxes.tensor.numpy()
    assert len(rows) == len(boxes) > 0
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    assert np.allclose([row["bbox"] for row in rows], corners, atol=0.02)
    assert np.allclose([row["score"] for row in rows], found["instances"].scores, atol=1e-5)


@with_library
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_names_of_weights_are_those_of_the_library(architecture: str) -> None:
    from detectron2.modeling import build_model

    from reprise.models.detectron2.zoo import zoo_config

    theirs = set(build_model(zoo_config(settings(architecture), architecture, 2)).state_dict())
    ours = set(family(architecture).network.state_dict())
    assert theirs <= ours
    assert ours - theirs == ({"loss_normalizer"} if architecture == "retinanet" else set())


@with_library
def test_the_first_stage_and_suppression_are_set_by_our_parameters() -> None:
    first = {
        "anchor_sizes": ANCHORS, "anchor_ratios": [1.0, 3.0], "max_proposals": 77,
        "nms_iou_threshold": 0.6, "nms_score_threshold": 0.2, "sampled_proposals": 16,
        "localization_loss_weight": 2.0, "objectness_loss_weight": 0.0,
    }  # fmt: skip
    network: Any = family("faster_rcnn", first_stage=first, nms_iou=0.4, max_detections=9).network
    rpn, heads = network.proposal_generator, network.roi_heads
    assert rpn.anchor_generator.num_anchors == [2] * 5
    assert set(rpn.post_nms_topk.values()) == {77}
    assert rpn.nms_thresh == 0.6
    assert rpn.loss_weight == {"loss_rpn_cls": 0.0, "loss_rpn_loc": 2.0}
    assert network.proposal_score == 0.2
    assert heads.batch_size_per_image == 16
    assert heads.box_predictor.test_nms_thresh == 0.4
    assert heads.box_predictor.test_topk_per_image == 9


@with_library
def test_proposals_scoring_less_than_the_threshold_are_dropped(dataset: Dataset) -> None:
    made = family("faster_rcnn")
    samples = made.evaluation_samples(dataset, "val")
    batch = made.collate([samples[0]])
    made.network.eval()
    counts = []
    for threshold in (0.0, 1.0):
        made.network.proposal_score = threshold  # type: ignore[assignment]
        with torch.inference_mode():
            counts.append(len(made.evaluate(made.network, batch)[1]))
    assert counts[0] > counts[1] == 0


@with_library
def test_retinanet_refuses_what_only_proposals_have() -> None:
    first = {"sampled_proposals": 64, "nms_iou_threshold": 0.5}
    with pytest.raises(RepriseError, match="sampled_proposals") as caught:
        family("retinanet", first_stage=first)
    assert "nms_iou_threshold" in caught.value.problem


@with_library
def test_anchor_sizes_must_fit_the_feature_levels() -> None:
    with pytest.raises(RepriseError, match="3 sizes for 5 feature levels"):
        family("faster_rcnn", first_stage={"anchor_sizes": [8, 16, 32]})


@with_library
def test_variants_grow_and_come_from_the_model_zoo() -> None:
    from reprise.models.detectron2.zoo import zoo_config

    def depth(architecture: str, variant: str) -> tuple[int, int]:
        cfg = zoo_config(settings(architecture, variant=variant), architecture, 2)
        assert cfg.MODEL.WEIGHTS == ""
        return cfg.MODEL.RESNETS.DEPTH, cfg.MODEL.RESNETS.NUM_GROUPS

    for architecture in ARCHITECTURES:
        found = [depth(architecture, v) for v in ("nano", "small", "medium", "large", "xlarge")]
        assert found == [(18, 1), (34, 1), (50, 1), (101, 1), (101, 32)]


@with_library
def test_starting_weights_keep_their_batch_norm_statistics() -> None:
    weights = {"detectron2": {"url": "weights.safetensors", "sha256": "0" * 64}}
    frozen = family("faster_rcnn", weights=weights).network
    kinds = {type(module).__name__ for module in frozen.modules()}
    assert "FrozenBatchNorm2d" in kinds
    assert "BatchNorm2d" not in kinds
    # Both kinds carry the same names, so that either can start from the other's file.
    assert set(frozen.state_dict()) <= set(family("faster_rcnn").network.state_dict())


@with_library
def test_boxes_that_are_not_finite_are_a_loss_that_the_loop_can_report(dataset: Dataset) -> None:
    made = family("faster_rcnn")
    with torch.no_grad():
        made.network.get_parameter("proposal_generator.rpn_head.anchor_deltas.bias").fill_(np.nan)
    made.network.train()
    losses = mean_losses(made.loss(made.network, training_batch(made, dataset)))
    assert torch.isnan(losses["rpn_box"])


@with_library
def test_it_runs_in_bf16(dataset: Dataset) -> None:
    made = family("mask_rcnn")
    made.network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = mean_losses(made.loss(made.network, training_batch(made, dataset)))
    assert all(torch.isfinite(value) for value in losses.values())


class Killed(BaseException):
    """Stands for kill -9: nothing in the loop catches it."""


@with_library
@pytest.mark.parametrize("architecture", ["mask_rcnn", "retinanet"])
def test_a_killed_run_ends_with_the_bytes_of_an_unbroken_one(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    def digests(folder: Path) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (folder / "models").iterdir()
        }

    whole = run(dataset, tmp_path / "whole", architecture)
    save, saves = Checkpoints.save, []

    def save_and_die(self: Checkpoints, state: dict[str, Any]) -> None:
        save(self, state)
        saves.append(1)
        if len(saves) == 4:  # in the middle of the second epoch
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_die)
        with pytest.raises(Killed):
            run(dataset, tmp_path / "killed", architecture, checkpoint_minutes=1e-9)
    assert digests(run(dataset, tmp_path / "killed", architecture)) == digests(whole)
    assert load_model(whole / "models")[0].task == (
        "segment" if architecture == "mask_rcnn" else "detect"
    )


@with_library
def test_it_learns(tmp_path: Path) -> None:
    data = Dataset(shapes_dataset(tmp_path / "data", train=32, val=8, test=1, size=IMAGE_SIZE))
    train(
        TrainSettings(
            settings("faster_rcnn"),
            training(epochs=10, batch_size=8),
            validation(frequency=10),
            augmentation(enabled=False),
            IMAGE_SIZE,
        ),
        machine(),
        folders(data.root, tmp_path),
    )
    description = json.loads((tmp_path / "models/model.json").read_text())
    # Random weights score below 0.02 here.
    assert description["selection"]["value"] > 0.3
