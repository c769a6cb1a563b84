"""Each choice follows from the data and the machine, and says why."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from reprise.commands.initializing import training_choices
from reprise.commands.initializing.choice import Choice, Wishes
from reprise.commands.initializing.choices import choose
from reprise.commands.initializing.fingerprint import Fingerprint, ImageFacts, SourceFacts
from reprise.commands.initializing.machine import Machine
from reprise.errors import RepriseError
from reprise.scoring import Task

CPU = Machine("", 16.0, 4)
GPU = Machine("A card", 24.0, 16)


def _data(
    images: int = 100,
    classes: tuple[str, ...] = ("cat", "dog"),
    side: float = 0.1,
    masks: bool = False,
    labels: bool = False,
    source: str = "pets",
) -> Fingerprint:
    """Images of 1000 pixels, with an object of each class, or labelled as a whole."""
    each = Counter(dict.fromkeys(classes, 1))
    facts = [ImageFacts(f"{n}.jpg", {}, None, each) for n in range(images)]
    count = 0 if labels else each.total() * images
    entry = {"url": "../pets", "format": "voc"}
    return Fingerprint(
        [SourceFacts(source, entry, "it was named", [], {})],
        facts,
        list(classes),
        [1000] * images,
        [side] * count,
        count if masks else 0,
    )


def _chosen(data: Fingerprint, machine: Machine = CPU, **wishes: Any) -> dict[str, Any]:
    return {one.key: one.value for one in choose(data, machine, Wishes(**wishes))}


@pytest.mark.parametrize(
    ("data", "family", "task", "metric"),
    [
        (_data(), "yolo", "auto", "mAP50"),
        (_data(masks=True), "yolo", "segment", "mAP50"),
        (_data(labels=True), "multilabel", "auto", "mAP"),
    ],
    ids=["boxes", "masks", "labels"],
)
def test_the_labels_choose_the_network(
    data: Fingerprint, family: str, task: str, metric: str
) -> None:
    found = _chosen(data)
    assert (found["model.type"], found["model.task"]) == (family, task)
    assert found["training.early_stopping.metric"] == metric
    assert metric in found["validation.metrics"]


def test_a_named_family_that_the_labels_cannot_teach_is_an_error() -> None:
    with pytest.raises(RepriseError, match="mask_rcnn learns masks, and 0 of 200 objects"):
        _chosen(_data(), family="mask_rcnn")
    with pytest.raises(RepriseError, match="learns boxes, and only whole images are labelled"):
        _chosen(_data(labels=True), family="faster_rcnn")
    assert _chosen(_data(), family="multilabel")["validation.metrics"][1] == "f1"


@pytest.mark.parametrize(
    ("family", "machine", "weights"),
    [
        ("", CPU, {"yolo": "coco"}),
        ("faster_rcnn", CPU, {"faster_rcnn": "imagenet"}),
        ("faster_rcnn", GPU, {"faster_rcnn": "coco"}),
        ("sam", CPU, {"sam": "sa1b"}),
        ("multilabel", CPU, {"multilabel": "imagenet"}),
    ],
)
def test_weights_by_family_and_backbone(
    family: str, machine: Machine, weights: dict[str, str]
) -> None:
    assert _chosen(_data(masks=True), machine, family=family)["model.weights"] == weights


@pytest.mark.parametrize(
    ("side", "machine", "size"),
    [
        (0.10, CPU, 256),  # large objects need no more than the least
        (0.05, CPU, 320),  # 16 pixels of the smallest
        (0.01, CPU, 640),  # more takes too long without a GPU
        (0.01, GPU, 1024),  # and no image is larger
    ],
)
def test_small_objects_make_the_image_large(side: float, machine: Machine, size: int) -> None:
    assert _chosen(_data(side=side), machine)["data.image_size"] == size


def test_the_batch_is_what_memory_holds_and_an_epoch_has_steps() -> None:
    def batch(images: int, machine: Machine) -> int:
        value: int = training_choices.batch_size("yolo", 640, machine, images).value
        return value

    assert [batch(n, CPU) for n in (3, 20, 1000)] == [2, 4, 8]
    assert batch(1000, Machine("", 2.0, 2)) == 1
    assert batch(1000, GPU) == 16


def test_the_run_is_longer_from_random_weights_and_bounded_on_a_cpu() -> None:
    def epochs(train: int, machine: Machine, random: bool = False) -> int:
        rate = training_choices.images_per_second("yolo", "detect", 320, machine)
        value: int = training_choices.epochs(rate, 8, train, random).value
        return value

    assert epochs(200, GPU) == 40 and epochs(200, GPU, random=True) == 80
    assert epochs(10, GPU) == training_choices.LONGEST
    assert epochs(10_000, GPU) == 20
    # An hour on this CPU has passes for 10, and fewer teach nothing.
    assert epochs(10_000, CPU) == 10


def test_masks_take_longer_than_boxes_and_the_run_is_shorter_for_it() -> None:
    def minutes(task: Task) -> float:
        rate = training_choices.images_per_second("yolo", task, 640, CPU)
        assert rate
        value: int = training_choices.epochs(rate, 4, 100, random=False).value
        assert value >= 10
        return value * 100 / rate / 60

    assert minutes("detect") <= training_choices.CPU_MINUTES
    assert minutes("segment") <= training_choices.CPU_MINUTES


@pytest.mark.parametrize("images", [6, 40, 300, 3000])
@pytest.mark.parametrize("weights", ["", "none"])
def test_early_stopping_waits_for_several_validations(images: int, weights: str) -> None:
    found = _chosen(_data(images), weights=weights)
    length, every = found["training.epochs"], found["validation.frequency"]
    assert found["training.early_stopping.patience"] >= max(5 * every, length // 3)
    assert length / every <= 30


def test_a_crowded_image_may_have_more_detections() -> None:
    data = _data()
    assert _chosen(data)["model.max_detections"] == 300
    data.images[3].classes = Counter(cat=400)
    assert _chosen(data)["model.max_detections"] == 600
    data.images[3].classes = Counter(cat=4000)
    assert _chosen(data)["model.max_detections"] == 1000


@pytest.mark.parametrize(
    ("classes", "source", "flips"),
    [
        (("cat", "dog"), "pets", (0.5, 0.0)),
        (("cell phone", "silicon"), "things", (0.5, 0.0)),
        (("TextBox", "dog"), "pets", (0.0, 0.0)),
        (("combinedbutton",), "pets", (0.0, 0.0)),
        (("left_hand", "right_hand"), "hands", (0.0, 0.0)),
        (("a", "b"), "letters", (0.0, 0.0)),
        (("thing",), "gui_2", (0.0, 0.0)),
        (("RBC", "WBC", "Platelets"), "blood", (0.5, 0.5)),
        (("object",), "nuclei_dsb2018", (0.5, 0.5)),
    ],
)
def test_mirrors_that_hold(
    classes: tuple[str, ...], source: str, flips: tuple[float, float]
) -> None:
    found = _chosen(_data(classes=classes, source=source))
    keys = ("augmentation.flip_horizontal", "augmentation.flip_vertical")
    assert tuple(found[key] for key in keys) == flips


@pytest.mark.parametrize(
    ("side", "anchors"),
    [(0.2, None), (0.08, [16, 32, 64, 128, 256]), (0.01, [8, 16, 32, 64, 128])],
)
def test_anchors_follow_the_small_objects(side: float, anchors: list[int] | None) -> None:
    found = _chosen(_data(side=side), family="faster_rcnn")
    assert found["model.first_stage.anchor_sizes"] == anchors


def test_expectations_are_half_of_what_is_foreseen() -> None:
    found = _chosen(_data(100))
    assert found["expectations.min_images"] == {"train": 35, "val": 7, "test": 7}
    assert found["expectations.min_boxes_per_class"] == {"train": 10, "val": 1, "test": 1}
    few = _chosen(_data(6))
    assert few["expectations.min_images"] == {"train": 2, "val": 1, "test": 1}
    assert few["expectations.min_boxes_per_class"] == {"train": 2, "val": 0, "test": 0}


def test_too_few_images_for_three_splits_are_an_error() -> None:
    with pytest.raises(RepriseError, match=r"2 usable image.*would be empty"):
        _chosen(_data(2))


def test_a_published_split_is_kept() -> None:
    data = _data(30)
    given = ("train", "val", "test")
    data.images = [
        ImageFacts(one.name, {}, given[n % 3], one.classes) for n, one in enumerate(data.images)
    ]
    assert _chosen(data)["data.split"] == "source"
    data.images[0] = ImageFacts("0.jpg", {}, None, Counter(cat=1, dog=1))
    assert "group_by" in _chosen(data)["data.split"]


def test_every_choice_has_a_reason() -> None:
    for machine in (CPU, GPU):
        for one in choose(_data(), machine, Wishes()):
            assert isinstance(one, Choice) and len(one.reason) > 5 and not one.reason.endswith(".")
