"""Looking through a dataset before it is used: counts, and what the rules would do to it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reprise.commands.check_headers import Header, read_header
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
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
    counter = _ProblemCounter(dataset)
    for record in dataset.images:
        counter.add(record, headers.get(record.name))
    there = [record for record in dataset.images if record.path is not None]
    readable = [header for header in headers.values() if isinstance(header, Header)]
    return DatasetSummary(
        source=source,
        format=format_name,
        reason=reason,
        notes=list(dataset.notes),
        images=len(there),
        usable=counter.usable,
        missing=len(dataset.images) - len(there),
        unlabelled=sum(not record.labelled for record in there),
        unlabelled_dropped=dataset.lists_images,
        splits=_by_split(there),
        boxes=_counted((box.class_name for image in there for box in image.boxes), dataset.classes),
        labels=_counted((name for image in there for name in image.labels), []),
        keys=_grouping_keys(there),
        headers=len(headers),
        unjudged=counter.unjudged,
        kinds=dict(Counter(header.kind for header in readable).most_common()),
        widths=_range([header.width for header in readable]),
        heights=_range([header.height for header in readable]),
        problems=counter.problems(),
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


class _ProblemCounter:
    """Applies the rules of preprocessing, image by image, and counts."""

    def __init__(self, dataset: SourceDataset) -> None:
        self._lists_images = dataset.lists_images
        self._problems: dict[str, Problem] = {}
        self.usable = 0
        self.unjudged = 0

    def add(self, record: ImageRecord, header: Header | BadImageError | None) -> None:
        """Judge one image, by its header or else by the size that its labels state."""
        if record.problem:
            self._note(Rule.LABELS_UNREADABLE, record, record.problem)
        elif record.path is None:
            self._note(Rule.IMAGE_MISSING, record, f"with {len(record.boxes)} box(es)")
        elif isinstance(header, BadImageError):
            self._note(header.rule, record, header.detail)
        elif self._check_labels(record, header) and (record.labelled or not self._lists_images):
            self.usable += 1

    def _check_labels(self, record: ImageRecord, header: Header | None) -> bool:
        size = _size(record, header)
        if size is None:
            self.unjudged += len(record.boxes)
            return True
        try:
            judged = clean_labels(record, *size)
        except BadImageError as bad:
            self._note(bad.rule, record, bad.detail)
            return False
        for rule, detail in judged.notes:
            self._note(rule, record, detail)
        return True

    def _note(self, rule: Rule, record: ImageRecord, detail: str) -> None:
        problem = self._problems.setdefault(
            rule.code, Problem(rule.code, rule.item, rule.action, rule.meaning)
        )
        problem.count += 1
        if len(problem.examples) < EXAMPLES:
            problem.examples.append(f"{record.name}: {detail}")

    def problems(self) -> list[Problem]:
        """What was found, in the order of the ledger's rules."""
        return [self._problems[rule.code] for rule in Rule if rule.code in self._problems]


def _size(record: ImageRecord, header: Header | None) -> tuple[int, int, int] | None:
    """Width, height and orientation to judge an image's labels by; None when unknown."""
    if header is not None:
        return header.width, header.height, header.orientation
    if record.width is None or record.height is None:
        return None
    return record.width, record.height, 1


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
