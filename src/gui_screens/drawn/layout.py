"""Boxes that know their size and how to paint themselves, and ways to put them together.

Sizes are known as soon as a node is made; positions are given when it is painted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gui_screens.drawn.canvas import Canvas

Paint = Callable[[Canvas, int, int], None]


@dataclass(frozen=True)
class Node:
    """Something of a fixed size in pixels that is painted at a place given later."""

    width: int
    height: int
    paint: Paint


def _nothing(canvas: Canvas, x: int, y: int) -> None:
    """Leave the place empty."""


def space(width: int, height: int = 0) -> Node:
    """An empty area."""
    return Node(width, height, _nothing)


def column(nodes: Sequence[Node], gap: int, width: int = 0, align: float = 0.0) -> Node:
    """Stack nodes from top to bottom.

    Args:
        nodes: What to stack.
        gap: Pixels between neighbours.
        width: At least this wide.
        align: Where narrower nodes stand: 0 left, 0.5 middle, 1 right.
    """
    full = max([width, *(node.width for node in nodes)])
    height = sum(node.height for node in nodes) + gap * max(0, len(nodes) - 1)

    def paint(canvas: Canvas, x: int, y: int) -> None:
        for node in nodes:
            node.paint(canvas, x + int((full - node.width) * align), y)
            y += node.height + gap

    return Node(full, height, paint)


def row(
    nodes: Sequence[Node], gap: int, width: int = 0, justify: str = "start", align: float = 0.5
) -> Node:
    """Put nodes side by side.

    Args:
        nodes: What to line up.
        gap: Least number of pixels between neighbours.
        width: At least this wide; what is left over goes where ``justify`` says.
        justify: "start", "end", "center", or "between" the nodes.
        align: Where lower nodes stand: 0 top, 0.5 middle, 1 bottom.
    """
    natural = sum(node.width for node in nodes) + gap * max(0, len(nodes) - 1)
    full = max(width, natural)
    height = max([0, *(node.height for node in nodes)])
    spare = full - natural
    lead = {"start": 0, "end": spare, "center": spare // 2, "between": 0}[justify]
    between = justify == "between" and len(nodes) > 1

    def paint(canvas: Canvas, x: int, y: int) -> None:
        left = x + lead
        for number, node in enumerate(nodes):
            extra = spare * number // (len(nodes) - 1) if between else 0
            node.paint(canvas, left + extra, y + int((height - node.height) * align))
            left += node.width + gap

    return Node(full, height, paint)


def fit(nodes: Sequence[Node], gap: int, width: int) -> list[Node]:
    """The longest run of first nodes that fits into ``width`` pixels side by side."""
    kept: list[Node] = []
    used = -gap
    for node in nodes:
        used += node.width + gap
        if used > width:
            break
        kept.append(node)
    return kept


def wrap(nodes: Sequence[Node], gap: int, width: int, line_gap: int) -> Node:
    """Put nodes side by side and go on below when a line is full."""
    lines: list[Node] = []
    left = list(nodes)
    while left:
        kept = fit(left, gap, width) or left[:1]
        lines.append(row(kept, gap))
        left = left[len(kept) :]
    return column(lines, line_gap)


def grid(nodes: Sequence[Node], columns: int, gap: int, width: int) -> Node:
    """Rows of equally wide cells, each node at the top left of its cell."""
    cell = (width - gap * (columns - 1)) // columns
    rows = [
        row([box(node, cell) for node in nodes[start : start + columns]], gap, align=0.0)
        for start in range(0, len(nodes), columns)
    ]
    return column(rows, gap)


def box(node: Node, width: int, height: int = 0, align: float = 0.0, middle: float = 0.5) -> Node:
    """Give a node a larger area to stand in."""
    width, height = max(width, node.width), max(height, node.height)

    def paint(canvas: Canvas, x: int, y: int) -> None:
        left = x + int((width - node.width) * align)
        node.paint(canvas, left, y + int((height - node.height) * middle))

    return Node(width, height, paint)


def pad(node: Node, x: int, y: int) -> Node:
    """Add an empty margin of ``x`` pixels left and right, ``y`` above and below."""
    return Node(
        node.width + 2 * x,
        node.height + 2 * y,
        lambda canvas, left, top: node.paint(canvas, left + x, top + y),
    )


def layered(*nodes: Node) -> Node:
    """Nodes on top of one another, the last in front, sharing the top left corner."""
    width = max(node.width for node in nodes)
    height = max(node.height for node in nodes)

    def paint(canvas: Canvas, x: int, y: int) -> None:
        for node in nodes:
            node.paint(canvas, x, y)

    return Node(width, height, paint)
