"""The embedded dataset as files: COCO, the archive, and the counts on its card."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gui_screens.rendered.pages import Shot
from reprise.replacing import replacing_file

CLASSES = (
    "button", "text_input", "checkbox", "radio_button", "dropdown",
    "slider", "toggle", "link", "icon", "image",
)  # fmt: skip
_CARD_START = "<!-- counts: written by gui_screens.rendered.render -->"
_CARD_END = "<!-- end of counts -->"


@dataclass(frozen=True)
class Screen:
    """One rendered page.

    Attributes:
        shot: What was asked for.
        webp: The encoded image.
        size: Width and height of the image, pixels.
        boxes: Class name and [x, y, w, h] in pixels of the image, reading order.
    """

    shot: Shot
    webp: bytes
    size: tuple[int, int]
    boxes: list[tuple[str, list[float]]]


def coco(screens: list[Screen]) -> dict[str, Any]:
    """The screens as a COCO dataset.

    Args:
        screens: Rendered pages; their names decide the order.

    Returns:
        A COCO mapping whose images also carry template, look, theme, kind, viewport, language
        and block; boxes are xywh in pixels.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, screen in enumerate(sorted(screens, key=lambda s: s.shot.name), start=1):
        shot = screen.shot
        images.append(
            {
                "id": image_id,
                "file_name": f"images/{shot.name}.webp",
                "width": screen.size[0],
                "height": screen.size[1],
                "template": shot.template,
                "look": shot.look,
                "theme": shot.theme,
                "kind": shot.kind,
                "viewport": f"{shot.width}x{shot.height}@{shot.scale:g}",
                "language": shot.language,
                "block": shot.block + 1,
            }
        )
        for name, bbox in screen.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": CLASSES.index(name) + 1,
                    "bbox": bbox,
                    "area": round(bbox[2] * bbox[3], 2),
                    "iscrowd": 0,
                }
            )
    return {
        "info": {
            "description": "Screens of graphical user interfaces, rendered from written pages",
            "version": "1.0",
        },
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(CLASSES, start=1)],
    }


def write_zip(screens: list[Screen], out: Path) -> None:
    """Write ``annotations.json`` and ``images/`` as an archive.

    The same screens give the same bytes: entries are sorted and stored, their times fixed;
    only the JSON is deflated.

    Args:
        screens: Rendered pages.
        out: The archive; replaced as a whole when it is there.
    """
    text = json.dumps(coco(screens), ensure_ascii=False, separators=(",", ":")) + "\n"
    entries = {f"images/{s.shot.name}.webp": s.webp for s in screens}
    entries["annotations.json"] = text.encode("utf-8")
    with replacing_file(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            packed = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(info, entries[name], compress_type=packed)


def counts(dataset: dict[str, Any]) -> str:
    """Tables of what a dataset holds, for its card.

    Args:
        dataset: A COCO mapping from :func:`coco`.

    Returns:
        Markdown: boxes of each class in each block, then screenshots of each look and template.
    """
    images = {image["id"]: image for image in dataset["images"]}
    names = {category["id"]: category["name"] for category in dataset["categories"]}
    blocks = sorted({image["block"] for image in images.values()})
    boxes = Counter(
        (names[a["category_id"]], images[a["image_id"]]["block"]) for a in dataset["annotations"]
    )
    lines = [
        f"{len(images)} screenshots, {len(dataset['annotations'])} boxes.",
        "",
        "| class | boxes | " + " | ".join(f"block {block}" for block in blocks) + " |",
        "|---" * (len(blocks) + 2) + "|",
    ]
    for name in names.values():
        row = [boxes[name, block] for block in blocks]
        lines.append(f"| {name} | {sum(row)} | " + " | ".join(map(str, row)) + " |")
    for key in ("look", "template", "theme", "kind", "language"):
        lines += ["", f"| {key} | block | screenshots |", "|---|---|---|"]
        found = Counter(image[key] for image in images.values())
        homes = {k: sorted({i["block"] for i in images.values() if i[key] == k}) for k in found}
        for value in sorted(found, key=lambda v: (homes[v], v)):
            lines.append(f"| {value} | {', '.join(map(str, homes[value]))} | {found[value]} |")
    return "\n".join(lines)


def update_card(card: Path, dataset: dict[str, Any]) -> None:
    """Write the counts into a card, between its two markers; without a card nothing happens.

    Args:
        card: Markdown file beside the archive.
        dataset: A COCO mapping from :func:`coco`.
    """
    if not card.is_file():
        return
    text = card.read_text(encoding="utf-8")
    head, _, rest = text.partition(_CARD_START)
    tail = rest.partition(_CARD_END)[2]
    if not tail:
        return
    filled = f"{head}{_CARD_START}\n\n{counts(dataset)}\n\n{_CARD_END}{tail}"
    with replacing_file(card) as partial:
        partial.write_text(filled, encoding="utf-8")
