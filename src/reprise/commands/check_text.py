"""The findings of ``reprise check`` as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from reprise.commands.check_dataset import DatasetSummary

MOST_CLASSES = 100


def lines(found: DatasetSummary) -> list[str]:
    """The whole report, without the params.yaml entry."""
    parts = [
        [f"{found.source}: format {found.format}, for {found.reason}"],
        [f"  note: {note}" for note in found.notes],
        _images(found),
        _headers(found),
        _classes(found),
        _problems(found),
        _keys(found),
    ]
    return [line for part in parts for line in part]


def _images(found: DatasetSummary) -> list[str]:
    said = [f"images: {found.images:,}, usable {found.usable:,}"]
    if found.missing:
        said.append(f"  {found.missing:,} more that labels are about are not there")
    if found.unlabelled:
        fate = (
            "dropped, for the labels list all images (unlabelled: background would keep them)"
            if found.unlabelled_dropped
            else "kept as images without objects (unlabelled: drop would leave them out)"
        )
        said.append(f"  {found.unlabelled:,} without any label: {fate}")
    if set(found.splits) <= {"none"}:
        return [*said, "  splits given by the source: none"]
    given = ", ".join(f"{name} {count:,}" for name, count in found.splits.items())
    return [*said, f"  splits given by the source: {given} (data.split: source keeps them)"]


def _headers(found: DatasetSummary) -> list[str]:
    if not found.widths:
        return []
    sampled = (
        f" (headers of {found.headers:,} of {found.images:,}, taken evenly)"
        if found.headers < found.images
        else ""
    )
    rows = [
        f"  {side:<7} min {least:,}, median {median:,}, max {greatest:,}"
        for side, (least, median, greatest) in (
            ("width", found.widths),
            ("height", found.heights),
        )
    ]
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in found.kinds.items())
    return [f"sizes in pixels{sampled}:", *rows, f"  kinds   {kinds}"]


def _classes(found: DatasetSummary) -> list[str]:
    said: list[str] = []
    if any(found.boxes.values()):
        said += [f"boxes by class: {sum(found.boxes.values()):,}", *_table(found.boxes)]
    if found.labels:
        total = sum(found.labels.values())
        said += [f"labels of whole images by class: {total:,}", *_table(found.labels)]
    return said or ["no box and no label of a whole image"]


def _table(counts: Mapping[str, int]) -> list[str]:
    shown = dict(list(counts.items())[:MOST_CLASSES])
    wide = max(len(name) for name in shown)
    rows = [f"  {name:<{wide}}  {count:>9,}" for name, count in shown.items()]
    more = len(counts) - len(shown)
    return [*rows, f"  and {more:,} more: see --json"] if more else rows


def _problems(found: DatasetSummary) -> list[str]:
    said = []
    for problem in found.problems:
        many = "image(s)" if problem.item == "image" else "box(es)"
        said.append(
            f"  {problem.count:,} {many} {problem.action}: {problem.rule} ({problem.meaning})"
        )
        said += [f"      {example}" for example in problem.examples]
    judged = (
        [
            f"  {found.unjudged:,} box(es) were not looked at: the header of their image was not "
            "read, and their labels do not state its size"
        ]
        if found.unjudged
        else []
    )
    if not said:
        return ["problems: none was found", *judged]
    return ["problems, and what preprocessing would do:", *said, *judged]


def _keys(found: DatasetSummary) -> list[str]:
    if not found.keys:
        return [
            "grouping keys for data.split.group_by: none; no label gives any, and all images lie "
            "at the top, where folder groups nothing"
        ]
    rows = {key: _grouping(*counts, found.images) for key, counts in found.keys.items()}
    wide = max(len(key) for key in rows)
    return [
        "grouping keys for data.split.group_by:",
        *(f"  {key:<{wide}}  {said}" for key, said in rows.items()),
    ]


def _grouping(values: int, images: int, of: int) -> str:
    said = f"{values:,} value(s) in {images:,} image(s)"
    if images < of:
        said += f", and none in {of - images:,}, which it does not group"
    if values == images:
        return f"{said}: groups nothing, no two images share one"
    return f"{said}: all of these would stay in one split" if values == 1 else said
