"""Labelbox: an NDJSON export, one data row a line (or a JSON list of them).

A row has ``data_row`` with an ``external_id``, the name of the image; ``media_attributes`` with its
size; and ``projects``, each with ``labels`` whose ``annotations`` hold ``objects``
(``bounding_box``, ``polygon`` and others) and ``classifications`` of the whole image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import (
    NO_BOX,
    SIDES,
    bounds,
    corners,
    keyed_points,
    outline,
    sides_box,
    stated_side,
)
from reprise.formats.image_lists import ImageList
from reprise.formats.json_files import (
    file_ends,
    first_with_keys,
    has_json_keys,
    parse_problem,
    read_json,
    text_value,
)
from reprise.formats.records import (
    NO_GEOMETRY,
    BoxRecord,
    ImageRecord,
    LabelError,
    ReadOptions,
    SourceDataset,
)
from reprise.formats.writing import check_writable, copy_image, write_label

_KEYS = ("data_row", "projects")
_PROJECT = "exported"


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every Labelbox export of a source folder and merge them.

    Returns:
        The labels in pixels. Answers of classifications are labels of the image. A row without
        a label is unlabelled. Masks are addresses in exports, and objects without a box then.

    Raises:
        RepriseError: There is no such file, or one is not JSON.
    """
    images = ImageList(files)
    found = 0
    for name in _names(files):
        if not has_json_keys(file_ends(files.path(name)), _KEYS):
            continue
        found += 1
        rows = list(_rows(files, name))
        images.expect([path for _, row in rows if (path := _written(row))], name)
        for where, row in rows:
            images.fill(_written(row), name, where, partial(_add, row))
    if not found:
        raise files.no_label_file("Labelbox", "a file of rows with 'data_row'", ".ndjson", ".json")
    return images.dataset()


def detect(files: FileIndex) -> str | None:
    """A file of data rows and projects, among the first few."""
    name = first_with_keys(files, _names(files), _KEYS)
    return name and f"data rows of Labelbox in {name}"


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write images at their names and ``labelbox.ndjson``, or one file a split.

    Of outlines only single polygons are kept; keys and the mark ``synthetic`` are not.

    Raises:
        RepriseError: There are crowds.
    """
    check_writable(dataset, "labelbox", labels=True)
    lists: dict[str, list[str]] = {}
    for image in dataset.images:
        copy_image(image, folder, image.name)
        row = json.dumps(_row(image), ensure_ascii=False, allow_nan=False)
        lists.setdefault(image.split or "labelbox", []).append(row + "\n")
    for name, rows in (lists or {"labelbox": []}).items():
        write_label(folder, f"{name}.ndjson", "".join(rows))


def _row(image: ImageRecord) -> dict[str, Any]:
    objects = []
    for box in image.boxes:
        entry: dict[str, Any] = {"name": box.class_name, "annotation_kind": "ImageBoundingBox"}
        entry["bounding_box"] = dict(zip(SIDES, box.xywh, strict=True))
        if isinstance(box.segmentation, list) and len(box.segmentation) == 1:
            rim = corners(box.segmentation[0])
            entry["annotation_kind"] = "ImagePolygon"
            entry["polygon"] = [{"x": x, "y": y} for x, y in rim]
        objects.append(entry)
    answers = [{"name": name} for name in image.labels]
    kinds = [{"name": "labels", "checklist_answers": answers}] if answers else []
    labels = [{"annotations": {"objects": objects, "classifications": kinds}}]
    return {
        "data_row": {"id": image.name, "external_id": image.name},
        "media_attributes": {"width": image.width, "height": image.height},
        "projects": {_PROJECT: {"labels": labels if image.labelled else []}},
    }


def _names(files: FileIndex) -> list[str]:
    return [*files.with_suffix(".ndjson"), *files.with_suffix(".json")]


def _rows(files: FileIndex, name: str) -> Iterator[tuple[str, Any]]:
    """The rows of a file, with their places.

    Raises:
        RepriseError: It is neither NDJSON nor a JSON list.
    """
    if not name.lower().endswith(".ndjson"):
        content = read_json(files, name)
        rows = content if isinstance(content, list) else [content]
        yield from ((f"[{place}]", row) for place, row in enumerate(rows))
        return
    for number, line in enumerate(files.read_text(name).split("\n"), start=1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                problem = f"it is not valid JSON: {parse_problem(error)}"
                raise files.error(name, f"line {number}", problem) from None


def _written(row: Any) -> str:
    """The name of a row's image: its external id, else the end of its address."""
    data_row = row.get("data_row") if isinstance(row, dict) else None
    found = data_row if isinstance(data_row, dict) else {}
    named = [found.get("external_id"), found.get("global_key"), found.get("row_data")]
    text = next((value for value in named if isinstance(value, str) and value.strip()), "")
    return text.split("?")[0] if "://" in text else text


def _add(row: dict[str, Any], image: ImageRecord) -> None:
    media, projects = row.get("media_attributes"), row.get("projects")
    if isinstance(media, dict):
        image.width = stated_side(media.get("width"), "width")
        image.height = stated_side(media.get("height"), "height")
    labels = [
        label
        for project in (projects.values() if isinstance(projects, dict) else ())
        for label in _list(project, "labels")
    ]
    image.labelled = bool(labels)
    for made in labels:
        annotations = made.get("annotations") if isinstance(made, dict) else None
        for place, entry in enumerate(_list(annotations, "objects")):
            if not isinstance(entry, dict):
                raise LabelError(f"objects[{place}] is not an object")
            label = text_value(entry.get("name"), f"objects[{place}]: name")
            image.boxes.append(_box(label, entry))
        for entry in _list(annotations, "classifications"):
            image.labels += [text for text in _answers(entry) if text not in image.labels]


def _list(value: Any, key: str) -> list[Any]:
    """A list in an object; none where it is missing.

    Raises:
        LabelError: It is something else.
    """
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list | None):
        raise LabelError(f"{key} is not a list")
    return found or []


def _answers(entry: Any) -> Iterator[str]:
    """The answers of a classification, but those in free text."""
    if not isinstance(entry, dict):
        return
    one = entry.get("radio_answer") or entry.get("checklist_answer")
    for answer in [one, *_list(entry, "checklist_answers")]:
        if isinstance(answer, dict):
            yield text_value(answer.get("name"), "an answer's name")


def _box(label: str, entry: dict[str, Any]) -> BoxRecord:
    written, rim = entry.get("bounding_box"), keyed_points(entry.get("polygon"))
    if isinstance(written, dict):
        return BoxRecord(label, sides_box(written), segmentation=outline(rim))
    if rim:
        return BoxRecord(label, bounds(rim), segmentation=outline(rim))
    kind = str(entry.get("annotation_kind") or "")
    return BoxRecord(label, NO_BOX, shape=kind or NO_GEOMETRY)
