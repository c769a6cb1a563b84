"""Drawn screens: every label is right by construction, and the drawing is varied."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui_screens.drawn.canvas import CLASSES, MIN_SIDE, Canvas, visible_part
from gui_screens.drawn.controls import icon_button
from gui_screens.drawn.draw import TEMPLATES, DrawnScreen, draw_screen
from gui_screens.drawn.fonts import FAMILIES, Face
from gui_screens.drawn.icons import GLYPHS, STYLES, icon_mask
from gui_screens.drawn.layout import Node, column, fit, grid, row, space, wrap
from gui_screens.drawn.text import Ui
from gui_screens.drawn.theme import random_theme
from gui_screens.drawn.toggles import checkbox, slider, toggle
from reprise.synthesis.generator import image_rng

sizes = st.tuples(st.integers(1, 90), st.integers(1, 60))
places = st.integers(-40, 90)
rectangles = st.tuples(places, places, st.integers(1, 80), st.integers(1, 80))


@pytest.fixture(scope="module")
def screens() -> list[DrawnScreen]:
    return [draw_screen(image_rng(3, index), (480, 960)) for index in range(60)]


def test_every_box_lies_inside_its_image_and_is_large_enough(screens: list[DrawnScreen]) -> None:
    for screen in screens:
        for name, (x, y, w, h) in screen.widgets:
            assert name in CLASSES
            assert x >= 0 and y >= 0
            assert x + w <= screen.image.width and y + h <= screen.image.height
            assert min(w, h) >= MIN_SIDE


def test_all_ten_classes_and_most_layouts_occur(screens: list[DrawnScreen]) -> None:
    classes = Counter(name for screen in screens for name, _ in screen.widgets)
    assert set(classes) == set(CLASSES)
    assert len({screen.template for screen in screens}) >= 10
    assert len({screen.look for screen in screens}) >= 8


def test_screens_have_the_asked_size_and_a_fair_number_of_widgets(
    screens: list[DrawnScreen],
) -> None:
    for screen in screens:
        assert 480 <= max(screen.image.size) <= 961
        assert 8 <= len(screen.widgets) <= 40
    shapes = Counter(screen.image.width > screen.image.height for screen in screens)
    assert min(shapes.values()) >= 10


def test_something_is_drawn_inside_every_box(screens: list[DrawnScreen]) -> None:
    flat = 0
    for screen in screens[:20]:
        pixels = np.asarray(screen.image)
        for _, (x, y, w, h) in screen.widgets:
            flat += int(np.ptp(pixels[y : y + h, x : x + w], axis=(0, 1)).max() < 6)
    assert flat == 0


def test_every_layout_copes_with_the_smallest_and_largest_screens() -> None:
    for number, (draw, _) in enumerate(TEMPLATES.values()):
        for width, height in ((250, 480), (960, 700)):
            rng = image_rng(number, width)
            theme = random_theme(rng, 0.7 if width == 250 else 1.2)
            canvas = Canvas(width, height, theme.background)
            draw(Ui(rng, theme, theme.background), canvas)
            assert canvas.visible()


def test_an_icon_button_is_a_button_and_an_icon_inside_it() -> None:
    rng = image_rng(0, 0)
    theme = random_theme(rng, 1.0)
    canvas = Canvas(100, 100, theme.background)
    icon_button(Ui(rng, theme, theme.background)).paint(canvas, 20, 20)
    (outer, (x, y, w, h)), (inner, (ix, iy, iw, ih)) = canvas.visible()
    assert (outer, inner) == ("button", "icon")
    assert x <= ix and y <= iy and ix + iw <= x + w and iy + ih <= y + h


@pytest.mark.parametrize("index", range(12))
def test_the_box_of_a_control_holds_all_that_is_drawn_of_it(index: int) -> None:
    rng = image_rng(1, index)
    theme = random_theme(rng, 1.0)
    ui = Ui(rng, theme, theme.background)
    for node in (checkbox(ui, True), toggle(ui, True), slider(ui, 120)):
        canvas = Canvas(200, 80, theme.background)
        node.paint(canvas, 40, 25)
        ((_, (x, y, w, h)),) = canvas.visible()
        changed = np.abs(np.asarray(canvas.image, int) - theme.background).max(axis=2) > 48
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert columns[0] >= x and columns[-1] < x + w
        # The soft shadow below a thumb may reach a little further.
        assert rows[0] >= y and rows[-1] < y + h + 5


@given(rectangles, st.lists(rectangles, max_size=3))
def test_the_visible_part_is_what_a_painter_would_leave(
    box: tuple[int, int, int, int], covers: list[tuple[int, int, int, int]]
) -> None:
    x, y, w, h = box
    # The same by painting: a large sheet, the widget in ones, what hides it in zeros.
    sheet = np.zeros((300, 300), dtype=bool)
    sheet[100 + y : 100 + y + h, 100 + x : 100 + x + w] = True
    for cx, cy, cw, ch in covers:
        sheet[100 + cy : 100 + cy + ch, 100 + cx : 100 + cx + cw] = False
    seen = sheet[100:180, 100:200]
    found = visible_part(box, covers, 100, 80)
    if seen.sum() * 2 < w * h:
        assert found is None
        return
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    expected = (columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0])
    assert found == (expected if min(expected[2:]) >= MIN_SIDE else None)


def test_a_widget_behind_a_cover_counts_only_when_half_of_it_shows() -> None:
    canvas = Canvas(100, 100, (255, 255, 255))
    canvas.label("button", 10, 10, 40, 20)
    canvas.label("link", 10, 40, 40, 20)
    canvas.cover(30, 0, 70, 32)
    canvas.cover(25, 40, 75, 20)
    canvas.label("icon", 60, 10, 10, 10)
    assert canvas.visible() == [("button", (10, 10, 20, 20)), ("icon", (60, 10, 10, 10))]


def recorded(node: Node, at: tuple[int, int] = (5, 7)) -> list[tuple[int, int, int, int]]:
    """Where the labelled leaves of a node end up."""
    canvas = Canvas(1, 1, (0, 0, 0))
    node.paint(canvas, *at)
    return [label.box for label in canvas.labels]


def leaf(size: tuple[int, int]) -> Node:
    """A node that labels its whole area."""
    return Node(*size, lambda canvas, x, y: canvas.label("image", x, y, *size))


@given(
    st.lists(sizes, min_size=1, max_size=8),
    st.integers(0, 20),
    st.integers(100, 300),
    st.sampled_from(["row", "column", "wrap", "grid"]),
)
def test_laid_out_nodes_neither_overlap_nor_leave_their_parent(
    parts: list[tuple[int, int]], gap: int, width: int, kind: str
) -> None:
    nodes = [leaf(size) for size in parts]
    parent = {
        "row": lambda: row(nodes, gap, width, "between"),
        "column": lambda: column(nodes, gap, width, 0.5),
        "wrap": lambda: wrap(nodes, gap, width, gap),
        "grid": lambda: grid(nodes, 2, gap, width),
    }[kind]()
    boxes = recorded(parent)
    assert len(boxes) == len(parts)
    for number, (x, y, w, h) in enumerate(boxes):
        assert x >= 5 and y >= 7
        assert x + w <= 5 + parent.width and y + h <= 7 + parent.height
        for ox, oy, ow, oh in boxes[:number]:
            assert x >= ox + ow or ox >= x + w or y >= oy + oh or oy >= y + h


@given(st.lists(sizes, max_size=8), st.integers(0, 20), st.integers(0, 300))
def test_fit_keeps_no_more_than_there_is_room_for(
    parts: list[tuple[int, int]], gap: int, width: int
) -> None:
    kept = fit([space(*size) for size in parts], gap, width)
    used = sum(node.width for node in kept) + gap * max(0, len(kept) - 1)
    assert used <= width or not kept
    if len(kept) < len(parts):
        assert used + (gap if kept else 0) + parts[len(kept)][0] > width


@pytest.mark.parametrize("style", STYLES)
def test_every_icon_shows_something_in_every_style(style: str) -> None:
    drawn = {name: np.asarray(icon_mask(name, 24, style)) for name in GLYPHS}
    assert len(drawn) >= 30
    for name, mask in drawn.items():
        assert mask.shape == (24, 24)
        assert mask.max() > 150, name
        assert mask.mean() < 200, name
    assert len({mask.tobytes() for mask in drawn.values()}) == len(drawn)


def test_all_fonts_come_with_the_environment() -> None:
    for family in FAMILIES.values():
        for bold in (False, True):
            face = Face(family, 14, bold)
            assert face.length("Settings") > face.length("Set") > 0
