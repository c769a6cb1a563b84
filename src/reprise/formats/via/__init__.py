"""VGG Image Annotator (VIA), versions 1 and 2: a JSON project, a JSON export or a CSV export.

A region's class is one of its attributes: the only one that regions have, else the first of
CLASS_ATTRIBUTES among several. Text, dropdown and radio attributes give the class itself; of a
checkbox, each name that is ticked is one. Where no region has any attribute, all are of the
class DEFAULT_CLASS.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError
from reprise.formats.csv_tables import header
from reprise.formats.file_index import FileIndex, encodable
from reprise.formats.geometry import NO_BOX
from reprise.formats.image_lists import ImageList
from reprise.formats.json_files import MOST_OPENED, file_ends, has_json_keys, scalar_keys
from reprise.formats.records import NO_GEOMETRY, BoxRecord, ImageRecord, ReadOptions, SourceDataset
from reprise.formats.via.label_files import (
    Entry,
    LabelFile,
    is_via_header,
    read_csv_file,
    read_json_file,
)
from reprise.formats.via.regions import WITHOUT_AREA, box_shape, shape_box
from reprise.formats.writing import (
    USED,
    check_names,
    check_writable,
    class_names,
    copy_image,
    write_label,
)

CLASS_ATTRIBUTES = ("class", "label", "name", "type", "category", "object")
DEFAULT_CLASS = "object"
_OWN_KEYS = frozenset({"synthetic"})


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every VIA file of a source folder and merge them.

    Returns:
        The labels, in pixels of images whose size VIA does not state. A region without a
        class is a ``problem`` of its image; one of an unknown shape has no box. An image
        whose regions two files repeat has them once. Scalar ``file_attributes`` are its keys.

    Raises:
        RepriseError: There is no VIA file, one cannot be read, it does not show which
            attribute is the class, or an image is in two splits. The message names the file.
    """
    found = [read_json_file(files, name) for name in files.with_suffix(".json")]
    found += [
        read_csv_file(files, name)
        for name in files.with_suffix(".csv")
        if is_via_header(header(files, name))
    ]
    label_files = [label_file for label_file in found if label_file is not None]
    if not label_files:
        looked_for = "a project or an export of VIA"
        raise files.no_label_file("VIA", looked_for, ".json", ".csv")
    attribute, notes = _class_attribute(label_files, files.source)
    images = ImageList(files)
    images.notes += notes
    reader = _Reader(images, attribute)
    for label_file in label_files:
        reader.read(label_file)
    return reader.dataset()


