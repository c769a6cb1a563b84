"""Dialogs, sheets and pop-overs, laid over a screen that was drawn before."""

from __future__ import annotations

from gui_screens.drawn import words
from gui_screens.drawn.blocks import fields, labelled_slider, options
from gui_screens.drawn.canvas import Canvas, Shadow
from gui_screens.drawn.cards import person_row
from gui_screens.drawn.controls import button_row, icon_button
from gui_screens.drawn.inputs import dropdown
from gui_screens.drawn.layout import Node, column, row
from gui_screens.drawn.pictures import picture
from gui_screens.drawn.text import Ui, heading, link, panel, paragraph, text
from gui_screens.drawn.theme import mix
from gui_screens.drawn.toggles import toggle


def overlay(ui: Ui, canvas: Canvas) -> str:
    """Lay one of the overlays over the canvas and return its name."""
    kind = ui.rng.choices(("dialog", "sheet", "popover"), (60, 20, 20))[0]
    if kind == "dialog":
        dialog(ui, canvas)
    elif kind == "sheet":
        _sheet(ui, canvas)
    else:
        _popover(ui, canvas)
    return kind


def dialog(ui: Ui, canvas: Canvas) -> None:
    """A dialog in the middle; what lies behind is veiled, and mostly blurred away."""
    theme, rng = ui.theme, ui.rng
    veil = mix(theme.background, (0, 0, 0), 0.85)
    blurred = ui.chance(0.7)
    canvas.dim(rng.uniform(0.4, 0.6), veil, ui.px(rng.choice((6, 9))) if blurred else 0.0)
    if blurred:
        canvas.cover(0, 0, canvas.width, canvas.height)
    width = min(canvas.width - ui.px(32), ui.px(rng.choice((300, 360, 440, 560))))
    card = _card(ui, width, rng.randint(2, 4))
    x, y = (canvas.width - width) // 2, max(ui.px(8), (canvas.height - card.height) // 2)
    _place(ui, canvas, card, x, y)


def _sheet(ui: Ui, canvas: Canvas) -> None:
    """A sheet that is pulled up from the lower edge."""
    card = _card(ui, canvas.width, ui.rng.randint(2, 3))
    _place(ui, canvas, card, 0, max(canvas.height // 5, canvas.height - card.height))


def _popover(ui: Ui, canvas: Canvas) -> None:
    """A small panel near a corner; the page stays as it is."""
    width = min(canvas.width - ui.px(24), ui.px(ui.rng.choice((220, 250, 280))))
    card = _card(ui, width, ui.rng.randint(1, 3))
    x = ui.rng.choice((ui.px(12), canvas.width - width - ui.px(12)))
    _place(ui, canvas, card, x, ui.px(ui.rng.randint(50, 110)))


def _place(ui: Ui, canvas: Canvas, card: Node, x: int, y: int) -> None:
    canvas.cover(x, y, card.width, card.height)
    shadow = Shadow(ui.px(12), 120, ui.px(5))
    canvas.shadow(x, y, card.width, card.height, ui.theme.card_radius, shadow)
    card.paint(canvas, x, y)


def _card(ui: Ui, width: int, count: int) -> Node:
    theme, rng = ui.theme, ui.rng
    here = ui.on(theme.surface)
    inner = width - 2 * ui.px(16)
    close = icon_button(here, "close", "bare", 28)
    title = heading(here, rng.choice(words.TITLES), 1.2, inner - close.width)
    parts = [row([title, close], 0, inner, "between")] if ui.chance(0.6) else [title]
    for kind in rng.sample(_PARTS, count):
        parts.append(_part(here, inner, kind))
    end = rng.choice(("end", "center", "between"))
    actions = button_row(here, rng.choice(words.DIALOG_ACTIONS), inner, end)
    parts.append(actions)
    body = column(parts, max(ui.px(9), theme.gap), inner)
    return panel(here, body, width, theme.surface, ui.px(16))


_PARTS = ("prose", "fields", "radio", "checkbox", "slider", "people", "toggle", "picture", "choice")


def _part(ui: Ui, width: int, kind: str) -> Node:
    rng = ui.rng
    if kind == "prose":
        return paragraph(ui, width, rng.randint(1, 2), links=0.4)
    if kind == "fields":
        return fields(ui, width, rng.randint(1, 3))
    if kind in ("radio", "checkbox"):
        return options(ui, width, kind, rng.randint(2, 4))
    if kind == "slider":
        return labelled_slider(ui, width)
    if kind == "people":
        return column([person_row(ui, width) for _ in range(rng.randint(1, 3))], 0)
    if kind == "toggle":
        return row([text(ui, rng.choice(words.OPTIONS)), toggle(ui)], 0, width, "between")
    if kind == "picture":
        shown = picture(ui, min(width // 3, ui.px(90)), ui.px(58))
        return row([shown, link(ui, rng.choice(words.LINKS), 0.92)], ui.px(10))
    return dropdown(ui, width, rng.choice(words.CHOICES)[1])
