"""What a person reads on the console when the gate is shut."""

from __future__ import annotations

from reprise.validation.row_tables import printable
from reprise.validation.runner import Outcome, TableResult

NAMED = 5
# Table -> what its rows are, one and several. What comes first here may be why something later
# fails: a source without any usable image leaves splits empty and classes without boxes.
NOUNS = {
    "sources": ("source", "sources"),
    "images": ("image", "images"),
    "annotations": ("box", "boxes"),
    "labels": ("label", "labels"),
    "splits": ("split", "splits"),
    "classes": ("class", "classes"),
}


def causes_first(results: list[TableResult]) -> list[TableResult]:
    """The results in the order in which a person should read what failed."""
    return sorted(results, key=lambda result: list(NOUNS).index(result.table))


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


def failure(results: list[TableResult]) -> str:
    """Name every failed expectation, its first offenders, and the fix.

    Args:
        results: What :func:`reprise.validation.runner.check` returned, at least one failed.

    Returns:
        Lines of text: a headline, then a numbered paragraph for each failed expectation,
        those that may be the cause of others first.
    """
    failed = [(result, outcome) for result in causes_first(results) for outcome in result.failed]
    total = sum(len(result.outcomes) for result in results)
    lines = [f"The dataset fails {len(failed)} of {total} expectations."]
    for number, (result, outcome) in enumerate(failed, start=1):
        lines += ["", f"{number}. {outcome.expectation.sentence}{_how_many(outcome)}."]
        lines += [f"   - {line}" for line in offenders(result, outcome)]
        lines += [f"   {line}" for line in _usual_cause(result, outcome)]
        lines.append(f"   To fix: {outcome.expectation.fix}.")
    return "\n".join(lines)


# The share of boxes that fail together for one reason, which is none of the boxes.
_NEARLY_ALL = 0.9


def _usual_cause(result: TableResult, outcome: Outcome) -> list[str]:
    """What it usually means when nearly all boxes fail one expectation; empty otherwise."""
    name, rows = outcome.expectation.name, result.frame.loc[outcome.rows]
    if name == "box_size" and outcome.count >= _NEARLY_ALL * outcome.of:
        return [
            "Nearly all boxes are so small: usually their coordinates are fractions of the image "
            "(0 to 1) that were read as pixels, or were made for a much smaller image. Lowering "
            "expectations.min_box_size would train on nothing."
        ]
    if name == "split_tiny_boxes" and (rows["tiny_boxes"] >= _NEARLY_ALL).any():
        return [
            "Nearly all boxes are so small: usually data.image_size is far too small for these "
            "images, or coordinates are fractions (0 to 1) that were read as pixels."
        ]
    lost = name == "source_boxes_rejected" and (rows["boxes_rejected"] >= _NEARLY_ALL).any()
    if lost and rows["boxes_why"].str.contains("box_outside").any():
        return [
            "Nearly all boxes lie outside their images: usually coordinates are pixels that were "
            "read as fractions, belong to larger versions of the images, or to other images."
        ]
    return []


def offenders(result: TableResult, outcome: Outcome, limit: int = NAMED) -> list[str]:
    """The first offending rows of a failed expectation, one line each."""
    detail = outcome.expectation.detail
    lines = []
    for row in result.frame.loc[outcome.rows[:limit]].to_dict("records"):
        values = {str(key): value for key, value in row.items()}
        lines.append(printable(f"{row['item']}: {detail.format_map(values)}"))
    if outcome.count > len(lines):
        lines.append(f"and {outcome.count - len(lines)} more")
    return lines


def _how_many(outcome: Outcome) -> str:
    if not outcome.count:
        return ""
    noun = NOUNS[outcome.table][outcome.of != 1]
    return f"; not so for {outcome.count} of {outcome.of} {noun}"