def detect(files: FileIndex) -> str | None:
    """A project, or an export, among the first few JSON and CSV files."""
    for name in files.with_suffix(".json")[:MOST_OPENED]:
        text = file_ends(files.path(name))
        if has_json_keys(text, ("_via_img_metadata",)):
            return f"the VIA project {name}"
        if has_json_keys(text, ("filename", "regions", "file_attributes")):
            return f"the VIA export {name}"
    for name in files.with_suffix(".csv")[:MOST_OPENED]:
        if is_via_header(header(files, name)):
            return f"the VIA export {name}"
    return None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write images at their names and the project ``via.json``, or one a split: ``train.json``.

    The class is the dropdown ``class``. Of outlines only single polygons are kept.

    Raises:
        RepriseError: There are crowds or labels of whole images, a key named ``synthetic``, or
            a class whose name starts or ends with a space.
    """
    check_writable(dataset, "via")
    check_names(dataset, "via", "key", lambda key: key in _OWN_KEYS, USED)
    spaced = "it starts or ends with a space"
    check_names(dataset, "via", "class", lambda name: name != name.strip(), spaced)
    classes = class_names(dataset)
    lists: dict[str, dict[str, Any]] = {}
    for image in dataset.images:
        copy_image(image, folder, image.name)
        if image.labelled:
            size = (folder / image.name).stat().st_size
            entries = lists.setdefault(image.split or "via", {})
            entries[f"{image.name}{size}"] = _entry(image, size)
    for name, entries in (lists or {"via": {}}).items():
        project = json.dumps(_project(name, entries, classes), ensure_ascii=False)
        write_label(folder, f"{name}.json", project + "\n")


def _entry(image: ImageRecord, size: int) -> dict[str, Any]:
    regions = [
        {"shape_attributes": box_shape(box), "region_attributes": {"class": box.class_name}}
        for box in image.boxes
    ]
    made = {"synthetic": "true"} if image.synthetic else {}
    return {
        "filename": image.name,
        "size": size,
        "regions": regions,
        "file_attributes": {**image.keys, **made},
    }


def _project(name: str, entries: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    text = {"type": "text", "description": "", "default_value": ""}
    keys = sorted({key for entry in entries.values() for key in entry["file_attributes"]})
    options = dict.fromkeys(classes, "")
    dropdown = {"type": "dropdown", "description": "", "options": options, "default_options": {}}
    return {
        "_via_settings": {"core": {"default_filepath": ""}, "project": {"name": name}},
        "_via_img_metadata": entries,
        "_via_attributes": {"region": {"class": dropdown}, "file": dict.fromkeys(keys, text)},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(entries),
    }


def _class_attribute(files: list[LabelFile], source: str) -> tuple[str | None, list[str]]:
    """The region attribute that is the class, None for no attribute at all; and notes on it."""
    filled: dict[str, bool] = {}
    regions = [region for entries, _ in files for entry in entries for region in entry.regions]
    for region in regions:
        for name, value in region.attributes.items():
            filled[name] = filled.get(name, False) or bool(_class_texts(value))
    names = [name for name in filled if filled[name]]
    if regions and not filled:
        return None, [f"no region has an attribute: all are of the class '{DEFAULT_CLASS}'"]
    if len(names) == 1 or not filled:
        return names[0] if names else None, []
    for wanted in CLASS_ATTRIBUTES:
        for name in names:
            if name.strip().lower() == wanted:
                return name, [f"the class is the attribute '{name}' of {', '.join(sorted(names))}"]
    having = f"several have a value: {', '.join(sorted(names))}" if names else "none has a value"
    raise RepriseError(
        f"source '{source}': the VIA regions do not show which attribute is the class: of "
        f"{', '.join(sorted(filled))} {having}.",
        "name the attribute that is the class 'class', in VIA or in the label files.",
    )


def _class_texts(value: object) -> list[str]:
    """The classes that an attribute's value names."""
    if isinstance(value, dict):
        return [name.strip() for name, ticked in value.items() if ticked is True and name.strip()]
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [str(value).strip()] if str(value).strip() else []
    return []


class _Reader:
    """Collects what the label files say."""

    def __init__(self, images: ImageList, attribute: str | None) -> None:
        self._images = images
        self._attribute = attribute
        self._repeated = 0

    def read(self, label_file: LabelFile) -> None:
        """Add the images and regions of one file."""
        entries, options = label_file
        for name in dict.fromkeys(entry.file for entry in entries):
            self._images.expect([entry.filename for entry in entries], name)
        self._images.classes.update(dict.fromkeys(options.get(self._attribute or "", [])))
        for entry in entries:
            name = self._images.name(entry.filename, entry.file, entry.where, size=entry.size)
            image = self._images.record(name)
            self._images.set_split(image, entry.file)
            image.keys.update(scalar_keys(entry.attributes, _OWN_KEYS))
            made = str(entry.attributes.get("synthetic", "")).strip().lower()
            image.synthetic = image.synthetic or made in ("true", "1")
            boxes = self._boxes(entry, image)
            if image.boxes and list(map(_place, boxes)) == list(map(_place, image.boxes)):
                self._repeated += 1
            else:
                image.boxes += boxes

    def dataset(self) -> SourceDataset:
        """Everything that was read."""
        if self._repeated:
            note = f"{self._repeated} image(s) have the same regions in two files"
            self._images.notes.append(note)
        return self._images.dataset()

    def _boxes(self, entry: Entry, image: ImageRecord) -> list[BoxRecord]:
        if entry.problem:
            image.add_problem(entry.problem)
        boxes = []
        for region in entry.regions:
            names = [DEFAULT_CLASS]
            if self._attribute is not None:
                names = _class_texts(region.attributes.get(self._attribute))
            placed = shape_box(region.shape)
            where = f"{entry.file}, {region.where}"
            if not names or not all(map(encodable, names)):
                image.add_problem(f"{where}: no class in the attribute '{self._attribute}'")
            else:
                self._images.classes.update(dict.fromkeys(names))
                kind = str(region.shape.get("name") or NO_GEOMETRY)
                shape = kind if placed is None or kind in WITHOUT_AREA else ""
                xywh, outline = placed or (NO_BOX, [])
                boxes += [
                    BoxRecord(name, xywh, segmentation=list(outline), shape=shape) for name in names
                ]
        return boxes


def _place(box: BoxRecord) -> tuple[object, ...]:
    return box.class_name, box.xywh, box.segmentation
