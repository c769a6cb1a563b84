"""The R-CNN families: torchvision's numbers, our coordinates, and parameters that take effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models.detection import (
    fasterrcnn_resnet50_fpn,
    fasterrcnn_resnet50_fpn_v2,
    maskrcnn_resnet50_fpn,
)
from torchvision.ops import FrozenBatchNorm2d

from datasets import shapes_dataset
from models.settings import augmentation, folders, machine, model, training, validation
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.masks.resize import decode_resized
from reprise.models.family import Batch
from reprise.models.instance_family import collate, normalised, to_original
from reprise.models.loss import mean_losses
from reprise.models.rcnn.family import FasterRcnn, MaskRcnn, current_names
from reprise.models.rcnn.network import Detector
from reprise.training.config import TrainSettings
from reprise.training.train import train

SIZE = 64
PLAIN = augmentation(enabled=False)
SMALL = {"sampled_proposals": 16, "max_proposals": 20}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(shapes_dataset(tmp_path_factory.mktemp("shapes"), size=SIZE, masks=True))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def faster(**changes: Any) -> FasterRcnn:
    values = {"type": "faster_rcnn", "first_stage": SMALL, "nms_iou": 0.5} | changes
    return FasterRcnn(model(**values), ["square", "disc"], SIZE)


def masked(**changes: Any) -> MaskRcnn:
    values = {"type": "mask_rcnn", "first_stage": SMALL, "nms_iou": 0.5} | changes
    return MaskRcnn(model(**values), ["square", "disc"], SIZE)


def first_batch(family: FasterRcnn, dataset: Dataset, images: int = 3) -> Batch:
    """The third of the images is lower than the others."""
    samples = family.training_samples(dataset, PLAIN, 0, 1)
    return family.collate([samples[(0, index)] for index in range(images)])


def test_a_batch_holds_images_of_several_shapes_and_their_objects(dataset: Dataset) -> None:
    family = masked()
    samples = family.training_samples(dataset, PLAIN, 0, 1)
    chosen = [samples[(0, index)] for index in range(3)]
    batch = collate(chosen)
    assert batch["images"].dtype == torch.uint8
    assert batch["images"].shape == (3, 3, 64, 64)
    assert batch["sizes"] == [(64, 64), (64, 64), (48, 64)]
    assert not batch["images"][2, :, 48:].any()
    assert batch["masks"].shape == (sum(batch["counts"]), 64, 64)
    for sample, tiles in zip(chosen, family.target_boxes(batch), strict=True):
        assert [tile[0] for tile in tiles] == sample["labels"].tolist()
        assert [list(tile[1:]) for tile in tiles] == sample["boxes"].tolist()


def their_parameters() -> dict[str, Any]:
    return {
        "weights": None, "weights_backbone": None, "num_classes": 3, "min_size": SIZE,
        "max_size": SIZE, "rpn_pre_nms_top_n_train": 40, "rpn_pre_nms_top_n_test": 40,
        "rpn_post_nms_top_n_train": 20, "rpn_post_nms_top_n_test": 20,
        "box_batch_size_per_image": 16, "box_score_thresh": 0.01, "box_detections_per_img": 50,
    }  # fmt: skip


@pytest.mark.parametrize(
    "build, architecture",
    [
        (fasterrcnn_resnet50_fpn, "fpn"),
        (fasterrcnn_resnet50_fpn_v2, "fpn_v2"),
        (maskrcnn_resnet50_fpn, "fpn"),
    ],
)
def test_weights_losses_and_boxes_are_those_of_torchvision(
    dataset: Dataset, build: Any, architecture: str
) -> None:
    """Landscape and square images, none of them resized a second time."""
    make = masked if build is maskrcnn_resnet50_fpn else faster
    family = make(variant="medium", architecture=architecture)
    theirs = build(**their_parameters())
    theirs.load_state_dict(family.network.state_dict())
    batch = first_batch(family, dataset)
    crops, targets = [], []
    start = 0
    for image, (h, w), count in zip(batch["images"], batch["sizes"], batch["counts"], strict=True):
        crops.append(image[:, :h, :w].float() / 255)
        end = start + count
        target = {"boxes": batch["boxes"][start:end], "labels": batch["labels"][start:end] + 1}
        if "masks" in batch:
            target["masks"] = batch["masks"][start:end, :h, :w]
        targets.append(target)
        start = end
    names = {
        "objectness": "loss_objectness", "rpn_box": "loss_rpn_box_reg",
        "class": "loss_classifier", "box": "loss_box_reg", "mask": "loss_mask",
    }  # fmt: skip

    def losses(seed: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        torch.manual_seed(seed)
        # Their resizing draws a number for each image before any proposal is sampled.
        torch.empty(1).uniform_(), torch.empty(1).uniform_(), torch.empty(1).uniform_()
        ours = mean_losses(family.loss(family.network, batch))
        torch.manual_seed(seed)
        return ours, theirs(crops, targets)

    family.network.train()
    theirs.train()
    with torch.no_grad():
        ours, expected = losses(1)
    assert {names[name] for name in ours} == set(expected)
    for name, value in ours.items():
        assert torch.allclose(value.float(), expected[names[name]], rtol=1e-4, atol=1e-6), name

    family.network.eval()
    theirs.eval()
    with torch.inference_mode():
        _, found = family.network(normalised(batch["images"], batch["sizes"]), batch["sizes"])
        reference = theirs(crops)
    for one, other in zip(found, reference, strict=True):
        assert len(one["boxes"])
        for key in ("boxes", "scores", "labels"):
            assert torch.allclose(one[key], other[key], rtol=1e-4, atol=1e-3), key


@pytest.mark.parametrize("shape", [(64, 64), (40, 64), (64, 33)])
def test_detections_come_back_in_original_pixels(shape: tuple[int, int]) -> None:
    original = (shape[0] * 3, shape[1] * 3)
    boxes = torch.tensor([[1.0, 2.0, 21.0, 32.0], [0.0, 0.0, shape[1], shape[0]]])
    detections = {
        "boxes": boxes,
        "labels": torch.tensor([2, 1]),
        "scores": torch.tensor([0.9, 0.4]),
        "masks": torch.ones(2, 1, 28, 28),
    }
    rows = to_original(7, shape, original, detections)
    assert [row["bbox"] for row in rows] == [[3, 6, 60, 90], [0, 0, original[1], original[0]]]
    assert [row["category_id"] for row in rows] == [2, 1]
    assert {row["image_id"] for row in rows} == {7}
    mask = decode_resized(str(rows[0]["segmentation"]).replace("'", '"'), original, original)
    y, x = np.nonzero(mask)
    assert (x.min(), x.max(), y.min(), y.max()) == (3, 62, 6, 95)


@pytest.mark.parametrize("family", [faster, masked])
def test_evaluation_gives_losses_and_predictions_in_one_pass(dataset: Dataset, family: Any) -> None:
    built = family()
    samples = built.evaluation_samples(dataset, "val")
    batch = built.collate([samples[0], samples[1]])
    built.network.eval()
    before = torch.get_rng_state()
    with torch.inference_mode():
        parts, rows = built.evaluate(built.network, batch)
        again, _ = built.evaluate(built.network, batch)
    assert torch.equal(torch.get_rng_state(), before)
    expected = {"objectness", "rpn_box", "class", "box", *["mask"] * (built.task == "segment")}
    assert {part.name for part in parts} == expected
    assert parts == again
    assert rows
    assert all(("segmentation" in row) == (built.task == "segment") for row in rows)
    assert {row["image_id"] for row in rows} <= set(batch["image_ids"])
    assert not built.network.rpn.training


@pytest.mark.parametrize("make", [faster, masked])
@pytest.mark.parametrize("architecture", ["fpn", "fpn_v2"])
def test_losses_reach_every_weight(dataset: Dataset, make: Any, architecture: str) -> None:
    family = make(architecture=architecture)
    family.network.train()
    losses = mean_losses(family.loss(family.network, first_batch(family, dataset)))
    torch.stack(list(losses.values())).sum().backward()
    assert [name for name, p in family.network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("make", [faster, masked])
def test_images_without_objects_are_learnt_from(dataset: Dataset, make: Any) -> None:
    family = make()
    batch = first_batch(family, dataset)
    for key in ("boxes", "labels", "masks"):
        if key in batch:
            batch[key] = batch[key][:0]
    batch["counts"] = [0, 0, 0]
    family.network.train()
    losses = mean_losses(family.loss(family.network, batch))
    torch.stack(list(losses.values())).sum().backward()
    assert losses["objectness"] > 0
    assert losses["box"].item() == losses["rpn_box"].item() == 0
    assert all(torch.isfinite(value) for value in losses.values())


def test_bfloat16_keeps_boxes_in_full_precision(dataset: Dataset) -> None:
    family = masked()
    samples = family.evaluation_samples(dataset, "val")
    batch = family.collate([samples[0], samples[1]])
    detector = family.network.eval()
    assert isinstance(detector, Detector)
    torch.nn.init.normal_(detector.rpn.head.bbox_pred.bias, std=0.1)
    seen: list[torch.Tensor] = []
    detector.roi_heads.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs[1]))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        parts, rows = family.evaluate(detector, batch)
    assert all(torch.isfinite(part.sum) for part in parts)
    assert rows
    assert {proposals.dtype for proposals in seen} == {torch.float32}
    # Were they computed in bfloat16, none would need the lower half of its bits.
    assert any((proposals.bfloat16().float() != proposals).any() for proposals in seen)


def test_the_variant_sets_the_size() -> None:
    def weights(variant: str) -> int:
        family = faster(variant=variant)
        return sum(p.numel() for p in family.network.parameters())

    sizes = [weights(variant) for variant in ("nano", "small", "medium", "large")]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


@pytest.mark.parametrize("variant", ["nano", "medium"])
def test_batch_norms_are_frozen_only_under_starting_weights(variant: str) -> None:
    start = {"faster_rcnn": {"url": "weights.safetensors", "sha256": "0" * 64}}
    random, pretrained = faster(variant=variant), faster(variant=variant, weights=start)
    frozen = [isinstance(m, FrozenBatchNorm2d) for m in pretrained.network.modules()]
    assert any(frozen)
    assert not any(isinstance(m, FrozenBatchNorm2d) for m in random.network.modules())
    trained = {n for n in random.network.state_dict() if not n.endswith("num_batches_tracked")}
    assert trained == set(pretrained.network.state_dict())


def test_published_files_with_older_names_load() -> None:
    network = masked(variant="medium").network
    own = network.state_dict()
    older = {}
    for name, tensor in own.items():
        old = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        for block in range(4):
            part = f"roi_heads.mask_head.{block}.0."
            old = old.replace(part, f"roi_heads.mask_head.mask_fcn{block + 1}.")
            for kind in ("inner", "layer"):
                part = f"backbone.fpn.{kind}_blocks.{block}."
                old = old.replace(f"{part}0.", part)
        older[old] = tensor
    assert len(set(older) - set(own)) == 2 + 8 + 16
    assert set(current_names(older)) == set(own)
    assert set(current_names(own)) == set(own)


@pytest.mark.parametrize("variant, name", [("medium", "resnet50"), ("nano", "mobilenet_v3_small")])
def test_a_classifiers_weights_fit_the_backbone(variant: str, name: str) -> None:
    from torchvision.models import get_model

    own = faster(variant=variant).network.state_dict()
    body = {key for key in own if key.startswith("backbone.body.")}
    assert body <= set(current_names(get_model(name, weights=None).state_dict()))


def test_the_first_stage_obeys_its_parameters(dataset: Dataset) -> None:
    first = {
        "anchor_sizes": [8, 16, 32, 64, 128], "anchor_ratios": [0.5, 1.0, 2.0, 4.0],
        "max_proposals": 7, "nms_iou_threshold": 0.6, "nms_score_threshold": 0.1,
        "sampled_proposals": 9, "localization_loss_weight": 2.0, "objectness_loss_weight": 0.5,
    }  # fmt: skip
    family = faster(variant="medium", first_stage=first, nms_iou=0.45, max_detections=33)
    rpn, heads = family.network.rpn, family.network.roi_heads
    assert rpn.anchor_generator.sizes == ((8,), (16,), (32,), (64,), (128,))
    assert rpn.head.cls_logits.out_channels == 4
    assert rpn._post_nms_top_n == {"training": 7, "testing": 7}
    assert (rpn.nms_thresh, rpn.score_thresh) == (0.6, 0.1)
    assert heads.fg_bg_sampler.batch_size_per_image == 9
    assert (heads.nms_thresh, heads.detections_per_img) == (0.45, 33)


def test_loss_weights_and_label_smoothing_reach_their_losses(dataset: Dataset) -> None:
    def losses(smoothing: float, **weights: float) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        family = faster(first_stage=SMALL | weights)
        family.prepare(dataset, smoothing)
        torch.manual_seed(1)
        family.network.train()
        with torch.no_grad():
            return mean_losses(family.loss(family.network, first_batch(family, dataset)))

    plain = losses(0.0)
    weighted = losses(0.0, localization_loss_weight=3.0, objectness_loss_weight=0.5)
    assert torch.allclose(weighted["rpn_box"], 3 * plain["rpn_box"])
    assert torch.allclose(weighted["objectness"], plain["objectness"] / 2)
    smoothed = losses(0.2)
    assert not torch.allclose(smoothed["class"], plain["class"])
    assert torch.equal(smoothed["box"], plain["box"])


@pytest.mark.parametrize("sizes", [[16, 32, 64], [64, 32, 16, 8, 4]])
def test_anchor_sizes_that_do_not_fit_the_levels_are_refused(sizes: list[int]) -> None:
    with pytest.raises(RepriseError, match=r"anchor_sizes.*5 feature levels of faster_rcnn medium"):
        faster(variant="medium", first_stage={"anchor_sizes": sizes})


def test_every_level_of_a_mobile_network_carries_every_size() -> None:
    family = faster(first_stage={"anchor_sizes": [12, 24]})
    assert family.network.rpn.anchor_generator.sizes == ((12, 24),) * 3


def test_a_dataset_without_masks_is_refused(tmp_path: Path) -> None:
    bare = Dataset(shapes_dataset(tmp_path, train=1, val=1, test=1))
    faster().prepare(bare, 0.0)
    with pytest.raises(RepriseError, match="mask_rcnn learns masks"):
        masked().prepare(bare, 0.0)


def test_freezing_the_backbone_leaves_pyramid_and_heads() -> None:
    family = faster()
    (body,) = family.backbone()
    held = {id(p) for p in body.parameters()}
    free = {
        name.split(".")[0] for name, p in family.network.named_parameters() if id(p) not in held
    }
    assert free == {"backbone", "rpn", "roi_heads"}
    assert held


@pytest.mark.slow
@pytest.mark.parametrize("type_", ["faster_rcnn", "mask_rcnn"])
def test_it_learns_from_random_weights(tmp_path: Path, type_: str) -> None:
    folder = shapes_dataset(tmp_path / "data", train=32, val=6, test=1, size=SIZE, masks=True)
    train(
        TrainSettings(
            model(
                type=type_,
                variant="medium",
                nms_iou=0.5,
                first_stage={
                    "anchor_sizes": [8, 16, 32, 64, 128],
                    "sampled_proposals": 32,
                    "max_proposals": 40,
                },
            ),
            training(epochs=6, learning_rate=5e-4),
            validation(frequency=6),
            augmentation(mosaic=0, mixup=0, rotation=0),
            SIZE,
        ),
        machine(),
        folders(folder, tmp_path),
    )
    description = json.loads((tmp_path / "models/model.json").read_text())
    # Random weights score below 0.02 here.
    assert description["selection"]["value"] > 0.2
