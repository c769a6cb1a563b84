"""All expectations, in the order in which they are checked and reported."""

from __future__ import annotations

from reprise.validation.balance_rules import class_rules, source_rules, split_rules
from reprise.validation.config import ExpectationsConfig
from reprise.validation.row_rules import annotation_rules, image_rules
from reprise.validation.rule import Rule


def rules(config: ExpectationsConfig, category_ids: list[int]) -> list[Rule]:
    """Every rule for a dataset with these classes; names are unique."""
    return [
        *image_rules(config),
        *annotation_rules(config, category_ids),
        *split_rules(config),
        *class_rules(config),
        *source_rules(config),
    ]
