"""What the numbers of YOLO's rows are, told by all rows of a source together.

After the class, a row holds one of:

- a box: centre and size; then perhaps a confidence, and a track's number
- a polygon: three points or more, or the four corners of a turned box; then perhaps a confidence
- a box, and keypoints: ``x y`` each, or ``x y`` and whether it is visible

A polygon of n points and a box with n - 2 keypoints have as many numbers. Where the YAML file does
not say which it is (``task``, ``kpt_shape``), all rows of the source are looked at: keypoints
lie in their box, and the box's centre lies amid them, while a point of a polygon is on its rim, the
next one is near it, and its sides do not cross. What does not tell is asked about.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import pstdev
from typing import Any

from reprise.formats.geometry import Point, bounds, corners
from reprise.formats.records import BoxRecord, LabelError

Values = list[float]
# Share of the rows that must fit a reading, of those that few may, and of most.
_NEARLY_ALL, _HARDLY_ANY, _HALF, _FEW = 0.9, 0.02, 0.5, 0.05
_LOOKED_AT = 300
# More points than any skeleton has.
_MOST_KEYPOINTS = 140
# With fewer points or rows a polygon may have no crossing sides by chance.
_LEAST_POINTS, _LEAST_ROWS = 5, 5
_TASKS = {"detect": "box", "segment": "polygon", "obb": "polygon", "pose": "pose"}


@dataclass(frozen=True)
class Reading:
    """How the rows of a source are read.

    Attributes:
        kind: ``box``, ``polygon`` or ``pose``: of rows with six numbers and more.
        note: What is to be said about it, empty for nothing.
        question: Why it cannot be told, empty when it can.
        answer: What answers the question.
        scored: Whether a confidence follows each outline.
    """

    kind: str
    note: str = ""
    question: str = ""
    answer: str = ""
    scored: bool = False

    def object(self, class_name: str, values: Values) -> BoxRecord:
        """The object of a row.

        Raises:
            LabelError: What is wrong with the row, after its place.
        """
        if self.scored and len(values) > 6 and len(values) % 2:
            values = values[:-1]
        count = len(values)
        if (
            count in (4, 5)
            or (count > 5 and self.kind == "pose")
            or (count == 6 and self.kind == "box")
        ):
            cx, cy, w, h = values[:4]
            return BoxRecord(class_name, (cx - w / 2, cy - h / 2, w, h))
        if count < 6 or count % 2:
            raise LabelError(f"has {count + 1} columns, neither a box nor an outline")
        if not all(map(math.isfinite, values)):
            raise LabelError("has a coordinate that is not a number")
        return BoxRecord(class_name, bounds(corners(values)), segmentation=[values])


def read_rows(rows: Sequence[Values], keypoints: bool, task: str) -> Reading:
    """How to read the rows of a source.

    Args:
        rows: The numbers after the class of every row.
        keypoints: Whether the YAML file declares keypoints.
        task: What the YAML file calls the task, empty without.
    """
    if keypoints or _TASKS.get(task) == "pose":
        return Reading("pose")
    whole = [row for row in rows if all(map(math.isfinite, row))]
    long = [row for row in whole if len(row) >= 6]
    if _TASKS.get(task) == "polygon":
        return _outlines(long)
    if task in _TASKS and not long:
        return Reading(_TASKS[task])
    fifth = _fifth([row[4] for row in whole if len(row) == 5])
    if fifth.question and sum(len(row) == 5 for row in whole) <= _FEW * len(whole):
        fifth = Reading("polygon")
    if fifth.question or not long:
        return fifth
    reading = _long_rows(long)
    if len(long) <= _FEW * len(whole) and reading.question:
        return fifth  # a few odd rows among boxes
    return replace(reading, note="; ".join(filter(None, (fifth.note, reading.note))))


def _long_rows(rows: list[Values]) -> Reading:
    """What rows of six numbers and more are."""
    count, most = Counter(map(len, rows)).most_common(1)[0]
    if most < _NEARLY_ALL * len(rows):
        return _outlines(rows)
    alike = [row for row in rows if len(row) == count]
    if count == 6 and _are_tracks(alike):
        return Reading(
            "box",
            f"{len(alike)} row(s) have two columns after the box, a confidence and a number of a "
            "track: both are left out",
        )
    return _polygons_or_poses(alike, count)


def _outlines(rows: list[Values]) -> Reading:
    """Polygons, each perhaps with a confidence behind it, as ultralytics saves what it finds."""
    last = [row[-1] for row in rows if len(row) > 6 and len(row) % 2]
    are_scores = _share(last, lambda value: 0 <= value <= 1) >= _NEARLY_ALL
    if len(last) < _NEARLY_ALL * len(rows) or not are_scores:
        return Reading("polygon")
    said = f"{len(last)} row(s) have a number behind the outline, a confidence: left out"
    return Reading("polygon", said, scored=True)


def _fifth(values: Values) -> Reading:
    """What the number after a box is."""
    if not values or _share(values, lambda value: 0 <= value <= 1) >= _NEARLY_ALL:
        said = f"{len(values)} row(s) have a column after the box, a confidence: left out"
        return Reading("polygon", said if values else "")
    if _share(values, float.is_integer) >= _NEARLY_ALL:
        said = f"{len(values)} row(s) have a column after the box, a number of a track: left out"
        return Reading("polygon", said)
    return Reading(
        "polygon",
        question=f"{len(values)} rows have a number after the box that is no confidence, for it "
        f"goes from {min(values):g} to {max(values):g}: the box may be turned by it",
        answer="write the four corners of turned boxes (YOLO OBB), or leave the column out",
    )


def _are_tracks(rows: list[Values]) -> bool:
    for score, track in ((4, 5), (5, 4)):
        pairs = [(row[score], row[track]) for row in rows]
        if _share(pairs, lambda pair: 0 <= pair[0] <= 1 and pair[1].is_integer()) >= _NEARLY_ALL:
            return True
    return False


def _polygons_or_poses(rows: list[Values], count: int) -> Reading:
    distinct = [list(row) for row in dict.fromkeys(map(tuple, rows))]
    chosen = [distinct[n] for n in range(0, len(distinct), len(distinct) // _LOOKED_AT + 1)]
    in_pixels = _share(chosen, lambda row: max(row[:4]) > 2) > _HALF
    flagged = _share(chosen, lambda row: _has_flags(row, count % 2 == 1))
    if (count - 4) % 3 == 0 and flagged >= _NEARLY_ALL:
        return _poses(rows, (count - 4) // 3)
    points = (count - 4) // 2
    if count % 2 or points > _MOST_KEYPOINTS:
        return _outlines(rows)
    fits = _share(chosen, lambda row: _fits_pose(row, in_pixels))
    amid = _share(chosen, lambda row: _is_inside((row[0], row[1]), _keypoints(row)))
    crossed = _share(chosen, lambda row: _crosses(corners(row)))
    simple = crossed <= _HARDLY_ANY and len(chosen) >= _LEAST_ROWS
    if fits < _HALF:
        told = crossed < _HALF
    elif fits < _NEARLY_ALL:
        told = simple
    else:
        told = simple and (count >= 2 * _LEAST_POINTS or _are_neighbours(chosen))
    if told or (count == 8 and _share(chosen, _is_parallelogram) >= _NEARLY_ALL):
        return Reading("polygon")
    mostly_amid = amid >= (_HALF if crossed > _HARDLY_ANY else _NEARLY_ALL)
    if fits >= _NEARLY_ALL and (crossed >= _HALF or (mostly_amid and len(rows) >= _LEAST_ROWS)):
        return _poses(rows, points)
    return Reading(
        "polygon",
        question=f"{len(rows)} rows have {count} numbers after the class, which may be polygons of "
        f"{count // 2} points or boxes with {points} keypoint(s)",
        answer="say what they are in data.yaml: task: segment for polygons (task: obb for turned "
        f"boxes), or kpt_shape: [{points}, 2] for keypoints",
    )


def _poses(rows: list[Values], points: int) -> Reading:
    return Reading(
        "pose",
        f"{len(rows)} row(s) are read as boxes with {points} keypoint(s) each, for these lie in "
        "the boxes; the keypoints are left out (kpt_shape in data.yaml would say so)",
    )


def _share(rows: Sequence[Any], fits: Callable[[Any], bool]) -> float:
    return sum(map(fits, rows)) / len(rows) if rows else 0.0


def _has_flags(row: Values, only: bool) -> bool:
    """Whether every third number after the box says if a keypoint is visible.

    Args:
        row: The numbers.
        only: Whether they cannot be a polygon anyhow: then shares of certainty count too.
    """
    flags = row[6::3]
    return all(flag in (0, 1, 2) or (only and 0 <= flag <= 1) for flag in flags)


def _keypoints(row: Values) -> list[Point]:
    """The points after the box; those at zero or below are not there."""
    return [(x, y) for x, y in corners(row[4:]) if x > 0 and y > 0]


def _fits_pose(row: Values, in_pixels: bool) -> bool:
    """Whether a row's first numbers are a box in the image with the others in it."""
    cx, cy, w, h = row[:4]
    if w <= 0 or h <= 0:
        return False
    edges = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    if not in_pixels and not all(-0.02 <= edge <= 1.02 for edge in edges):
        return False
    points = _keypoints(row)
    return all(
        edges[0] - w / 20 <= x <= edges[2] + w / 20 and edges[1] - h / 20 <= y <= edges[3] + h / 20
        for x, y in points
    )


