"""One expectation: what is checked, what a failure says, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reprise.dataset import REWRITE

# An expectation of Great Expectations: the name of its class, and its arguments.
Check = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Expectation:
    """One expectation about a table.

    Attributes:
        name: Stable identifier, unique over all tables.
        sentence: What is expected; heads the failure message and the Data Docs entry.
        check: How it is checked.
        detail: What a message says of an offending row; filled with the row's columns.
        fix: What a person does about it.
    """

    name: str
    sentence: str
    check: Check
    detail: str = ""
    fix: str = REWRITE


def empty(column: str) -> Check:
    """No row has a value in the column."""
    return "ExpectColumnValuesToBeNull", {"column": column}


def unique(column: str) -> Check:
    """No value occurs twice."""
    return "ExpectColumnValuesToBeUnique", {"column": column}


def between(column: str, **bounds: Any) -> Check:
    """Each value is within the bounds: ``min_value``, ``max_value``, ``strict_min``."""
    return "ExpectColumnValuesToBeBetween", {"column": column, **bounds}


def one_of(column: str, values: list[Any]) -> Check:
    """Each value is one of these."""
    return "ExpectColumnValuesToBeInSet", {"column": column, "value_set": values}


def matching(column: str, regex: str) -> Check:
    """Each value matches a pattern."""
    return "ExpectColumnValuesToMatchRegex", {"column": column, "regex": regex}


def at_least(column: str, least: str) -> Check:
    """Each value is at least that of another column."""
    pair = {"column_A": column, "column_B": least, "or_equal": True}
    return "ExpectColumnPairValuesAToBeGreaterThanB", pair


def not_empty() -> Check:
    """The table has at least one row."""
    return "ExpectTableRowCountToBeBetween", {"min_value": 1}
