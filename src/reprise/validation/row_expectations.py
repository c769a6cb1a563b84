"""Expectations on single images, boxes and labels."""

from __future__ import annotations

from reprise.dataset import SPLITS
from reprise.validation.config import ExpectationsConfig
from reprise.validation.expectation import (
    Expectation,
    between,
    empty,
    matching,
    one_of,
    unique,
)
from reprise.validation.row_tables import HASH_PATTERN

# Float error of a box clipped to its image is far below this; a real overflow is above.
EDGE = 0.01
CORRECT_BOX = "correct the box in the annotation file of its source, or delete it there"
BOX = "x={x:g} y={y:g} w={w:g} h={h:g}"


def image_expectations(config: ExpectationsConfig) -> list[Expectation]:
    """On the rows of :func:`reprise.validation.row_tables.image_rows`."""
    return [
        Expectation(
            "image_id_positive",
            "Image ids count from 1",
            between("image_id", min_value=1),
            "image id {image_id}",
        ),
        Expectation(
            "image_id_unique",
            "No two images have the same id",
            unique("image_id"),
            "image id {image_id}",
        ),
        Expectation(
            "image_split_known",
            f"Each image is in one of {', '.join(SPLITS)}",
            one_of("split", list(SPLITS)),
            "split '{split}'",
        ),
        Expectation("image_decodes", "Each stored image decodes", empty("problem"), "{problem}"),
        Expectation(
            "image_size_as_recorded",
            "Each stored image has the size in its table",
            one_of("size_as_recorded", [True]),
            "the table says {width} x {height}, the file is {decoded_width} x {decoded_height}",
        ),
        Expectation(
            "image_original_size",
            "Each original image has a size",
            between("original_pixels", min_value=1),
            "{original_width} x {original_height}",
        ),
        Expectation(
            "image_hash_form",
            "Perceptual hashes have 16 hexadecimal digits",
            matching("perceptual_hash", HASH_PATTERN),
            "'{perceptual_hash}'",
        ),
        *_leak_expectations(config.near_duplicate_distance),
        Expectation(
            "synthetic_in_train_only",
            "Synthetic images are in train only",
            one_of("synthetic_outside_train", [False]),
            "a synthetic image in {split}",
        ),
    ]


def _leak_expectations(distance: int | None) -> list[Expectation]:
    leaks = [
        Expectation(
            "image_copy_across_splits",
            "No image has the same pixels as an image of another split",
            empty("copy_in_other_split"),
            "same pixels as {copy_in_other_split}",
            "delete one of the two from its source, so that no split knows another's answers",
        ),
        Expectation(
            "image_copy_in_split",
            "No image occurs twice in a split",
            empty("copy_in_split"),
            "same pixels as {copy_in_split}",
            "delete one of the two from its source, and check that their boxes agree",
        ),
        Expectation(
            "group_across_splits",
            "The images of one group are all in one split",
            empty("group_in_other_split"),
            "group '{group}' is also that of {group_in_other_split}",
        ),
    ]
    if distance is None:
        return leaks
    return [
        *leaks,
        Expectation(
            "near_duplicate_across_splits",
            "No image looks almost the same as an image of another split "
            f"(at most {distance} of 64 hash bits apart)",
            empty("near_duplicate"),
            "almost the same as {near_duplicate}",
            f"raise data.split.near_duplicate_distance to {distance}, "
            "which keeps such images in one split (under data.split: source, write a section "
            "in place of the word, or correct the source), or, if they show different "
            "scenes, lower expectations.near_duplicate_distance (null: no check)",
        ),
    ]


def label_expectations(category_ids: list[int]) -> list[Expectation]:
    """On the rows of :func:`reprise.validation.row_tables.label_rows`."""
    return [
        Expectation(
            "label_image_known",
            "Each label belongs to an image",
            one_of("known_image", [True]),
            "no image has the id {image_id}",
        ),
        Expectation(
            "label_class_known",
            "Each label is a known class",
            one_of("category_id", category_ids),
            "class id {category_id}; known are " + ", ".join(map(str, category_ids)),
        ),
        Expectation(
            "label_once",
            "No image has a label twice",
            one_of("repeated", [False]),
            "it has this label before",
        ),
    ]


def annotation_expectations(
    config: ExpectationsConfig, category_ids: list[int]
) -> list[Expectation]:
    """On the rows of :func:`reprise.validation.row_tables.annotation_rows`."""
    return [
        Expectation(
            "annotation_id_positive",
            "Annotation ids count from 1",
            between("annotation_id", min_value=1),
            BOX,
        ),
        Expectation(
            "annotation_id_unique",
            "No two annotations have the same id",
            unique("annotation_id"),
            BOX,
        ),
        Expectation(
            "annotation_image_known",
            "Each box belongs to an image",
            one_of("known_image", [True]),
            "no image has the id {image_id}",
        ),
        Expectation(
            "class_known",
            "Each box has a known class",
            one_of("category_id", category_ids),
            "class id {category_id}; known are " + ", ".join(map(str, category_ids)),
            "correct the class in the annotation file of its source, or add the class to "
            "data.classes",
        ),
        Expectation(
            "box_finite",
            "Each box is made of finite numbers",
            one_of("finite", [True]),
            BOX + " area={area:g}",
            CORRECT_BOX,
        ),
        Expectation(
            "box_inside_image",
            "Each box lies inside its image",
            between("outside_by", max_value=EDGE),
            BOX + " passes the edge of the {original_width:g} x {original_height:g} image by "
            "{outside_by:.2f} px",
            CORRECT_BOX,
        ),
        Expectation(
            "box_size",
            f"Each box is at least {config.min_box_size:g} px wide and high",
            between("short_side", min_value=config.min_box_size),
            BOX + ", shortest side {short_side:g} px",
            f"{CORRECT_BOX}, or lower expectations.min_box_size",
        ),
        Expectation(
            "box_area",
            "Each area is above 0 and at most that of the box",
            between("area_share", min_value=0, max_value=1 + EDGE, strict_min=True),
            BOX + " area={area:g}",
            "correct the area or the box in the annotation file of its source",
        ),
        Expectation(
            "box_repeated",
            "No box occurs twice with the same class",
            empty("duplicate_of"),
            BOX + ", equal to {duplicate_of}",
            "delete one of the two in the annotation file of its source",
        ),
    ]