def _are_neighbours(rows: list[Values]) -> bool:
    """Whether the second pair of numbers goes with the first: as a next point does, and a size
    does not."""
    if len(rows) < 2 * _LEAST_ROWS:
        return False
    return all(
        pstdev(row[axis + 2] - row[axis] for row in rows) < pstdev(row[axis] for row in rows) / 2
        for axis in (0, 1)
    )


def _turn(a: Point, b: Point, c: Point) -> float:
    """Twice the area of a triangle; its sign says which way it turns."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _is_inside(point: Point, points: list[Point]) -> bool:
    """Whether a point lies strictly inside the convex hull of others."""
    angles = sorted(math.atan2(y - point[1], x - point[0]) for x, y in points if (x, y) != point)
    if len(angles) < 3:
        return False
    gaps = [after - before for before, after in pairwise(angles)]
    return max(*gaps, angles[0] + 2 * math.pi - angles[-1]) < math.pi - 1e-9


def _crosses(points: list[Point]) -> bool:
    """Whether two sides of a polygon cross; sides that only touch do not."""
    sides = list(zip(points, points[1:] + points[:1], strict=True))
    for place, (a, b) in enumerate(sides):
        for c, d in sides[place + 2 :]:
            if (
                _turn(a, b, c) * _turn(a, b, d) < -1e-18
                and _turn(c, d, a) * _turn(c, d, b) < -1e-18
            ):
                return True
    return False


def _is_parallelogram(row: Values) -> bool:
    """Whether four points are those of a turned rectangle, however its image is stretched."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners(row)
    size = max(map(abs, (cx - ax, cy - ay, dx - bx, dy - by)))
    return max(abs(ax + cx - bx - dx), abs(ay + cy - by - dy)) <= 0.05 * size
