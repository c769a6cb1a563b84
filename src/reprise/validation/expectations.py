"""All expectations, in the order in which they are checked and reported."""

from __future__ import annotations

from reprise.validation.balance_expectations import class_rules, source_rules, split_rules
from reprise.validation.config import ExpectationsConfig
from reprise.validation.expectation import Expectation
from reprise.validation.row_expectations import annotation_rules, image_rules, label_rules


def rules(
    config: ExpectationsConfig, category_ids: list[int], whole_images: bool = False
) -> list[Expectation]:
    """Every rule for a dataset with these classes; names are unique.

    Args:
        config: The expectations.
        category_ids: Ids of the classes.
        whole_images: Whether the dataset has labels of whole images and no box, so that these
            are counted in place of boxes.
    """
    return [
        *image_rules(config),
        *annotation_rules(config, category_ids),
        *label_rules(category_ids),
        *split_rules(config, whole_images),
        *class_rules(config, whole_images),
        *source_rules(config),
    ]
