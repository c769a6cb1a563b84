"""What a dataset is, as far as its labels and the headers of its images tell.

Everything that ``reprise init`` chooses follows from this and from the machine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reprise.commands.check_dataset import check_images
from reprise.commands.initializing.opening import OpenSource, opened
from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.records import ReadOptions, SourceDataset
from reprise.formats.source_labels import detect_format, fitting_formats, read_source
from reprise.sources.config import LimitsConfig
from reprise.validation.config import ExpectationsConfig


@dataclass(slots=True)
class ImageFacts:
    """A usable image.

    Attributes:
        name: Posix path inside its source.
        keys: What its labels say of it, by key.
        split: That its source gives, or None.
        classes: Number of objects by class; in a dataset without any object, its labels.
        labels: Classes of the image as a whole.
    """

    name: str
    keys: dict[str, str]
    split: str | None
    classes: Counter[str]
    labels: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SourceFacts:
    """A source.

    Attributes:
        name: For ``data.sources``.
        entry: Its entry there.
        reason: What speaks for its format.
        notes: What was decided in reading it.
        dropped: Images that preprocessing would drop, by rule.
    """

    name: str
    entry: dict[str, str]
    reason: str
    notes: list[str]
    dropped: dict[str, int]


@dataclass
class Fingerprint:
    """All sources together.

    Attributes:
        sources: In the order in which they were named.
        images: Those that are usable.
        classes: That label an object or an image, in the order of the sources and label files.
        longest_sides: In pixels, of each image whose size is known.
        object_sides: Of each object, the square root of its box's area over the longest side of
            its image.
        masks: Objects with a mask or an outline.
    """

    sources: list[SourceFacts] = field(default_factory=list)
    images: list[ImageFacts] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    longest_sides: list[int] = field(default_factory=list)
    object_sides: list[float] = field(default_factory=list)
    masks: int = 0

    @property
    def all_masks(self) -> bool:
        """Whether every object has a mask."""
        return 0 < len(self.object_sides) == self.masks


def take_fingerprint(
    urls: Iterable[str], format_name: str, limits: LimitsConfig, scratch: Path
) -> Fingerprint:
    """Read the labels and image headers of all sources.

    Args:
        urls: Paths and URLs.
        format_name: A key of FORMATS, or ``auto``.
        limits: ``data.limits``.
        scratch: The download stage's folder for downloads.

    Raises:
        RepriseError: A source cannot be opened or read, has no usable image or no label.
    """
    found = Fingerprint()
    for url in urls:
        with opened(url, {source.name for source in found.sources}, limits, scratch) as source:
            _add(found, source, format_name, int(limits.max_image_megapixels * 1e6))
    if not found.object_sides:
        for image in found.images:
            image.classes = Counter(image.labels)
    if not any(image.classes for image in found.images):
        raise RepriseError(
            f"none of the {len(found.images)} images has an object or a label.",
            "label them first (README: Formats), or name the folder that holds the labels too.",
        )
    return found


def _add(found: Fingerprint, source: OpenSource, wanted: str, max_pixels: int) -> None:
    if any(other.entry["url"] == source.entry["url"] for other in found.sources):
        raise RepriseError("it is named twice.", "name each source once.")
    name, reason, dataset, notes = _read(source, wanted)
    used: dict[str, None] = {}
    dropped: Counter[str] = Counter()
    usable = 0
    for image in check_images(dataset, max_pixels):
        record = image.record
        if record.labelled or not dataset.lists_images:
            # As preprocessing, which counts the classes before it looks at any image.
            used |= dict.fromkeys([*(box.class_name for box in record.boxes), *record.labels])
        if not image.usable:
            dropped.update(rule.code for rule, _ in image.notes if rule.item == "image")
            continue
        usable += 1
        if image.size is not None:
            objects = [box for box in image.boxes if not box.iscrowd]
            longest = max(image.size)
            found.longest_sides.append(longest)
            found.object_sides += [
                math.sqrt(box.xywh[2] * box.xywh[3]) / longest for box in objects
            ]
            found.masks += sum(box.segmentation != "[]" for box in objects)
        # Where no size is known, boxes are not judged yet.
        named = image.boxes if image.size is not None else record.boxes
        counts = Counter(box.class_name for box in named if not box.iscrowd)
        found.images.append(
            ImageFacts(record.name, record.keys, record.split, counts, record.labels)
        )
    if not usable:
        why = ", ".join(f"{count} {rule}" for rule, count in dropped.items())
        raise RepriseError(
            f"no image is usable: {why or 'none is there'}.",
            f"see each with: reprise check {source.entry['url']} --format {name}",
        )
    found.classes += [c for c in dataset.classes if c in used and c not in found.classes]
    entry = {**source.entry, "format": name}
    notes = [*source.notes, *notes]
    found.sources.append(SourceFacts(source.name, entry, reason, notes, dict(dropped)))


def _read(source: OpenSource, wanted: str) -> tuple[str, str, SourceDataset, list[str]]:
    """The format of a source, what speaks for it, its labels, and notes.

    Of several formats that fit, the one that says most is taken: masks before boxes before
    labels of whole images, then the one with most of them, then the one that leaves out fewest
    images. One whose masks are mostly specks comes last.
    """
    options = ReadOptions()
    if wanted != "auto":
        dataset = read_source(source.folder, source.name, wanted, options)
        return wanted, "it was named", dataset, list(dataset.notes)
    files = FileIndex(source.folder, source.entry["url"])
    fitting = fitting_formats(files)
    if not fitting and files.images():
        raise RepriseError(
            f"it holds {len(files.images())} image(s) and no labels in a format that Reprise "
            "knows.",
            "put the labels beside the images, in a format of README: Formats; with --format "
            "NAME it is read as that format whatever its files look like.",
        )
    if len(fitting) < 2:
        name, reason = detect_format(files)
        dataset = read_source(source.folder, source.name, name, options)
        return name, f"it has {reason}", dataset, list(dataset.notes)
    read: dict[str, SourceDataset] = {}
    notes: list[str] = []
    for name in fitting:
        try:
            read[name] = read_source(source.folder, source.name, name, options)
        except RepriseError as error:
            notes.append(f"it looks like {name} too, and cannot be read so: {error.problem}")
    if not read:
        detect_format(files)
    best = max(read, key=lambda name: _richness(read[name]))
    others = [f"{name} ({_content(read[name])})" for name in read if name != best]
    if others:
        notes.append(f"it fits {', '.join(others)} too: --format NAME takes that instead")
    reason = f"of {len(read)} formats that fit it says most: {_content(read[best])}"
    return best, reason, read[best], [*read[best].notes, *notes]


def _richness(dataset: SourceDataset) -> tuple[bool, int, int, int]:
    boxes = [box for image in dataset.images for box in image.boxes]
    labels = sum(len(image.labels) for image in dataset.images)
    masks = bool(boxes) and all(box.segmentation for box in boxes)
    unlisted = sum(not image.labelled for image in dataset.images)
    kind = 2 if masks else 1 if boxes else 0
    return _passes(dataset, len(boxes)), kind, len(boxes) or labels, -unlisted


def _passes(dataset: SourceDataset, boxes: int) -> bool:
    """Whether the gate lets through how many regions of its masks are specks."""
    allowed = ExpectationsConfig().max_rejected
    return dataset.specks <= allowed * (boxes + dataset.specks)


def _content(dataset: SourceDataset) -> str:
    passes, kind, count, _ = _richness(dataset)
    specks = "" if passes else f" beside {dataset.specks} specks, which the gate would not pass"
    return f"{count} {('label(s) of whole images', 'box(es)', 'mask(s)')[kind]}{specks}"
