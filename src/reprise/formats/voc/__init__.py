"""Pascal VOC detection labels: one XML file for each image."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from xml.etree import ElementTree

from reprise.formats.encodings import decode_text, decode_xml
from reprise.formats.file_index import FileIndex
from reprise.formats.geometry import plain, stated_side, text_number
from reprise.formats.json_files import parse_problem
from reprise.formats.records import ImageRecord, LabelError, ReadOptions, SourceDataset
from reprise.formats.sidecars import read_sidecars
from reprise.formats.split_names import SplitLists
from reprise.formats.voc.objects import CORNERS, element_text, voc_objects
from reprise.formats.writing import check_names, check_writable, copy_image, write_label

MAX_BYTES = 4_000_000  # of one XML file: about 10,000 objects
# What XML 1.0 cannot hold, and spaces that reading strips.
_UNWRITABLE = re.compile(r"[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|^\s|\s$")


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every VOC file of a source folder.

    What the tags of an object mean is said in :mod:`reprise.formats.voc.objects`.
    A box is ``(xmin, ymin, xmax - xmin, ymax - ymin)`` in pixels. VOC itself numbers pixels
    from 1 and counts ``xmax`` in, so that its widths would be one more; labelling tools write
    the same tags with edges, where width is the plain difference, and a file does not say
    which it is. The plain difference is right for the tools, which wrote nearly all such
    files, and at most one pixel off for VOC's own. Reversed corners stay negative widths.

    An image is the one that ``<filename>`` names, else the one named as the XML file, which a
    note tells; ``<path>`` and ``<folder>`` hold places on somebody's machine and are ignored.
    Splits come from ``ImageSets/Main/train.txt``, ``val.txt`` and ``test.txt`` (lists of names
    without endings), else from folder names. An object that is ``<difficult>`` is one like any
    other. XML with a document type definition is refused, so no entity is ever expanded.

    Returns:
        The labels; classes are sorted, because no file declares them. Images below folders
        named ``Segmentation...`` are masks and not listed.

    Raises:
        RepriseError: There is no VOC file, one fits several images, or a list is not text.
    """
    images = [name for name in files.images() if not _is_mask(name)]
    dataset = read_sidecars(files, files.with_suffix(".xml"), MAX_BYTES, _parse, images)
    if dataset is None:
        looked_for = "an .xml file whose first tag is <annotation>"
        raise files.no_label_file("VOC", looked_for, ".xml")
    lists = SplitLists()
    lists.add_image_sets(files, images, "Main")
    for image in dataset.images:
        image.split = lists.split(image.name)
    dataset.notes.extend(lists.notes("lists of ImageSets/Main"))
    return dataset


def detect(files: FileIndex) -> str | None:
    """Some XML file whose first tag is ``<annotation>``, among the first three."""
    names = files.with_suffix(".xml")
    for name in names[:3]:
        with files.path(name).open("rb") as file:
            head = decode_text(file.read(4096), errors="replace")
        if re.search(r"<annotation[\s>]", head) and re.search("<(filename|size|object)>", head):
            return f"{len(names)} XML file(s), {name} in the form of VOC"
    return None


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write ``Annotations/``, ``JPEGImages/`` and ``ImageSets/Main/``.

    What VOC cannot hold and is lost: outlines, areas, keys, the mark ``synthetic`` and
    classes without a box. Images that are not labelled have no XML file.

    Raises:
        RepriseError: There are crowds, labels of whole images, names that XML or the lists
            cannot hold, or two images whose names differ in their endings only.
    """
    check_writable(dataset, "voc")
    for kind in ("class", "image"):
        reason = "it has spaces around it or control characters"
        check_names(dataset, "voc", kind, lambda name: bool(_UNWRITABLE.search(name)), reason)
    lists: dict[str, list[str]] = {}
    for image in dataset.images:
        stem = posixpath.splitext(image.name)[0]
        copy_image(image, folder, f"JPEGImages/{image.name}")
        if image.labelled:
            write_label(folder, f"Annotations/{stem}.xml", _xml(image))
        if image.split is not None:
            lists.setdefault(image.split, []).append(stem)
    for split, stems in sorted(lists.items()):
        write_label(folder, f"ImageSets/Main/{split}.txt", "".join(f"{s}\n" for s in stems))


def _parse(data: bytes, record: ImageRecord) -> bool:
    try:
        text = decode_xml(data)
        # Entities need this tag. What is searched is the very text that is parsed.
        if re.search(r"<!(DOCTYPE|ENTITY)", text):
            raise LabelError("its XML file has a document type definition, which is not read")
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise LabelError(f"its XML file cannot be read: {parse_problem(error)}") from None
    record.name = element_text(root, "filename")
    if root.tag == "annotation":
        record.width = stated_side(element_text(root, "size/width"), "width", text_number)
        record.height = stated_side(element_text(root, "size/height"), "height", text_number)
        entries = enumerate(root.findall("object"), 1)
        record.boxes = [box for n, entry in entries for box in voc_objects(entry, n)]
    return root.tag == "annotation"


def _is_mask(name: str) -> bool:
    return any(part.lower().startswith("segmentation") for part in name.split("/")[:-1])


def _xml(image: ImageRecord) -> str:
    root = ElementTree.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", image.name)
    size = ElementTree.SubElement(root, "size")
    for key, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        _add(size, key, str(value))
    for box in image.boxes:
        entry = ElementTree.SubElement(root, "object")
        _add(entry, "name", box.class_name)
        _add(entry, "difficult", "0")
        corners = ElementTree.SubElement(entry, "bndbox")
        x, y, w, h = box.xywh
        for key, number in zip(CORNERS, (x, y, x + w, y + h), strict=True):
            _add(corners, key, str(plain(number)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
