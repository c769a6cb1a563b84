"""VoTT (Visual Object Tagging Tool): a JSON export of a project, or a JSON file for each asset.

An export has ``assets``, by their ids: each an ``asset`` with ``name``, ``path`` and ``size``, and
``regions`` with ``tags``, a ``type``, a ``boundingBox`` (left, top, width, height) and ``points``.
"""

from __future__ import annotations

import json
import posixpath
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

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
from reprise.formats.json_files import first_with_keys, read_json, text_value
from reprise.formats.records import (
    NO_GEOMETRY,
    BoxRecord,
    ImageRecord,
    LabelError,
    ReadOptions,
    SourceDataset,
)
from reprise.formats.writing import check_writable, class_names, copy_image, write_label


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    """Read every VoTT file of a source folder and merge them.

    Returns:
        The labels in pixels. A region with several tags is one object for each. An asset that
        cannot be used is a ``problem`` of its image. An asset that was never visited (state 0)
        is unlabelled.

    Raises:
        RepriseError: There is no such file, or one is not JSON.
    """
    images = ImageList(files)
    found = 0
    for name in files.with_suffix(".json"):
        content = read_json(files, name)
        assets = _assets(content)
        if assets is not None:
            found += 1
            tags = content.get("tags")
            named = [tag.get("name") for tag in tags if isinstance(tag, dict)] if tags else []
            images.classes.update(dict.fromkeys(tag for tag in named if isinstance(tag, str)))
            _read_assets(assets, name, images)
    if not found:
        raise files.no_label_file("VoTT", "a .json file with 'assets'", ".json")
    return images.dataset()


def detect(files: FileIndex) -> str | None:
    """A JSON file with assets and regions, among the first few."""
    name = first_with_keys(files, files.with_suffix(".json"), ("asset", "regions", "size"))
    return name and f"assets and regions in {name}"


def write(dataset: SourceDataset, folder: Path) -> None:
    """Write images at their names and ``vott-export.json``, or one file a split: ``train.json``.

    Of outlines only single polygons are kept; keys are not.

    Raises:
        RepriseError: There are crowds or labels of whole images.
    """
    check_writable(dataset, "vott")
    lists: dict[str, dict[str, Any]] = {}
    for image in dataset.images:
        copy_image(image, folder, image.name)
        assets = lists.setdefault(image.split or "vott-export", {})
        regions = [_region(box, f"{len(assets)}-{place}") for place, box in enumerate(image.boxes)]
        asset_id = f"{len(assets):08d}"
        asset = {
            "id": asset_id,
            "name": posixpath.basename(image.name),
            "path": f"file:{quote(image.name)}",
            "size": {"width": image.width, "height": image.height},
            "state": 2 if image.labelled else 0,
        }
        assets[asset_id] = {"asset": asset, "regions": regions, "version": "2.2.0"}
    tags = [{"name": name, "color": "#808000"} for name in class_names(dataset)]
    for name, assets in (lists or {"vott-export": {}}).items():
        content = {"name": dataset.source, "version": "2.2.0", "tags": tags, "assets": assets}
        write_label(folder, f"{name}.json", json.dumps(content, ensure_ascii=False) + "\n")


def _region(box: BoxRecord, region_id: str) -> dict[str, Any]:
    x, y, w, h = box.xywh
    points, kind = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)], "RECTANGLE"
    if isinstance(box.segmentation, list) and len(box.segmentation) == 1:
        points, kind = corners(box.segmentation[0]), "POLYGON"
    return {
        "id": region_id,
        "type": kind,
        "tags": [box.class_name],
        "boundingBox": dict(zip(SIDES, box.xywh, strict=True)),
        "points": [{"x": x, "y": y} for x, y in points],
    }


def _assets(content: Any) -> list[Any] | None:
    """The assets of an export, or the one of an asset's own file; None for another file."""
    if not isinstance(content, dict):
        return None
    assets = content.get("assets", [content] if "asset" in content else None)
    listed = list(assets.values()) if isinstance(assets, dict) else assets
    if not isinstance(listed, list):
        return None
    return listed if all(isinstance(one, dict) and "asset" in one for one in listed) else None


def _read_assets(assets: list[Any], name: str, images: ImageList) -> None:
    written = [_written(entry["asset"]) for entry in assets]
    images.expect([path for path in written if path], name)
    for place, (entry, path) in enumerate(zip(assets, written, strict=True)):
        images.fill(path, name, f"assets[{place}]", partial(_add, entry))


def _written(asset: Any) -> str:
    """The path of an asset, or else its name; paths are URLs."""
    if not isinstance(asset, dict):
        return ""
    path, name = asset.get("path"), asset.get("name")
    if isinstance(path, str) and path.startswith("file:"):
        return unquote(path.removeprefix("file:"))
    return name if isinstance(name, str) else ""


def _add(entry: dict[str, Any], image: ImageRecord) -> None:
    asset, regions = entry["asset"], entry.get("regions") or []
    size = asset.get("size")
    if isinstance(size, dict):
        image.width = stated_side(size.get("width"), "width")
        image.height = stated_side(size.get("height"), "height")
    image.labelled = bool(regions) or asset.get("state") != 0
    if not isinstance(regions, list):
        raise LabelError("regions is not a list")
    for place, region in enumerate(regions):
        if not isinstance(region, dict) or not isinstance(region.get("tags"), list):
            raise LabelError(f"regions[{place}] has no list of tags")
        for tag in region["tags"]:
            image.boxes.append(_box(text_value(tag, f"regions[{place}]: a tag"), region))


def _box(label: str, region: dict[str, Any]) -> BoxRecord:
    written, rim = region.get("boundingBox"), keyed_points(region.get("points"))
    kind = str(region.get("type") or "RECTANGLE").upper()
    if not isinstance(written, dict) and not rim:
        return BoxRecord(label, NO_BOX, shape=NO_GEOMETRY)
    box = sides_box(written) if isinstance(written, dict) else bounds(rim)
    if kind in ("POINT", "POLYLINE"):
        return BoxRecord(label, (*box[:2], 0.0, 0.0), shape=kind.lower())
    return BoxRecord(label, box, segmentation=outline(rim) if kind == "POLYGON" else [])
