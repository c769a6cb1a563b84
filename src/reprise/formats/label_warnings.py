"""What a person should know of labels that were read without any error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reprise.formats.records import ImageRecord

_MOST = 5


def label_warnings(images: Iterable[ImageRecord]) -> list[str]:
    """Notes on class names that are nearly the same, and on shapes that become no box.

    Args:
        images: Of one source.
    """
    classes: dict[str, None] = {}
    shapes: Counter[str] = Counter()
    first = ""
    for image in images:
        classes.update(dict.fromkeys(image.labels))
        for box in image.boxes:
            classes[box.class_name] = None
            if box.shape:
                shapes[box.shape] += 1
                first = first or image.name
    notes = similar_class_names(classes)
    if shapes:
        kinds = ", ".join(f"{shape} {count}" for shape, count in sorted(shapes.items()))
        notes.append(
            f"{shapes.total()} shape(s) have no area and become no box ({kinds}); the first is in "
            f"{first}"
        )
    return notes


def similar_class_names(classes: Iterable[str]) -> list[str]:
    """A note on class names that differ in capitals or spaces only; empty without any.

    Args:
        classes: Names, each once.
    """
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(" ".join(name.split()).casefold(), []).append(name)
    alike = [" and ".join(map(repr, names)) for names in groups.values() if len(names) > 1]
    if not alike:
        return []
    more = f"; and {len(alike) - _MOST} more" if len(alike) > _MOST else ""
    return [
        "classes whose names differ only in capitals or spaces are not joined: "
        f"{'; '.join(alike[:_MOST])}{more}. If they mean the same, write one name in the label "
        "files; a list in data.classes then refuses the others"
    ]
