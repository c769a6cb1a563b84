"""Expectations on splits, classes and sources as a whole."""

from __future__ import annotations

from reprise.dataset import SPLITS
from reprise.validation.config import ExpectationsConfig
from reprise.validation.expectation import Expectation, at_least, between, not_empty, unique
from reprise.validation.summary_tables import TINY


def split_expectations(config: ExpectationsConfig, whole_images: bool = False) -> list[Expectation]:
    """On the rows of :func:`reprise.validation.summary_tables.split_rows`.

    Args:
        config: The expectations.
        whole_images: Whether labels of whole images count in place of boxes; sizes of boxes
            are then not checked.
    """
    mark = "label" if whole_images else "box"
    counts = [
        Expectation(
            "split_images",
            "Each split has enough images",
            at_least("images", "required_images"),
            "{images} images, at least {required_images} are asked for",
            "add images under data.sources, change the shares in data.split, or lower "
            "expectations.min_images",
        ),
        Expectation(
            "split_background",
            f"At most {config.max_background:.0%} of a split's images have no {mark}",
            between("background", max_value=config.max_background),
            f"{{background:.1%}} of {{images}} images have no {mark}",
            "annotate these images or remove some, or raise expectations.max_background",
        ),
    ]
    sizes = [
        Expectation(
            "split_tiny_boxes",
            f"At most {config.max_tiny_boxes:.0%} of a split's boxes are too small to learn",
            between("tiny_boxes", max_value=config.max_tiny_boxes),
            f"{{tiny_boxes:.1%}} of {{boxes}} boxes are under {TINY:g} px after resizing",
            "raise data.image_size, or expectations.max_tiny_boxes",
        ),
        Expectation(
            "split_size_shift",
            f"A split's boxes are at most {config.max_size_shift:g} times larger or smaller "
            "than those of train",
            between("size_shift", max_value=config.max_size_shift),
            "median box side {median_side:.1f} px after resizing, {size_shift:.1f} times apart "
            "from train",
            "add training images of the same scale, or raise expectations.max_size_shift",
        ),
    ]
    return counts if whole_images else counts + sizes


def class_expectations(config: ExpectationsConfig, whole_images: bool = False) -> list[Expectation]:
    """On the rows of :func:`reprise.validation.summary_tables.class_rows`.

    Args:
        config: The expectations.
        whole_images: Whether images with a label count in place of boxes.
    """
    marks = "images" if whole_images else "boxes"
    counts_images = ", which counts images with the label here" if whole_images else ""
    class_id = "class id {category_id}"
    return [
        Expectation(
            "class_any",
            "There is at least one class",
            not_empty(),
            fix="list the classes in the annotation files of the sources",
        ),
        Expectation(
            "class_id_positive",
            "Class ids count from 1",
            between("category_id", min_value=1),
            class_id,
        ),
        Expectation(
            "class_id_unique", "No two classes have the same id", unique("category_id"), class_id
        ),
        Expectation(
            "class_name_unique", "No two classes have the same name", unique("item"), class_id
        ),
        *(
            Expectation(
                f"class_boxes_{split}",
                f"Each class has enough {marks} in {split}",
                at_least(split, f"required_{split}"),
                f"{{{split}}} {marks} in {split}, at least {{required_{split}}} are asked for",
                f"add images with this class that can enter {split}, remove the class from its "
                f"source's annotation file, or lower expectations.min_boxes_per_class.{split}"
                f"{counts_images}",
            )
            for split in SPLITS
        ),
        Expectation(
            "class_balance",
            f"The commonest class has at most {config.max_class_imbalance:g} times the {marks} "
            "of any other in train",
            between("times_rarer", max_value=config.max_class_imbalance),
            f"{{train}} {marks} in train, {{times_rarer:.0f}} times fewer than the commonest class",
            "add images with this class, or raise expectations.max_class_imbalance",
        ),
    ]


def source_expectations(config: ExpectationsConfig) -> list[Expectation]:
    """On the rows of :func:`reprise.validation.summary_tables.source_rows`."""
    specks = Expectation(
        "source_regions_rejected",
        f"At most {config.max_rejected:.0%} of the regions of a source's masks are specks",
        between("regions_rejected", max_value=config.max_rejected),
        "{specks} regions left out as too small for objects, {boxes} kept",
        "look at the masks: so many specks are mostly edges or noise that a tool has left, or "
        "values that are no classes; where the masks are as they should be, raise "
        "expectations.max_rejected",
    )
    dropped = [
        Expectation(
            f"source_{name}_rejected",
            f"At most {config.max_rejected:.0%} of a source's {name} are dropped",
            between(f"{name}_rejected", max_value=config.max_rejected),
            f"{{{name}_dropped}} {name} dropped, {{{name}}} kept ({{{name}_why}})",
            f"correct these {name} in the source (rejected.parquet in the dataset lists each), "
            "or raise expectations.max_rejected",
        )
        for name in ("images", "boxes")
    ]
    return [*dropped, specks]
