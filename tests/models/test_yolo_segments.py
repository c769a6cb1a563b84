"""The YOLO family's masks: outlines that lose nothing, predictions in original pixels."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datasets import shapes_dataset
from models.settings import IMAGE_SIZE, augmentation
from reprise.dataset import Dataset
from reprise.masks.resize import decode_resized
from reprise.masks.rle import encode_mask
from reprise.models.yolo.samples import EvaluationSamples, Pixels, TrainingSamples, collate
from reprise.models.yolo.segments import POINTS, masks_of, outline, segments_of

SIZE = (40, 60)
BOX = np.array([0.0, 0.0, 60.0, 40.0])
STILL = {
    "mosaic": 0, "mixup": 0, "rotation": 0, "translation": 0, "scale": 0, "hue": 0,
    "saturation": 0, "brightness": 0, "flip_horizontal": 0, "flip_vertical": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("shapes")
    return Dataset(shapes_dataset(folder, size=IMAGE_SIZE, masks=True))


def outlined(mask: np.ndarray) -> np.ndarray:
    return outline(json.dumps(encode_mask(mask)), BOX, mask.shape, mask.shape)


def filled(path: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The mask that ultralytics makes of an outline."""
    segment = segments_of([path], size, POINTS)[0] * size[::-1]
    mask = np.zeros(size, dtype=np.uint8)
    cv2.fillPoly(mask, [segment.astype(np.int32)], 1)
    return mask


discs = st.lists(st.tuples(st.integers(0, 59), st.integers(0, 39), st.integers(0, 12)), max_size=4)


def drawn(kept: list[tuple[int, int, int]], holes: list[tuple[int, int, int]]) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=np.uint8)
    for value, circles in ((1, kept), (0, holes)):
        for x, y, radius in circles:
            cv2.circle(mask, (x, y), radius, value, -1)
    return mask


@given(discs.filter(len), discs)
def test_an_outline_filled_gives_the_mask_back_but_for_thin_lines_between_parts(
    kept: list[tuple[int, int, int]], holes: list[tuple[int, int, int]]
) -> None:
    mask = drawn(kept, holes)
    if not mask.any():
        return
    path = outlined(mask)
    found = filled(path)
    assert (found >= mask).all()
    # Opening by 2 x 2 pixels takes away what is one pixel wide.
    added = cv2.morphologyEx(found - mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    assert not added.any()
    if cv2.connectedComponents(mask)[0] == 2 and not holes:
        assert np.array_equal(found, mask)


def test_an_object_of_two_parts_and_a_hole_is_one_outline() -> None:
    mask = drawn([(15, 20, 10), (45, 20, 10)], [(45, 20, 4)])
    found = filled(outlined(mask))
    assert found[20, 15] and not found[20, 46] and found[20, 37]
    assert 0 < (found != mask).sum() < 12


def test_a_mirrored_outline_is_the_mirrored_mask() -> None:
    mask = drawn([(15, 20, 10)], [])
    segment = segments_of([outlined(mask)], SIZE, POINTS)[0] * SIZE[::-1]
    segment[:, 0] = SIZE[1] - segment[:, 0]
    mirrored = np.zeros(SIZE, dtype=np.uint8)
    cv2.fillPoly(mirrored, [segment.astype(np.int32)], 1)
    assert np.array_equal(mirrored, mask[:, ::-1])


def test_an_object_smaller_than_a_pixel_is_kept() -> None:
    polygon = json.dumps([[500.1, 300.1, 500.4, 300.1, 500.4, 300.4]])
    path = outline(polygon, np.array([500.1, 300.1, 0.3, 0.3]), (400, 600), SIZE)
    assert path.tolist() == [[50, 30]]


def test_an_endless_outline_is_thinned_and_still_covers_the_object() -> None:
    size = (1200, 1200)
    mask = np.zeros(size, dtype=np.uint8)
    cv2.circle(mask, (600, 600), 500, 1, -1)
    path = outlined(mask)
    assert len(path) == POINTS
    assert (filled(path, size) != mask).mean() < 0.002


def test_masks_follow_their_objects_through_mosaic_and_rotation(dataset: Dataset) -> None:
    pixels = Pixels(dataset, "train", IMAGE_SIZE, masks=True)
    turned = augmentation(
        **{**STILL, "mosaic": 1.0, "rotation": 30.0, "scale": 0.3, "flip_horizontal": 0.5}
    )
    samples = TrainingSamples(pixels, turned, seed=0, epochs=4)
    seen = 0
    for index in range(len(samples)):
        sample = samples[(0, index)]
        image = sample["img"].numpy()[:, 2::4, 2::4].astype(int)
        for place, label in enumerate(sample["cls"].flatten().tolist(), start=1):
            inside = (sample["masks"][0] == place).numpy().astype(np.uint8)
            inside = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=0)
            if inside.any():
                red, _, blue = image[:, inside > 0].mean(axis=1)
                assert (red - blue > 80) if label == 0 else (blue - red > 80)
                seen += 1
    assert seen > 10


def test_boxes_drawn_around_outlines_are_those_of_the_labels(dataset: Dataset) -> None:
    masked = TrainingSamples(Pixels(dataset, "train", 64, True), augmentation(**STILL), 0, 1)
    plain = TrainingSamples(Pixels(dataset, "train", 64), augmentation(**STILL), 0, 1)
    for index in range(len(plain)):
        found, expected = masked[(0, index)], plain[(0, index)]
        assert torch.equal(found["img"], expected["img"])
        # Objects come by falling area of their masks.
        distances = torch.cdist(found["bboxes"], expected["bboxes"])
        order = distances.argmin(dim=1)
        assert order.sort().values.tolist() == list(range(len(order)))
        # Within a pixel: a polygon has no pixel of its own on its edge.
        assert torch.allclose(found["bboxes"], expected["bboxes"][order], atol=1.01 / 64)


