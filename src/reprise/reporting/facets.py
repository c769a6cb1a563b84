"""What the page filters pictures and rows by: class, kind of error, size and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reprise.scoring.matching import AREAS

Facets = dict[str, list[str]]  # facet -> the values that hold


def error_facets(row: Mapping[str, str], sources: Sequence[str]) -> Facets:
    """The facets of a row of ``errors.csv``.

    Args:
        row: ``kind``, ``class`` (and ``actual``), ``image`` and, of objects, ``w`` and ``h`` in
            pixels of the original: the size is that of the box, also of a mask.
        sources: Names of the dataset's sources, of which one is the image's first folder.
    """
    found = {
        "kind": [row["kind"]],
        "class": list(dict.fromkeys(filter(None, (row["class"], row.get("actual"))))),
        "source": [name for name in sources if row["image"].startswith(f"{name}/")],
    }
    if row.get("w"):
        area = float(row["w"]) * float(row["h"])
        found["size"] = [
            name for name, (low, high) in AREAS.items() if name != "all" and low <= area <= high
        ]
    return found
