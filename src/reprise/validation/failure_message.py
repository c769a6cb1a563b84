"""What a person reads on the console when the gate is shut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.validation.row_tables import printable
from reprise.validation.runner import Outcome, TableResult

if TYPE_CHECKING:
    import pandas as pd

NAMED = 5
NOUNS = {
    "images": "image",
    "annotations": "box",
    "labels": "label",
    "splits": "split",
    "classes": "class",
    "sources": "source",
}

# What comes first here may be why something later fails: a source without any usable image
# leaves splits empty and classes without boxes.
_CAUSES_FIRST = ("sources", "images", "annotations", "labels", "splits", "classes")


def causes_first(results: list[TableResult]) -> list[TableResult]:
    """The results in the order in which a person should read what failed."""
    return sorted(results, key=lambda result: _CAUSES_FIRST.index(result.table))


def namesakes(class_names: list[str]) -> list[str]:
    """A note on classes whose names differ in capitals or spaces only; empty without any."""
    groups: dict[str, list[str]] = {}
    for name in class_names:
        groups.setdefault(" ".join(name.split()).casefold(), []).append(printable(name))
    alike = [" and ".join(map(repr, names)) for names in groups.values() if len(names) > 1]
    if not alike:
        return []
    return [
        f"the names of some classes differ only in capitals or spaces: {'; '.join(alike[:NAMED])}. "
        "Each is a class of its own; if they mean the same, write one name in the label files"
    ]


def failure(results: list[TableResult], tables: dict[str, pd.DataFrame]) -> str:
    """Name every failed expectation, its first offenders, and the fix.

    Args:
        results: What :func:`reprise.validation.runner.check` returned, at least one failed.
        tables: The tables that were checked.

    Returns:
        Lines of text: a headline, then a numbered paragraph for each failed expectation,
        those that may be the cause of others first.
    """
    outcomes = [outcome for result in causes_first(results) for outcome in result.outcomes]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    lines = [f"The dataset fails {len(failed)} of {len(outcomes)} expectations."]
    for number, outcome in enumerate(failed, start=1):
        lines += ["", f"{number}. {outcome.rule.sentence}{_how_many(outcome)}."]
        lines += [f"   - {line}" for line in offenders(outcome, tables[outcome.rule.table])]
        lines.append(f"   To fix: {outcome.rule.fix}.")
    return "\n".join(lines)


def offenders(outcome: Outcome, table: pd.DataFrame, limit: int = NAMED) -> list[str]:
    """The first offending rows of a failed expectation, one line each."""
    shown = table.loc[outcome.rows[:limit]].to_dict("records")
    lines = [_line(outcome, {str(key): value for key, value in row.items()}) for row in shown]
    if outcome.count > len(lines):
        lines.append(f"and {outcome.count - len(lines)} more")
    return lines


def _line(outcome: Outcome, row: dict[str, Any]) -> str:
    return printable(f"{row['item']}: {outcome.rule.detail.format_map(row)}")


def _how_many(outcome: Outcome) -> str:
    if not outcome.count:
        return ""
    noun = NOUNS[outcome.rule.table]
    return f"; not so for {outcome.count} of {outcome.of} {_plural(noun, outcome.of)}"


def _plural(noun: str, count: int) -> str:
    if count == 1:
        return noun
    return noun + ("es" if noun.endswith(("s", "x")) else "s")