def test_copy_paste_brings_in_objects_of_other_images(dataset: Dataset) -> None:
    def objects(**changes: float) -> int:
        chosen = augmentation(**{**STILL, "close_mosaic_epochs": 0, **changes})
        samples = TrainingSamples(Pixels(dataset, "train", 64, True), chosen, 0, 4)
        return sum(len(samples[(0, index)]["cls"]) for index in range(len(samples)))

    assert objects(copy_paste=1.0) > objects()


def test_a_batch_numbers_the_objects_of_each_image_from_one(dataset: Dataset) -> None:
    samples = EvaluationSamples(Pixels(dataset, "val", IMAGE_SIZE, masks=True))
    same = [i for i in range(len(samples)) if samples.shape(i) == samples.shape(0)]
    batch = collate([samples[index] for index in same])
    height, width = samples.shape(0)
    assert batch["masks"].shape == (len(same), height // 4, width // 4)
    for index in range(len(same)):
        labels = batch["cls"][batch["batch_idx"] == index].flatten()
        mask = batch["masks"][index].long()
        assert mask.max() == len(labels)
        covered = mask > 0
        assert torch.equal(batch["sem_masks"][index][covered], labels[mask[covered] - 1])


def test_predicted_masks_lie_in_original_pixels(dataset: Dataset) -> None:
    """Prototypes that are the objects themselves give the objects of the labels back."""
    samples = EvaluationSamples(Pixels(dataset, "val", IMAGE_SIZE, masks=True))
    truth = dataset.boxes_of(dataset.split("val")["image_id"])
    for index in range(len(samples)):
        sample, rows = samples[index], truth[samples._pixels.image_ids[index]]
        shape, original = samples.shape(index), sample["original"]
        left, top, scale_x, scale_y = sample["placement"].tolist()
        masks, boxes = [], []
        for row in rows.itertuples():
            mask = np.zeros(shape, dtype=np.uint8)
            whole = decode_resized(row.segmentation, original, tuple(sample["resized_shape"]))
            inner = decode_resized(row.segmentation, original, samples._pixels.resized_shape(index))
            assert whole.shape == shape
            mask[int(top) : int(top) + len(inner), int(left) : int(left) + inner.shape[1]] = inner
            masks.append(mask)
            corners = np.array([row.x, row.y, row.x + row.w, row.y + row.h])
            boxes.append(corners * ([scale_x, scale_y] * 2) + [left, top] * 2)
        prototypes = torch.tensor(np.stack(masks) * 2.0 - 1, dtype=torch.float32)
        detections = torch.cat(
            [
                torch.tensor(np.stack(boxes), dtype=torch.float32),
                torch.ones(len(rows), 2),
                torch.eye(len(rows)),
            ],
            dim=1,
        )
        found = masks_of(detections, prototypes, sample["placement"].tolist(), shape, original)
        for rle, text in zip(found, rows["segmentation"], strict=True):
            got = decode_resized(json.dumps(rle), original, original)
            wanted = decode_resized(text, original, original)
            assert (got & wanted).sum() / (got | wanted).sum() > 0.9


def test_a_mask_is_written_as_if_the_whole_image_had_been_drawn() -> None:
    generator = torch.Generator().manual_seed(0)
    prototypes = torch.randn(3, 10, 16, generator=generator)
    detections = torch.tensor(
        [
            [10.0, 5.0, 50.0, 30.0, 0.9, 0.0, 1.0, 0.5, -1.0],
            [-20.0, -20.0, 100.0, 100.0, 0.8, 0.0, -1.0, 1.0, 0.2],
            [70.0, 5.0, 80.0, 9.0, 0.7, 0.0, 1.0, 1.0, 1.0],  # outside
        ]
    )
    original = (72, 128)
    found = masks_of(detections, prototypes, [0.0, 2.0, 0.5, 0.5], (40, 64), original)
    # Centres of original pixels, in network pixels.
    xs, ys = (np.arange(128) + 0.5) * 0.5, (np.arange(72) + 0.5) * 0.5 + 2
    for rle, detection in zip(found, detections.numpy(), strict=True):
        logits = np.einsum("c,chw->hw", detection[6:], prototypes.numpy())
        u, v = np.meshgrid(xs / 4 - 0.5, ys / 4 - 0.5)
        enlarged = cv2.remap(
            logits.astype(np.float32),
            u.astype(np.float32),
            v.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        x1, y1, x2, y2 = detection[:4]
        box = ((xs >= x1) & (xs < x2))[None] & ((ys >= y1) & (ys < y2))[:, None]
        expected = (enlarged > 0) & box
        got = decode_resized(json.dumps(rle), original, original).astype(bool)
        # OpenCV interpolates between places in 1/32 of a cell.
        assert (got != expected).sum() <= 0.01 * max(expected.sum(), 1)
        assert rle == encode_mask(got)


def test_masks_of_nothing_are_none(tmp_path: Path) -> None:
    assert masks_of(torch.zeros(0, 9), torch.zeros(3, 8, 8), [0, 0, 1, 1], (32, 32), (32, 32)) == []
