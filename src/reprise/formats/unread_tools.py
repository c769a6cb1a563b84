"""Label files of tools whose format is not read, known by what is in them, with what helps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reprise.formats.encodings import decode_text
from reprise.formats.file_index import FileIndex
from reprise.formats.json_files import file_ends, has_json_keys

_LOOKED_AT = 3
_HEAD = 4096


@dataclass(frozen=True)
class _Tool:
    """What a tool's files look like.

    Attributes:
        ending: Of their names.
        name: Of the tool or format.
        remedy: What to do.
        keys: Of JSON, all of which occur.
        pattern: Of any other text, which occurs in its beginning.
    """

    ending: str
    name: str
    remedy: str
    keys: tuple[str, ...] = ()
    pattern: str = ""


_N = r"-?\d+(\.\d+)?"
_TOOLS = (
    _Tool(
        ".json",
        "Label Studio's own JSON, in percent of the image",
        "export COCO or YOLO from it",
        ("from_name", "original_width"),
    ),
    _Tool(".json", "Label Studio's JSON-MIN", "export COCO or YOLO from it", ("original_width",)),
    _Tool(
        ".json",
        "a project of VIA 3",
        "convert it to COCO; projects and exports of VIA 1 and 2 are read",
        ("view", "metadata", "fid_list"),
    ),
    _Tool(
        ".json",
        "Labelbox's former JSON export",
        "export NDJSON from Labelbox, which is read",
        ("Labeled Data", "Label"),
    ),
    _Tool(
        ".json",
        "Detectron2's dataset dicts",
        "write COCO: detectron2.data.datasets.convert_to_coco_json",
        ("bbox_mode", "file_name"),
    ),
    _Tool(
        ".json",
        "COCO results, which name neither images nor classes",
        "add the COCO file that they were made for, and its images",
        ("image_id", "category_id", "bbox", "score"),
    ),
    _Tool(".json", "CreateML", "export COCO or Pascal VOC", ("annotations", "coordinates")),
    _Tool(".json", "Datumaro", "export COCO: datum convert -f coco", ("items", "infos")),
    _Tool(".json", "BDD100K or Scale", "convert it to COCO", ("box2d",)),
    _Tool(
        ".xml",
        "CVAT for images or video",
        "export COCO 1.0 or Pascal VOC from CVAT",
        pattern=r"<annotations>[\s\S]*<(version|meta|image|track)\b",
    ),
    _Tool(".xml", "dlib's imglab", "convert it to Pascal VOC", pattern=r"<image\s+file="),
    _Tool(
        ".txt",
        "DOTA, with four corners before the class",
        "convert it to YOLO OBB: ultralytics.data.converter.convert_dota_to_yolo_obb",
        pattern=rf"(?m)^({_N}[ \t]+){{8}}[^\s\d]\S*([ \t]+\d)?[ \t\r]*$",
    ),
    _Tool(
        ".txt",
        "KITTI",
        "convert it to COCO or YOLO",
        pattern=rf"(?m)^[A-Za-z_]+[ \t]+({_N}[ \t]+){{13}}{_N}([ \t]+{_N})?[ \t\r]*$",
    ),
    _Tool(
        ".txt",
        "MOT, one row a track and frame",
        "convert it to COCO",
        pattern=rf"(?m)^\d+,-?\d+(,{_N}){{5,8}}[ \t\r]*$",
    ),
    _Tool(
        ".txt",
        "LabelMe's json_to_dataset, which numbers the classes of each image anew",
        "put LabelMe's JSON files into the source, which are read",
        pattern=r"\A_background_\s",
    ),
    _Tool(
        ".txt",
        "keras-yolo3, one line an image",
        "write the rows as a table: filename,class,xmin,ymin,xmax,ymax",
        pattern=r"(?mi)^\S.*\.(jpe?g|png|bmp)([ \t]+\d+,\d+,\d+,\d+,\d+)+[ \t\r]*$",
    ),
)


def known_tool(files: FileIndex, names: list[str], ending: str) -> str:
    """What the first of some files are, and what to do; empty where no tool is known by them."""
    for name in names[:_LOOKED_AT]:
        for tool in _TOOLS:
            if tool.ending == ending and _is_of(tool, files, name):
                return f"{name} is not read: it is of {tool.name}: {tool.remedy}"
    return ""


def _is_of(tool: _Tool, files: FileIndex, name: str) -> bool:
    if tool.keys:
        return has_json_keys(file_ends(files.path(name)), tool.keys)
    with files.path(name).open("rb") as file:
        return re.search(tool.pattern, decode_text(file.read(_HEAD), errors="replace")) is not None
