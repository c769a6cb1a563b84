"""Expectations on splits, classes and sources as a whole."""

from __future__ import annotations

from reprise.dataset import SPLITS
from reprise.validation.config import ExpectationsConfig
from reprise.validation.expectation import BETWEEN, PAIR, ROW_COUNT, UNIQUE, Expectation
from reprise.validation.summary_tables import TINY


def split_rules(config: ExpectationsConfig, whole_images: bool = False) -> list[Expectation]:
    """Rules on the rows of :func:`reprise.validation.summary_tables.split_rows`.

    Args:
        config: The expectations.
        whole_images: Whether labels of whole images count in place of boxes; sizes of boxes
            are then nobody's concern.
    """
    mark = "label" if whole_images else "box"
    counted = [
        Expectation(
            "split_images",
            "splits",
            "Each split has enough images",
            PAIR,
            {"column_A": "images", "column_B": "required_images", "or_equal": True},
            "{images} images, at least {required_images} are asked for",
            "add images under data.sources, change the shares in data.split, or lower "
            "expectations.min_images",
        ),
        Expectation(
            "split_background",
            "splits",
            f"At most {config.max_background:.0%} of a split's images have no {mark}",
            BETWEEN,
            {"column": "background", "max_value": config.max_background},
            f"{{background:.1%}} of {{images}} images have no {mark}",
            "annotate these images or remove some, or raise expectations.max_background",
        ),
    ]
    if whole_images:
        return counted
    return [
        *counted,
        Expectation(
            "split_tiny_boxes",
            "splits",
            f"At most {config.max_tiny_boxes:.0%} of a split's boxes are too small to learn",
            BETWEEN,
            {"column": "tiny_boxes", "max_value": config.max_tiny_boxes},
            f"{{tiny_boxes:.1%}} of {{boxes}} boxes are under {TINY:g} px after resizing",
            "raise data.image_size, or expectations.max_tiny_boxes",
        ),
        Expectation(
            "split_size_shift",
            "splits",
            f"A split's boxes are at most {config.max_size_shift:g} times larger or smaller "
            "than those of train",
            BETWEEN,
            {"column": "size_shift", "max_value": config.max_size_shift},
            "median box side {median_side:.1f} px after resizing, {size_shift:.1f} times apart "
            "from train",
            "add training images of the same scale, or raise expectations.max_size_shift",
        ),
    ]


def class_rules(config: ExpectationsConfig, whole_images: bool = False) -> list[Expectation]:
    """Rules on the rows of :func:`reprise.validation.summary_tables.class_rows`.

    Args:
        config: The expectations.
        whole_images: Whether images with a label count in place of boxes.
    """
    marks = "images" if whole_images else "boxes"
    counts_images = ", which counts images with the label here" if whole_images else ""
    counted = [
        Expectation(
            f"class_boxes_{split}",
            "classes",
            f"Each class has enough {marks} in {split}",
            PAIR,
            {"column_A": split, "column_B": f"required_{split}", "or_equal": True},
            f"{{{split}}} {marks} in {split}, at least {{required_{split}}} are asked for",
            f"add images with this class that can enter {split}, remove the class from its "
            f"source's annotation file, or lower expectations.min_boxes_per_class.{split}"
            f"{counts_images}",
        )
        for split in SPLITS
    ]
    return [
        Expectation(
            "class_any",
            "classes",
            "There is at least one class",
            ROW_COUNT,
            {"min_value": 1},
            fix="list the classes in the annotation files of the sources",
        ),
        Expectation(
            "class_id_positive",
            "classes",
            "Class ids count from 1",
            BETWEEN,
            {"column": "category_id", "min_value": 1},
            "class id {category_id}",
        ),
        Expectation(
            "class_id_unique",
            "classes",
            "No two classes have the same id",
            UNIQUE,
            {"column": "category_id"},
            "class id {category_id}",
        ),
        Expectation(
            "class_name_unique",
            "classes",
            "No two classes have the same name",
            UNIQUE,
            {"column": "item"},
            "class id {category_id}",
        ),
        *counted,
        Expectation(
            "class_balance",
            "classes",
            f"The commonest class has at most {config.max_class_imbalance:g} times the {marks} "
            "of any other in train",
            BETWEEN,
            {"column": "times_rarer", "max_value": config.max_class_imbalance},
            f"{{train}} {marks} in train, {{times_rarer:.0f}} times fewer than the commonest class",
            "add images with this class, or raise expectations.max_class_imbalance",
        ),
    ]


def source_rules(config: ExpectationsConfig) -> list[Expectation]:
    """Rules on the rows of :func:`reprise.validation.summary_tables.source_rows`."""
    return [
        Expectation(
            f"source_{name}_rejected",
            "sources",
            f"At most {config.max_rejected:.0%} of a source's {name} are dropped",
            BETWEEN,
            {"column": f"{name}_rejected", "max_value": config.max_rejected},
            f"{{{name}_dropped}} {name} dropped, {{{name}}} kept ({{{name}_why}})",
            f"correct these {name} in the source (rejected.parquet in the dataset lists each), "
            "or raise expectations.max_rejected",
        )
        for name in ("images", "boxes")
    ]
