"""Augmentation by torchvision: image, boxes and masks move as one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors

from models.settings import augmentation
from reprise.models.augment import SUPPORTED, build
from reprise.models.config import AugmentationConfig
from reprise.models.instance_samples import boxes_of_masks

HEIGHT, WIDTH = 48, 64
NEUTRAL = dict.fromkeys((name.split(".")[1] for name in SUPPORTED), 0.0)


def only(**changes: Any) -> AugmentationConfig:
    """Nothing but these changes."""
    return augmentation(mosaic=0, mixup=0, **(NEUTRAL | changes))


def sample(left: int, top: int, right: int, bottom: int) -> dict[str, torch.Tensor]:
    """A white rectangle on black, its box and its mask."""
    mask = torch.zeros((1, HEIGHT, WIDTH), dtype=torch.uint8)
    mask[:, top:bottom, left:right] = 1
    box = torch.tensor([[left, top, right, bottom]], dtype=torch.float32)
    return {
        "image": tv_tensors.Image(mask.repeat(3, 1, 1) * 255),
        "boxes": tv_tensors.BoundingBoxes(
            box, format="XYXY", canvas_size=(HEIGHT, WIDTH), clamping_mode=None
        ),
        "masks": tv_tensors.Mask(mask),
    }


def changed(config: AugmentationConfig, seed: int, **place: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    found = build(config)(sample(**place))
    return {key: value.as_subclass(torch.Tensor) for key, value in found.items()}


rectangles = st.fixed_dictionaries(
    {
        "left": st.integers(0, 40),
        "top": st.integers(0, 30),
        "right": st.integers(46, WIDTH),
        "bottom": st.integers(36, HEIGHT),
    }
)


@settings(max_examples=40)
@given(rectangles, st.integers(0, 2**31 - 1))
def test_image_box_and_mask_move_together(place: dict[str, int], seed: int) -> None:
    moves = only(flip_horizontal=0.5, flip_vertical=0.5, translation=0.3, scale=0.5)
    found = changed(moves, seed, **place)
    if not found["masks"].any():
        return
    limits = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    seen = torch.minimum(found["boxes"].clamp(min=0), limits)
    assert (boxes_of_masks(found["masks"]) - seen).abs().max() <= 1.0
    # The image's padding is grey, so white pixels are the object's.
    white = (found["image"] > 200).all(dim=0)
    assert (white != found["masks"][0].bool()).float().mean() < 0.05


@settings(max_examples=25)
@given(rectangles, st.integers(0, 2**31 - 1))
def test_a_turned_mask_lies_in_its_turned_box(place: dict[str, int], seed: int) -> None:
    found = changed(only(rotation=180), seed, **place)
    inside = boxes_of_masks(found["masks"][found["masks"].bool().flatten(1).any(dim=1)])
    if len(inside):
        (left, top, right, bottom), box = inside[0], found["boxes"][0]
        assert left >= box[0] - 1 and top >= box[1] - 1
        assert right <= box[2] + 1 and bottom <= box[3] + 1


@pytest.mark.parametrize("flip, side", [("flip_horizontal", 2), ("flip_vertical", 1)])
def test_a_certain_flip_mirrors_everything(flip: str, side: int) -> None:
    start = sample(2, 3, 20, 10)
    found = build(only(**{flip: 1.0}))(start)
    assert torch.equal(found["image"], start["image"].flip(side))
    assert torch.equal(found["masks"], start["masks"].flip(side))
    mirrored = [44.0, 3.0, 62.0, 10.0] if side == 2 else [2.0, 38.0, 20.0, 45.0]
    assert found["boxes"].tolist() == [mirrored]


@pytest.mark.parametrize("name", ["hue", "saturation", "brightness", "contrast", "blur", "noise"])
def test_changes_of_colour_leave_geometry_alone(name: str) -> None:
    torch.manual_seed(1)
    start = sample(2, 3, 20, 10)
    start["image"] = tv_tensors.Image(torch.randint(0, 256, (3, HEIGHT, WIDTH), dtype=torch.uint8))
    found = build(only(**{name: 1.0}))(start)
    assert found["image"].dtype == torch.uint8
    assert not torch.equal(found["image"], start["image"])
    assert torch.equal(found["masks"], start["masks"])
    assert torch.equal(found["boxes"], start["boxes"])


@pytest.mark.parametrize("config", [only(), augmentation(enabled=False)])
def test_without_changes_the_sample_is_what_it_was(config: AugmentationConfig) -> None:
    start = sample(2, 3, 20, 10)
    found = build(config)(start)
    assert all(torch.equal(found[key], start[key]) for key in start)


def test_what_leaves_grey_behind_is_a_shift() -> None:
    torch.manual_seed(0)
    found = build(only(translation=0.9))(sample(0, 0, WIDTH, HEIGHT))
    assert set(found["image"].unique().tolist()) <= {*range(114, 256)}
    assert 114 in found["image"]
