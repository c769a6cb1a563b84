"""Pages made of cards in which any widget may stand beside any other."""

from __future__ import annotations

from gui_screens.drawn import words
from gui_screens.drawn.blocks import (
    any_field,
    fill,
    header,
    labelled_slider,
    options,
    setting_row,
)
from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.cards import person_row
from gui_screens.drawn.controls import button, icon_button
from gui_screens.drawn.inputs import dropdown, text_input
from gui_screens.drawn.layout import Node, column, fit, row
from gui_screens.drawn.pictures import PHOTOS, avatar, picture
from gui_screens.drawn.templates.forms import side_bar
from gui_screens.drawn.text import (
    Ui,
    alert,
    badge,
    heading,
    icon,
    link,
    panel,
    paragraph,
    progress,
    text,
)
from gui_screens.drawn.toggles import checkbox, radio, slider, toggle

# What a card may hold, and how often.
_KINDS = {
    "fields": 10,
    "radio": 8,
    "checks": 7,
    "slider": 10,
    "setting": 12,
    "media": 6,
    "icons": 4,
    "line": 10,
    "buttons": 8,
    "people": 5,
    "prose": 5,
    "search": 5,
    "alert": 2,
    "progress": 2,
    "row": 8,
    "chart": 3,
}


def mixed(ui: Ui, canvas: Canvas) -> None:
    """Columns of cards, each with a few widgets of any class."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas) if ui.chance(0.75) else 0
    left = side_bar(ui, canvas, top) if canvas.width > ui.px(640) and ui.chance(0.35) else 0
    margin = ui.px(rng.choice((8, 12, 16)))
    room = canvas.width - left - margin
    columns = max(1, min(3, room // ui.px(rng.choice((230, 280, 330)))))
    width = room // columns - margin
    carded = ui.chance(0.75)
    here = ui.on(theme.surface) if carded else ui
    inset = ui.px(rng.choice((10, 14))) if carded else 0

    def card() -> Node:
        inner = width - 2 * inset
        parts = [heading(here, rng.choice(words.TITLES), 1.15, inner)] if ui.chance(0.7) else []
        kinds = rng.choices(list(_KINDS), list(_KINDS.values()), k=rng.randint(2, 4))
        parts += [_part(here, inner, kind) for kind in kinds]
        body = column(parts, max(ui.px(8), theme.gap), inner)
        return panel(ui, body, width, theme.surface, inset) if carded else body

    for number in range(columns):
        stack = column(fill(card, canvas.height - top, margin), margin)
        stack.paint(canvas, left + margin + number * (width + margin), top + margin)


def _part(ui: Ui, width: int, kind: str) -> Node:
    rng, gap = ui.rng, ui.px(9)
    if kind == "fields":
        return any_field(ui, width)
    if kind in ("radio", "checks"):
        return options(ui, width, "radio" if kind == "radio" else "checkbox", rng.randint(2, 4))
    if kind == "slider":
        return labelled_slider(ui, width) if ui.chance(0.7) else slider(ui, width)
    if kind == "setting":
        return setting_row(ui, width)
    if kind == "media":
        return _media(ui, width)
    if kind == "icons":
        return row(
            fit([icon(ui, css=rng.choice((18, 22, 28))) for _ in range(5)], ui.px(18), width),
            ui.px(18),
        )
    if kind == "buttons":
        made = [button(ui, glyph="plus" if ui.chance(0.25) else "") for _ in range(2)]
        return row(fit([*made, icon_button(ui)], gap, width) or made[:1], gap)
    if kind == "people":
        return person_row(ui, width)
    if kind == "prose":
        return paragraph(ui, width, 1, links=0.7)
    return _wide_part(ui, width, kind)


def _wide_part(ui: Ui, width: int, kind: str) -> Node:
    """A part that takes the whole width of its card."""
    if kind == "search":
        gap = ui.px(9)
        go = button(ui, "Search") if ui.chance(0.5) else icon_button(ui, "search")
        return row(
            [text_input(ui, max(ui.px(60), width - go.width - gap), "Search", glyph="search"), go],
            gap,
        )
    if kind == "alert":
        return alert(ui, width)
    if kind == "progress":
        return progress(ui, width)
    if kind == "chart":
        return picture(ui, width, ui.px(ui.rng.randint(80, 140)), "chart", 0)
    return _line(ui, width, spread=kind == "line")


def _media(ui: Ui, width: int) -> Node:
    if ui.chance(0.4):
        return picture(ui, width, int(width * ui.rng.uniform(0.3, 0.6)), ui.rng.choice(PHOTOS))
    side = ui.px(ui.rng.choice((44, 60, 76)))
    lines = [
        text(ui, ui.rng.choice(words.PRODUCTS), bold=True, width=width - side - ui.px(10)),
        link(ui, ui.rng.choice(words.LINKS), 0.92),
    ]
    shown = picture(ui, side, int(side * 0.8), "product" if ui.chance(0.5) else "")
    return row([shown, column(lines, 0)], ui.px(10))


def _line(ui: Ui, width: int, spread: bool) -> Node:
    """Small widgets of any class beside one another."""
    rng = ui.rng
    makers = [
        lambda: row([checkbox(ui), text(ui, rng.choice(words.OPTIONS), 0.95)], ui.px(6)),
        lambda: row([radio(ui, ui.chance(0.5)), text(ui, rng.choice(words.CHOICES)[1])], ui.px(6)),
        lambda: row([toggle(ui), text(ui, rng.choice(words.CHOICES)[0], 0.95)], ui.px(6)),
        lambda: link(ui, rng.choice(words.LINKS)),
        lambda: icon(ui, css=rng.choice((16, 20, 24))),
        lambda: icon_button(ui),
        lambda: button(ui),
        lambda: avatar(ui, rng.choice((28, 36))),
        lambda: badge(ui),
        lambda: toggle(ui),
        lambda: dropdown(ui, ui.px(rng.randint(80, 120)), rng.choice(words.CHOICES)[1]),
        lambda: slider(ui, ui.px(rng.randint(70, 130))),
    ]
    made = fit([rng.choice(makers)() for _ in range(4)], ui.px(12), width)
    return row(made, ui.px(12), width if spread else 0, "between" if spread else "start")
