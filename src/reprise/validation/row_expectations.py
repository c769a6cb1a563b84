"""Expectations on single images and boxes."""

from __future__ import annotations

from reprise.dataset import SPLITS
from reprise.validation.config import ExpectationsConfig
from reprise.validation.expectation import (
    BETWEEN,
    IN_SET,
    MATCH,
    NULL,
    REWRITE,
    UNIQUE,
    Expectation,
)
from reprise.validation.row_tables import HASH_PATTERN

# Float error of a box clipped to its image is far below this; a real overflow is above.
EDGE = 0.01
CORRECT_BOX = "correct the box in the annotation file of its source, or delete it there"


def image_rules(config: ExpectationsConfig) -> list[Expectation]:
    """Rules on the rows of :func:`reprise.validation.row_tables.image_rows`."""
    leaks = [
        Expectation(
            "image_copy_across_splits",
            "images",
            "No image has the same pixels as an image of another split",
            NULL,
            {"column": "copy_in_other_split"},
            "same pixels as {copy_in_other_split}",
            "delete one of the two from its source, so that no split knows another's answers",
        ),
        Expectation(
            "image_copy_in_split",
            "images",
            "No image occurs twice in a split",
            NULL,
            {"column": "copy_in_split"},
            "same pixels as {copy_in_split}",
            "delete one of the two from its source, and check that their boxes agree",
        ),
        Expectation(
            "group_across_splits",
            "images",
            "The images of one group are all in one split",
            NULL,
            {"column": "group_in_other_split"},
            "group '{group}' is also that of {group_in_other_split}",
            REWRITE,
        ),
    ]
    if config.near_duplicate_distance is not None:
        leaks.append(
            Expectation(
                "near_duplicate_across_splits",
                "images",
                "No image looks almost the same as an image of another split "
                f"(at most {config.near_duplicate_distance} of 64 hash bits apart)",
                NULL,
                {"column": "near_duplicate"},
                "almost the same as {near_duplicate}",
                f"raise data.split.near_duplicate_distance to {config.near_duplicate_distance}, "
                "which keeps such images in one split (under data.split: source, write a section "
                "in place of the word, or correct the source), or, if they show different "
                "scenes, lower expectations.near_duplicate_distance (null: no check)",
            )
        )
    return [
        Expectation(
            "image_id_positive",
            "images",
            "Image ids count from 1",
            BETWEEN,
            {"column": "image_id", "min_value": 1},
            "image id {image_id}",
        ),
        Expectation(
            "image_id_unique",
            "images",
            "No two images have the same id",
            UNIQUE,
            {"column": "image_id"},
            "image id {image_id}",
        ),
        Expectation(
            "image_split_known",
            "images",
            f"Each image is in one of {', '.join(SPLITS)}",
            IN_SET,
            {"column": "split", "value_set": list(SPLITS)},
            "split '{split}'",
        ),
        Expectation(
            "image_decodes",
            "images",
            "Each stored image decodes",
            NULL,
            {"column": "problem"},
            "{problem}",
        ),
        Expectation(
            "image_size_as_recorded",
            "images",
            "Each stored image has the size in its table",
            IN_SET,
            {"column": "size_as_recorded", "value_set": [True]},
            "the table says {width} x {height}, the file is {decoded_width} x {decoded_height}",
        ),
        Expectation(
            "image_original_size",
            "images",
            "Each original image has a size",
            BETWEEN,
            {"column": "original_pixels", "min_value": 1},
            "{original_width} x {original_height}",
        ),
        Expectation(
            "image_hash_form",
            "images",
            "Perceptual hashes have 16 hexadecimal digits",
            MATCH,
            {"column": "perceptual_hash", "regex": HASH_PATTERN},
            "'{perceptual_hash}'",
        ),
        *leaks,
        Expectation(
            "synthetic_in_train_only",
            "images",
            "Synthetic images are in train only",
            IN_SET,
            {"column": "synthetic_outside_train", "value_set": [False]},
            "a synthetic image in {split}",
        ),
    ]


def label_rules(category_ids: list[int]) -> list[Expectation]:
    """Rules on the rows of :func:`reprise.validation.row_tables.label_rows`."""
    return [
        Expectation(
            "label_image_known",
            "labels",
            "Each label belongs to an image",
            IN_SET,
            {"column": "known_image", "value_set": [True]},
            "no image has the id {image_id}",
        ),
        Expectation(
            "label_class_known",
            "labels",
            "Each label is a known class",
            IN_SET,
            {"column": "category_id", "value_set": category_ids},
            "class id {category_id}; known are " + ", ".join(map(str, category_ids)),
        ),
        Expectation(
            "label_once",
            "labels",
            "No image has a label twice",
            IN_SET,
            {"column": "repeated", "value_set": [False]},
            "it has this label before",
        ),
    ]


def annotation_rules(config: ExpectationsConfig, category_ids: list[int]) -> list[Expectation]:
    """Rules on the rows of :func:`reprise.validation.row_tables.annotation_rows`."""
    box = "x={x:g} y={y:g} w={w:g} h={h:g}"
    return [
        Expectation(
            "annotation_id_positive",
            "annotations",
            "Annotation ids count from 1",
            BETWEEN,
            {"column": "annotation_id", "min_value": 1},
            box,
        ),
        Expectation(
            "annotation_id_unique",
            "annotations",
            "No two annotations have the same id",
            UNIQUE,
            {"column": "annotation_id"},
            box,
        ),
        Expectation(
            "annotation_image_known",
            "annotations",
            "Each box belongs to an image",
            IN_SET,
            {"column": "known_image", "value_set": [True]},
            "no image has the id {image_id}",
        ),
        Expectation(
            "class_known",
            "annotations",
            "Each box has a known class",
            IN_SET,
            {"column": "category_id", "value_set": category_ids},
            "class id {category_id}; known are " + ", ".join(map(str, category_ids)),
            "correct the class in the annotation file of its source, or add the class to "
            "data.classes",
        ),
        Expectation(
            "box_finite",
            "annotations",
            "Each box is made of finite numbers",
            IN_SET,
            {"column": "finite", "value_set": [True]},
            box + " area={area:g}",
            CORRECT_BOX,
        ),
        Expectation(
            "box_inside_image",
            "annotations",
            "Each box lies inside its image",
            BETWEEN,
            {"column": "outside_by", "max_value": EDGE},
            box + " passes the edge of the {original_width:g} x {original_height:g} image by "
            "{outside_by:.2f} px",
            CORRECT_BOX,
        ),
        Expectation(
            "box_size",
            "annotations",
            f"Each box is at least {config.min_box_size:g} px wide and high",
            BETWEEN,
            {"column": "short_side", "min_value": config.min_box_size},
            box + ", shortest side {short_side:g} px",
            f"{CORRECT_BOX}, or lower expectations.min_box_size",
        ),
        Expectation(
            "box_area",
            "annotations",
            "Each area is above 0 and at most that of the box",
            BETWEEN,
            {"column": "area_share", "min_value": 0, "max_value": 1 + EDGE, "strict_min": True},
            box + " area={area:g}",
            "correct the area or the box in the annotation file of its source",
        ),
        Expectation(
            "box_repeated",
            "annotations",
            "No box occurs twice with the same class",
            NULL,
            {"column": "duplicate_of"},
            box + ", equal to {duplicate_of}",
            "delete one of the two in the annotation file of its source",
        ),
    ]
