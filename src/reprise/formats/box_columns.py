"""What the columns of a CSV file of boxes are called.

Names count in any case of letters, in any order:

- image: one of IMAGE_COLUMNS, ``filename`` or ``image_id``, say
- class: one of CLASS_COLUMNS
- box: two corners as ``xmin, ymin, xmax, ymax``, ``x_min, ...``, ``x1, y1, x2, y2`` or
  ``left, top, right, bottom``; else left, top and size as ``x, y, w, h``,
  ``x, y, width, height``, ``left, top, w, h`` or ``left, top, width, height``
- size of the image: ``width`` and ``height``, unless these are the box's; then, and also
  otherwise, ``image_width`` and ``image_height``
- ``split``, and ``synthetic`` (1 or true for an image that was made)
"""

from __future__ import annotations

from dataclasses import dataclass

from reprise.formats.csv_tables import IMAGE_COLUMNS, column_place, other_columns

CLASS_COLUMNS = (
    *("class", "label", "class_name", "category", "label_name", "labelname", "category_name"),
)
CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
SIZED = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "w", "h"),
    ("left", "top", "width", "height"),
)


@dataclass(frozen=True)
class BoxColumns:
    """Where the cells of a row are; None for a column that is not there.

    Attributes:
        image: The image's name.
        class_name: The class.
        box: The four coordinates.
        corners: True for left, top, right, bottom; False for left, top, width, height.
        width: The image's width.
        height: The image's height.
        split: The split.
        synthetic: Whether the image was made.
        others: All other columns that have a name.
    """

    image: int
    class_name: int
    box: tuple[int, int, int, int]
    corners: bool
    width: int | None
    height: int | None
    split: int | None
    synthetic: int | None
    others: dict[str, int]


def box_columns(columns: list[str]) -> BoxColumns | None:
    """The columns of a header; None when an image, a class or a box is not among them."""
    image, class_name = column_place(columns, IMAGE_COLUMNS), column_place(columns, CLASS_COLUMNS)
    layout = _layout(columns)
    if image is None or class_name is None or layout is None:
        return None
    corners, box = layout
    free = ["" if place in box else name for place, name in enumerate(columns)]
    width = column_place(free, ("width", "image_width"))
    height = column_place(free, ("height", "image_height"))
    split, synthetic = column_place(columns, ("split",)), column_place(columns, ("synthetic",))
    taken = {image, class_name, *box, width, height, split, synthetic}
    others = other_columns(columns, taken)
    return BoxColumns(image, class_name, box, corners, width, height, split, synthetic, others)


def _layout(columns: list[str]) -> tuple[bool, tuple[int, int, int, int]] | None:
    for names in (*CORNERS, *SIZED):
        places = [column_place(columns, (name,)) for name in names]
        left, top, third, fourth = places
        if left is not None and top is not None and third is not None and fourth is not None:
            return names in CORNERS, (left, top, third, fourth)
    return None
