"""Looking through a dataset before it is used: counts, and what the rules would do to it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reprise.commands.check_headers import Header, read_header
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.source_labels import read_source
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.labels.clean_labels import CleanBox, CleanedLabels, clean_labels
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
    headers: dict[str, Header | BadImageError] = {}
    problems: dict[Rule, Problem] = {}
    usable = 0
    for image in check_images(dataset, max_pixels, most_headers):
        usable += image.usable
        if image.header is not None:
            headers[image.record.name] = image.header
        for rule, detail in image.notes:
            new = Problem(rule.code, rule.item, rule.action, rule.meaning)
            problem = problems.setdefault(rule, new)
            problem.count += 1
            if len(problem.examples) < EXAMPLES:
                problem.examples.append(f"{image.record.name}: {detail}")
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


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image and what preprocessing would make of it, as far as its labels and header tell.

    Attributes:
        record: As its label file has it.
        header: Of the file, or what is wrong with it; None where it was not read.
        size: Width and height of the upright image in pixels; None where nothing states it.
        boxes: Those that stay, in pixels of the upright image; empty without a ``size``.
        notes: A rule and a detail for everything that would be dropped or repaired.
        usable: Whether the image would stay.
    """

    record: ImageRecord
    header: Header | BadImageError | None
    size: tuple[int, int] | None
    boxes: list[CleanBox]
    notes: list[tuple[Rule, str]]
    usable: bool


def check_images(
    dataset: SourceDataset, max_pixels: int, most_headers: int = MOST_HEADERS
) -> Iterator[CheckedImage]:
    """Judge every image of a source by the rules of preprocessing, without decoding any.

    Args:
        dataset: The labels of the source.
        max_pixels: Largest image, width times height.
        most_headers: Image headers to read; the images without one are judged by the size that
            their labels state.
    """
    headers = _read_headers(dataset.images, max_pixels, most_headers)
    for record in dataset.images:
        header = headers.get(record.name)
        try:
            size, labels = _cleaned(record, header)
        except BadImageError as bad:
            yield CheckedImage(record, header, None, [], [(bad.rule, bad.detail)], usable=False)
        else:
            usable = not labels.lost and (record.labelled or not dataset.lists_images)
            yield CheckedImage(record, header, size, labels.boxes, labels.notes, usable)


def _cleaned(
    record: ImageRecord, header: Header | BadImageError | None
) -> tuple[tuple[int, int] | None, CleanedLabels]:
    """The size of an image that is kept, by its header or else by its labels, and what the
    rules leave of its labels.

    Raises:
        BadImageError: Preprocessing would drop it.
    """
    if record.problem:
        raise BadImageError(Rule.LABELS_UNREADABLE, record.problem)
    if record.path is None:
        raise BadImageError(Rule.IMAGE_MISSING, f"with {len(record.boxes)} box(es)")
    if isinstance(header, BadImageError):
        raise header
    size = (header.width, header.height) if header is not None else _stated(record)
    if size is None:
        return None, CleanedLabels()
    return size, clean_labels(record, *size, header.orientation if header is not None else 1)


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
