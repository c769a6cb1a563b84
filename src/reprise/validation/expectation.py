"""One expectation: what is checked, how a failure is told, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Kinds of expectations, by their class names in Great Expectations.
NULL = "ExpectColumnValuesToBeNull"
UNIQUE = "ExpectColumnValuesToBeUnique"
BETWEEN = "ExpectColumnValuesToBeBetween"
IN_SET = "ExpectColumnValuesToBeInSet"
MATCH = "ExpectColumnValuesToMatchRegex"
PAIR = "ExpectColumnPairValuesAToBeGreaterThanB"
ROW_COUNT = "ExpectTableRowCountToBeBetween"


REWRITE = "the dataset is damaged; write it again: dvc repro --force preprocess"


@dataclass(frozen=True)
class Expectation:
    """One expectation.

    Attributes:
        name: Stable identifier, unique over all tables.
        table: Table that it is checked on: images, annotations, labels, splits, classes or
            sources.
        sentence: What is expected; heads the failure message and the Data Docs entry.
        kind: Class name of the expectation in Great Expectations.
        arguments: Its arguments.
        detail: What a message says of an offending row; filled with the row's columns.
        fix: What a person does about it.
    """

    name: str
    table: str
    sentence: str
    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)
    detail: str = ""
    fix: str = REWRITE
