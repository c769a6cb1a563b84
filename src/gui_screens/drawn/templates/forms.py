"""Screens to fill in: settings, sign-up, checkout, login, filters, dialogs."""

from __future__ import annotations

from gui_screens.drawn import words
from gui_screens.drawn.blocks import (
    any_field,
    fields,
    fill,
    header,
    labelled_slider,
    options,
    setting_row,
    tab_bar,
)
from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.controls import button, button_row
from gui_screens.drawn.layout import Node, column, pad, row
from gui_screens.drawn.pictures import avatar
from gui_screens.drawn.text import (
    Ui,
    alert,
    heading,
    icon,
    link,
    panel,
    paragraph,
    rule,
    text,
)
from gui_screens.drawn.theme import mix
from gui_screens.drawn.toggles import checkbox, toggle


def settings(ui: Ui, canvas: Canvas) -> None:
    """Groups of options with switches, in cards or plain, with a side bar when wide."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas) if ui.chance(0.8) else 0
    left = 0
    if canvas.width > ui.px(600) and ui.chance(0.6):
        left = side_bar(ui, canvas, top)
    margin = ui.px(rng.choice((12, 16, 24)))
    width = min(canvas.width - left - 2 * margin, ui.px(rng.choice((520, 900))))
    x = left + (canvas.width - left - width) // 2
    carded = ui.chance(0.6)
    here = ui.on(theme.surface) if carded else ui

    def group() -> Node:
        inner = width - 2 * ui.px(12) if carded else width
        parts: list[Node] = []
        lined = ui.chance(0.7)
        for number in range(rng.randint(2, 6)):
            if number and lined:
                parts.append(rule(here, inner))
            parts.append(setting_row(here, inner))
        if ui.chance(0.25):
            parts.append(options(here, inner, rng.choice(("radio", "checkbox")), rng.randint(2, 4)))
        body = column(parts, ui.px(3), inner)
        title = heading(ui, rng.choice(words.TITLES), 1.1)
        shown = panel(ui, body, width, theme.surface, ui.px(12)) if carded else body
        return column([title, shown], ui.px(6), width)

    page = column(fill(group, canvas.height - top, ui.px(18)), ui.px(18))
    page.paint(canvas, x, top + ui.px(14))
    if canvas.width < ui.px(480) and ui.chance(0.5):
        tab_bar(ui, canvas)


def side_bar(ui: Ui, canvas: Canvas, top: int) -> int:
    """Paint navigation at the left. Returns its width."""
    theme, rng = ui.theme, ui.rng
    width = ui.px(rng.choice((130, 150, 180)))
    color = mix(theme.background, theme.surface, rng.random())
    here = ui.on(color)
    canvas.rect(0, top, width, canvas.height - top, color)
    canvas.rect(
        width - theme.line, top, theme.line, canvas.height - top, mix(color, theme.border, 0.6)
    )
    names = rng.sample(words.NAV, rng.randint(4, 8))
    glyphs = ui.chance(0.6)
    y = top + ui.px(14)
    for number, name in enumerate(names):
        parts = [icon(here, css=16)] if glyphs else []
        line = row([*parts, link(here, name, 0.95, plain=ui.chance(0.8))], ui.px(8))
        if number == 1:
            canvas.rounded(
                ui.px(6),
                y - ui.px(4),
                width - ui.px(14),
                line.height + ui.px(8),
                theme.radius,
                mix(color, theme.accent, 0.15),
            )
        line.paint(canvas, ui.px(14), y)
        y += line.height + ui.px(12)
    return width


def signup(ui: Ui, canvas: Canvas) -> None:
    """A form to create an account or write to somebody."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas) if ui.chance(0.6) else 0
    carded = ui.chance(0.5)
    here = ui.on(theme.surface) if carded else ui
    width = min(canvas.width - ui.px(32), ui.px(rng.choice((420, 520, 640))))
    inner = width - 2 * ui.px(18) if carded else width
    parts = [heading(here, rng.choice(words.TITLES), 1.5, inner)]
    if ui.chance(0.5):
        parts.append(paragraph(here, inner, 1, links=0.5))
    if ui.chance(0.2):
        parts.append(alert(here, inner))
    parts.append(fields(here, inner, rng.randint(3, 6)))
    for kind in rng.sample(("radio", "checkbox", "slider", "toggle", "upload"), rng.randint(1, 3)):
        parts.append(_extra(here, inner, kind))
    parts.append(
        row(
            [checkbox(here), text(here, "I agree to the", 0.92), link(here, "terms", 0.92)],
            ui.px(6),
        )
    )
    parts.append(
        button_row(
            here, rng.choice(words.DIALOG_ACTIONS), inner, rng.choice(("start", "end", "between"))
        )
    )
    if ui.chance(0.6):
        parts.append(
            row(
                [text(here, "Have an account?", 0.9, theme.muted), link(here, "Sign in", 0.9)],
                ui.px(5),
            )
        )
    body = column(parts, max(ui.px(9), theme.gap), inner)
    shown = panel(ui, body, width, theme.surface, ui.px(18)) if carded else body
    shown.paint(canvas, (canvas.width - width) // 2, top + ui.px(rng.choice((10, 16, 24))))


def _extra(ui: Ui, width: int, kind: str) -> Node:
    if kind in ("radio", "checkbox"):
        title = text(ui, ui.rng.choice(words.CHOICES)[0], 0.92, bold=True)
        return column([title, options(ui, width, kind, ui.rng.randint(2, 4))], ui.px(5))
    if kind == "slider":
        return labelled_slider(ui, width)
    if kind == "upload":
        return row(
            [
                avatar(ui, 48),
                button(ui, "Upload", glyph="upload" if ui.chance(0.5) else "", small=True),
                link(ui, "Remove", 0.9),
            ],
            ui.px(10),
        )
    return row([toggle(ui), text(ui, ui.rng.choice(words.OPTIONS))], ui.px(8))


def filters(ui: Ui, canvas: Canvas) -> None:
    """A panel of filters: sliders, checkboxes, radio buttons, dropdowns."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas) if ui.chance(0.7) else 0
    margin = ui.px(16)
    columns = 2 if canvas.width > ui.px(560) else 1
    width = (canvas.width - margin * (columns + 1)) // columns
    for number in range(columns):
        parts: list[Node] = [
            heading(ui, rng.choice(("Filters", "Refine", "Preferences", "Options")), 1.3)
        ]

        def group() -> Node:
            kind = rng.choices(
                ("checkbox", "radio", "slider", "field", "toggle"), (25, 25, 22, 15, 13)
            )[0]
            if kind in ("checkbox", "radio"):
                title = text(ui, rng.choice(words.CHOICES)[0], bold=True)
                return column([title, options(ui, width, kind, rng.randint(2, 5))], ui.px(6))
            if kind == "slider":
                return labelled_slider(ui, width)
            if kind == "toggle":
                return row([text(ui, rng.choice(words.OPTIONS)), toggle(ui)], 0, width, "between")
            return any_field(ui, width)

        parts += fill(group, canvas.height - top - ui.px(120), ui.px(14))
        page = column(parts, ui.px(14), width)
        page.paint(canvas, margin + number * (width + margin), top + ui.px(12))
    actions = pad(
        button_row(ui, ("Reset", "Apply"), canvas.width - 2 * margin, "between"), margin, ui.px(8)
    )
    if ui.chance(0.7):
        y = canvas.height - actions.height
        canvas.cover(0, y, canvas.width, actions.height)
        canvas.rect(0, y, canvas.width, actions.height, theme.background)
        rule(ui, canvas.width).paint(canvas, 0, y)
        actions.paint(canvas, 0, y)
