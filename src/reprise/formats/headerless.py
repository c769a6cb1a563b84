"""Tables without a header, as some trainers write them: what their columns are, by their cells.

The first cell of a header never ends like an image file. A table that has one there is read
by these rules, from all rows:

- the image is the first column;
- four columns of numbers side by side are a box, two corners as in ``x1, y1, x2, y2`` where they
  are in that order in every row, else left, top, width and height; two before them that are the
  same in all rows of an image are the image's size;
- the one column of other text is the class, or, without a box, the label of the image.

Tables of Google's AutoML begin with the split instead: ``TRAIN,a.jpg,cow,0.1,0.2,,,0.5,0.6,,``.
"""

from __future__ import annotations

import posixpath
from itertools import groupby

from reprise.formats.geometry import cell_number
from reprise.formats.name_matching import IMAGE_SUFFIXES

_AUTOML = ("split", "filename", "class", "xmin", "ymin", "", "", "xmax", "ymax", "", "")
_AUTOML_SPLITS = ("TRAIN", "VALIDATION", "TEST", "UNASSIGNED")
_CORNERS, _SIZED = ("xmin", "ymin", "xmax", "ymax"), ("x", "y", "w", "h")


def columns_without_header(rows: list[list[str]]) -> list[str] | None:
    """Names of the columns of a table without a header, as :mod:`.box_columns` has them.

    Args:
        rows: All rows or the first ones; those of another length than the first do not count.

    Returns:
        A name for each column, empty for one whose meaning is unknown; None when the table
        has a header, or its columns fit no rule.
    """
    if rows and len(rows[0]) == len(_AUTOML) and rows[0][0].strip().upper() in _AUTOML_SPLITS:
        return list(_AUTOML)
    if not rows or not _is_image(rows[0][0]):
        return None
    same = [[cell.strip() for cell in row] for row in rows if len(row) == len(rows[0])]
    if not all(_is_image(row[0]) for row in same):
        return None
    names = ["filename", *[""] * (len(rows[0]) - 1)]
    kinds = [_kind([row[place] for row in same]) for place in range(len(names))]
    texts = [place for place, kind in enumerate(kinds) if kind == "text" and place]
    box = _box_places(kinds)
    if len(texts) != 1 or (box is None and len(names) != 2):
        return None
    names[texts[0]] = "label" if box is None else "class"
    if box is None:
        return names
    filled = [[cell_number(row[place]) for place in box] for row in same if row[box[0]]]
    corners = all(right > left and low > top for left, top, right, low in filled)
    for place, name in zip(box, _CORNERS if corners else _SIZED, strict=True):
        names[place] = name
    size = [place for place, kind in enumerate(kinds) if kind == "number" and place < box[0]]
    if len(size) == 2:
        names[size[0]], names[size[1]] = "image_width", "image_height"
    return names


def _is_image(text: str) -> bool:
    return posixpath.splitext(text.strip())[1].lower() in IMAGE_SUFFIXES


def _kind(cells: list[str]) -> str:
    """``number``, ``text``, or ``empty``, of a column's cells."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return "empty"
    return "number" if all(cell_number(cell) == cell_number(cell) for cell in filled) else "text"


def _box_places(kinds: list[str]) -> list[int] | None:
    """The last four columns of numbers that stand side by side; None without any."""
    runs = [
        [place for place, _ in group]
        for kind, group in groupby(enumerate(kinds), key=lambda pair: pair[1])
        if kind == "number"
    ]
    fitting = [run for run in runs if len(run) in (4, 6)]
    return fitting[-1][-4:] if fitting else None
