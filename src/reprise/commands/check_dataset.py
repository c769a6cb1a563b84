"""Looking through a dataset before it is used: counts, and what the rules would do to it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reprise.commands.check_headers import Header, read_header
from reprise.formats.records import ImageRecord, ReadOptions
from reprise.formats.source_labels import read_source
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.labels.clean_labels import clean_labels
from reprise.preprocessing.rules import Rule
from reprise.preprocessing.split.group_keys import extractor

# Headers that are read; of more images so many are taken, evenly.
MOST_HEADERS = 2000
EXAMPLES = 3
DEEPEST = 4  # of the folders that are named as grouping keys


@dataclass
class Problem:
    """Everything that one rule of preprocessing would do to the dataset.

    Attributes:
        rule: The rule's name in the ledger.
        item: ``image`` or ``box``.
        action: ``dropped``, ``repaired`` or ``kept``.
        meaning: When the rule applies.
        count: How often it does.
        examples: The first few, as ``image: what``.
    """

    rule: str
    item: str
    action: str
    meaning: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class DatasetSummary:
    """What a dataset holds.

    Attributes:
        source: Name of the source.
        format: A key of FORMATS.
        reason: What speaks for that format.
        notes: What the reader decided.
        images: Image files that are there. All counts below but ``missing`` are of these.
        usable: Those that preprocessing would keep, as far as headers tell.
        missing: Images that labels are about and that are not there.
        unlabelled: Images that no label speaks of.
        unlabelled_dropped: Whether ``unlabelled: auto`` drops these.
        splits: Images by the split that the source gives; ``none`` without one.
        boxes: Boxes by class, declared classes first.
        labels: Images by class of the image as a whole.
        keys: Grouping key -> its number of values, its number of images.
        headers: Headers that were read, unreadable ones included.
        unjudged: Boxes of images whose size is unknown: their header was not read, and their
            labels do not state it.
        kinds: Images by format and mode, of the headers read.
        widths: Least, median and greatest width in pixels; empty without any header.
        heights: As ``widths``.
        problems: In the order of the rules.
    """

    source: str
    format: str
    reason: str
    notes: list[str]
    images: int
    usable: int
    missing: int
    unlabelled: int
    unlabelled_dropped: bool
    splits: dict[str, int]
    boxes: dict[str, int]
    labels: dict[str, int]
    keys: dict[str, tuple[int, int]]
    headers: int
    unjudged: int
    kinds: dict[str, int]
    widths: tuple[int, ...]
    heights: tuple[int, ...]
    problems: list[Problem]


def check_dataset(
    folder: Path,
    source: str,
    format_name: str,
    reason: str,
    options: ReadOptions,
    max_pixels: int,
    most_headers: int = MOST_HEADERS,
) -> DatasetSummary:
    """Look through a source folder.

    Args:
        folder: The source as preprocessing would find it; it is not changed.
        source: Its name.
        format_name: A key of FORMATS.
        reason: What speaks for that format.
        options: How to read it.
        max_pixels: Largest image, width times height.
        most_headers: Image headers to read.

    Raises:
        RepriseError: The labels as a whole cannot be read.
    """
    dataset = read_source(folder, source, format_name, options)
    headers = _read_headers(dataset.images, max_pixels, most_headers)
    problems: dict[Rule, Problem] = {}
    usable = 0
    for record in dataset.images:
        try:
            notes = _notes(record, headers.get(record.name))
            lost = any(rule is Rule.IMAGE_LABELS_LOST for rule, _ in notes)
            usable += not lost and (record.labelled or not dataset.lists_images)
        except BadImageError as bad:
            notes = [(bad.rule, bad.detail)]
        for rule, detail in notes:
            new = Problem(rule.code, rule.item, rule.action, rule.meaning)
            problem = problems.setdefault(rule, new)
            problem.count += 1
            if len(problem.examples) < EXAMPLES:
                problem.examples.append(f"{record.name}: {detail}")
    there = [record for record in dataset.images if record.path is not None]
    readable = [header for header in headers.values() if isinstance(header, Header)]
    return DatasetSummary(
        source=source,
        format=format_name,
        reason=reason,
        notes=list(dataset.notes),
        images=len(there),
        usable=usable,
        missing=len(dataset.images) - len(there),
        unlabelled=sum(not record.labelled for record in there),
        unlabelled_dropped=dataset.lists_images,
        splits=_by_split(there),
        boxes=_counted((box.class_name for image in there for box in image.boxes), dataset.classes),
        labels=_counted((name for image in there for name in image.labels), []),
        keys=_grouping_keys(there),
        headers=len(headers),
        unjudged=sum(
            len(record.boxes)
            for record in there
            if not record.problem and record.name not in headers and _stated(record) is None
        ),
        kinds=dict(Counter(header.kind for header in readable).most_common()),
        widths=_range([header.width for header in readable]),
        heights=_range([header.height for header in readable]),
        problems=[problems[rule] for rule in Rule if rule in problems],
    )


def _read_headers(
    records: list[ImageRecord], max_pixels: int, most: int
) -> dict[str, Header | BadImageError]:
    """Image name -> header, or what is wrong with it, of at most so many images, taken evenly."""
    there = [(record.name, record.path) for record in records if record.path is not None]
    if len(there) > most:
        there = [there[place * len(there) // most] for place in range(most)]
    found: dict[str, Header | BadImageError] = {}
    for name, path in there:
        try:
            found[name] = read_header(path, max_pixels)
        except BadImageError as bad:
            found[name] = bad
    return found


def _notes(record: ImageRecord, header: Header | BadImageError | None) -> list[tuple[Rule, str]]:
    """What the rules say of an image that is kept, judged by its header, or else by the size
    that its labels state.

    Raises:
        BadImageError: Preprocessing would drop it.
    """
    if record.problem:
        raise BadImageError(Rule.LABELS_UNREADABLE, record.problem)
    if record.path is None:
        raise BadImageError(Rule.IMAGE_MISSING, f"with {len(record.boxes)} box(es)")
    if isinstance(header, BadImageError):
        raise header
    if header is not None:
        size = header.width, header.height
        return clean_labels(record, *size, header.orientation).notes
    stated = _stated(record)
    return clean_labels(record, *stated, 1).notes if stated else []


def _stated(record: ImageRecord) -> tuple[int, int] | None:
    """Width and height as an image's labels state them."""
    if record.width is None or record.height is None:
        return None
    return record.width, record.height


def _by_split(records: list[ImageRecord]) -> dict[str, int]:
    counts = Counter(record.split or "none" for record in records)
    return {name: counts[name] for name in ("train", "val", "test", "none") if counts[name]}


def _counted(names: Iterable[str], declared: list[str]) -> dict[str, int]:
    counts = Counter(names)
    return {name: counts[name] for name in (*declared, *(n for n in counts if n not in declared))}


def _grouping_keys(records: list[ImageRecord]) -> dict[str, tuple[int, int]]:
    """What ``group_by`` may name, with its number of values and of images that have one."""
    depth = max((record.name.count("/") for record in records), default=0)
    levels = [f"folder:{level}" for level in range(1, min(depth, DEEPEST) + 1)]
    folders = ["folder"] if depth == 1 else ["folder", *levels] if depth else []
    found = {}
    for entry in (*sorted({key for record in records for key in record.keys}), *folders):
        value_of = extractor(entry)
        values = [value_of(record.name, record.keys) for record in records]
        given = [value for value in values if value is not None]
        found[entry] = (len(set(given)), len(given))
    return found


def _range(values: list[int]) -> tuple[int, ...]:
    return (min(values), statistics.median_low(values), max(values)) if values else ()
