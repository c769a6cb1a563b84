"""What to say of a source whose format nothing shows: which files look like labels, and why the
formats that are nearest to them did not take them."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Callable

from reprise.errors import RepriseError
from reprise.formats.encodings import decode_text
from reprise.formats.file_index import FileIndex
from reprise.formats.json_files import parse_problem
from reprise.formats.mask_images import SUFFIXES
from reprise.formats.name_matching import IMAGE_SUFFIXES, NOT_PICTURES
from reprise.formats.records import SourceDataset
from reprise.formats.unread_tools import known_tool
from reprise.formats.yolo.label_pairing import ROLE_WORDS

# Endings of label files, and the formats that have such files.
_NEAREST = {
    ".json": ("coco", "labelme", "via", "customvision", "supervisely", "vott", "labelbox"),
    ".ndjson": ("labelbox",),
    ".xml": ("voc",),
    ".csv": ("boxes_csv", "multilabel_csv", "via"),
    ".txt": ("yolo",),
}
# Endings of label files that no format has, and what to do.
_UNREAD = {
    **dict.fromkeys((".tsv", ".tab"), "tables are read from .csv files: rename it, tabs are fine"),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a spreadsheet: save its table as .csv"),
    **dict.fromkeys(
        (".jsonl", ".manifest"),
        "a line of JSON an image: export COCO (of Labelbox, name it .ndjson)",
    ),
    **dict.fromkeys((".tfrecord", ".record", ".tfrecords"), "TensorFlow's records: export COCO"),
    **dict.fromkeys((".mat", ".npy", ".npz", ".h5", ".hdf5"), "arrays: write them as COCO"),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth"), "pickles can run code and are never read"),
    **dict.fromkeys((".parquet", ".feather", ".arrow"), "a table: write it as .csv"),
}
_MOST_KINDS, _MOST_TEXT = 12, 300
_MOST_JSON = 50_000_000

Read = Callable[[str], SourceDataset]


def nothing_fits(files: FileIndex, read: Read) -> RepriseError:
    """The error of a source that is in no known format.

    Args:
        files: The source folder, with one file at least.
        read: Reads the source in the format of this name.
    """
    endings = Counter(_ending(name) for name in files.names)
    kinds = ", ".join(f"{count} {end or 'without ending'}" for end, count in _most(endings))
    images = sum(count for end, count in endings.items() if end in IMAGE_SUFFIXES)
    lines: list[str] = []
    tools = False
    for ending, formats in _NEAREST.items():
        names = files.with_suffix(ending)
        if names:
            lines.append(
                f"    {len(names)} {ending}, the first {names[0]}{_beginning(files, names[0])}"
            )
            if tool := known_tool(files, names, ending):
                lines.append(f"      {tool}")
                tools = True
                continue
            wrong = _broken_json(files, names) if ending == ".json" else ""
            refusals = [(name, wrong or _refusal(files, name, read)) for name in formats]
            lines += [f"      {name}: {reason}" for name, reason in _joined(refusals)]
    for ending, advice in _UNREAD.items():
        if endings[ending]:
            first = files.with_suffix(ending)[0]
            lines.append(f"    {endings[ending]} {ending}, the first {first}: {advice}")
    masks = [name for name in files.names if "mask" in name.lower() and _ending(name) in SUFFIXES]
    if masks and not lines:
        lines.append(f"    {len(masks)} picture(s) that are called masks, the first {masks[0]}")
        lines.append(f"      label_masks: {_refusal(files, 'label_masks', read)}")
    if lines and not tools:
        lines += _folders(files, read)
    found = f"source '{files.source}': no known format was found. It holds {len(files.names)} "
    found += f"file(s), {images} of them pictures: {kinds}."
    place = f"data.sources.{files.source}.format"
    if not lines:
        return RepriseError(
            f"{found} None looks like labels.",
            "put the label files into the source; or, where the pictures show no object and are "
            f"to be background, set {place}: images.",
        )
    return RepriseError(
        f"{found} What looks like labels:\n" + "\n".join(lines),
        f"put right what the nearest format names and set {place} to it, or convert the labels.",
    )


def _folders(files: FileIndex, read: Read) -> list[str]:
    """What is to be said of pictures in folders that may be named after classes."""
    places = dict.fromkeys(map(posixpath.dirname, files.images()))
    words = {posixpath.basename(place).lower() for place in places}
    if len(words) < 2 or words & ROLE_WORDS or words & NOT_PICTURES:
        return []
    return [
        f"    {len(places)} folders of pictures, the first {next(iter(places)) or '.'}",
        f"      multilabel_folders: {_refusal(files, 'multilabel_folders', read)}",
    ]


def _most(endings: Counter[str]) -> list[tuple[str, int]]:
    return sorted(endings.items(), key=lambda item: (-item[1], item[0]))[:_MOST_KINDS]


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _joined(refusals: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Formats with the same reason on one line."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in refusals:
        by_reason.setdefault(reason, []).append(name)
    return [(", ".join(names), reason) for reason, names in by_reason.items()]


def _beginning(files: FileIndex, name: str) -> str:
    """The first line of a text file that says anything, for messages."""
    with files.path(name).open("rb") as file:
        text = decode_text(file.read(4096), errors="replace")
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in line[:60])
    return f", which begins: {shown}" if shown else ", which is empty"


def _broken_json(files: FileIndex, names: list[str]) -> str:
    """What is wrong with the first JSON file, if it is none."""
    path = files.path(names[0])
    if path.stat().st_size > _MOST_JSON:
        return ""
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        return f"{names[0]} is not valid JSON: {parse_problem(error)}"
    return ""


def _refusal(files: FileIndex, name: str, read: Read) -> str:
    """Why a format does not fit: its own error, or the first label that it could not use."""
    try:
        dataset = read(name)
    except RepriseError as error:
        return _short(error.problem.removeprefix(f"source '{files.source}': "))
    labelled = [image for image in dataset.images if image.labelled]
    broken = [image for image in labelled if image.problem]
    missing = [image for image in labelled if image.path is None]
    if broken:
        first = f"{broken[0].name}: {broken[0].problem}"
        return _short(
            f"{len(broken)} of {len(labelled)} label(s) cannot be used, the first: {first}"
        )
    if missing:
        return _short(
            f"{len(missing)} label(s) are of pictures that are not there: {missing[0].name}"
        )
    boxes = sum(len(image.boxes) for image in labelled)
    labels = sum(len(image.labels) for image in labelled)
    what = f"{boxes} box(es)" if boxes or not labels else f"{labels} label(s) of whole images"
    return f"it can be read so: {what} in {len(labelled)} image(s); name it if that is right"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} ..."
