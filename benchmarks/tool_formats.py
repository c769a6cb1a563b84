"""What comes of exports of labelling tools.

    python benchmarks/tool_formats.py > docs/labelling_tools.md

``tests/tool_exports.py`` writes each in the form of its tool, with known boxes on the pictures.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

import tool_exports as made  # noqa: E402
from reprise.formats.records import ReadOptions, SourceDataset  # noqa: E402
from reprise.formats.source_labels import read_source  # noqa: E402

HEAD = """# Exports of labelling tools

Printed by `python benchmarks/tool_formats.py`. Each export is made by hand in the exact form of its
tool, with two boxes drawn on each of six pictures, and read with `format: auto`. The largest
difference is between the boxes read and those drawn, in pixels.

| tool | export | `format` found | images | boxes or labels | splits | largest difference |
|---|---|---|---|---|---|---|"""


def row(export: made.Export, folder: Path) -> str:
    """One row of the table."""
    export.write(folder)
    dataset = read_source(folder, "mine", "auto", ReadOptions())
    found = dataset.notes[0].split(",")[0].removeprefix("format ")
    images = [image for image in dataset.images if image.path and not image.problem]
    splits = sorted({image.split or "none" for image in images})
    if export.boxes:
        held = f"{sum(len(image.boxes) for image in images)} boxes"
        apart = f"{difference(dataset):.2f}"
    else:
        held, apart = f"{sum(len(image.labels) for image in images)} labels", ""
    return (
        f"| {export.tool} | {export.kind} | `{found}` | {len(images)} | {held} | "
        f"{', '.join(splits)} | {apart} |"
    )


def difference(dataset: SourceDataset) -> float:
    """The largest difference of a coordinate from what was drawn, in pixels."""
    largest = 0.0
    for image in dataset.images:
        wanted = next(d for d in made.drawn() if d.stem in image.name)
        scale = (made.WIDTH, made.HEIGHT) if image.normalised else (1, 1)
        boxes = sorted(image.boxes, key=lambda box: box.class_name)
        for box, (_, *xywh) in zip(boxes, wanted.boxes, strict=True):
            values = [value * scale[n % 2] for n, value in enumerate(box.xywh)]
            apart = (abs(one - other) for one, other in zip(values, xywh, strict=True))
            largest = max(largest, *apart)
    return largest


def main() -> None:
    print(HEAD)
    for export in made.EXPORTS:
        with tempfile.TemporaryDirectory(prefix="reprise-export-") as name:
            print(row(export, Path(name)))


if __name__ == "__main__":
    main()
