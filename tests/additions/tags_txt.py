"""Labels of whole images in one text file: ``image.png: red, blue`` on each line."""

from __future__ import annotations

from pathlib import Path

from reprise.formats.file_index import FileIndex
from reprise.formats.records import ImageRecord, ReadOptions, SourceDataset
from reprise.formats.writing import check_writable, copy_image

FILE = "tags.txt"


def read(files: FileIndex, options: ReadOptions) -> SourceDataset:
    images = []
    for number, line in enumerate(files.read_text(FILE).splitlines(), start=1):
        name, colon, tags = line.partition(":")
        if not colon:
            raise files.error(FILE, f"line {number}", "there is no colon")
        labels = [tag.strip() for tag in tags.split(",") if tag.strip()]
        path = files.path(name) if name in files.names else None
        images.append(ImageRecord(name, path, labels=labels))
    images.sort(key=lambda image: image.name)
    classes = sorted({label for image in images for label in image.labels})
    return SourceDataset(files.source, images, classes)


def detect(files: FileIndex) -> str | None:
    return f"a file {FILE}" if FILE in files.names else None


def write(dataset: SourceDataset, folder: Path) -> None:
    check_writable(dataset, "tags_txt", boxes=False, labels=True)
    lines = [f"{image.name}: {', '.join(image.labels)}\n" for image in dataset.images]
    for image in dataset.images:
        copy_image(image, folder, image.name)
    (folder / FILE).write_text("".join(lines))
