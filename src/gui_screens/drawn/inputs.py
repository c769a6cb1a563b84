"""Fields to type in and to choose from, each labelled with its box."""

from __future__ import annotations

from functools import partial

from PIL import ImageDraw

from gui_screens.drawn import words
from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.controls import GREY
from gui_screens.drawn.layout import Node, column
from gui_screens.drawn.text import Ui, icon, mark, text
from gui_screens.drawn.theme import mix


def _frame(canvas: Canvas, ui: Ui, style: str, box: tuple[int, int, int, int], state: str) -> None:
    """Body of an input or dropdown in a style of the theme and a state."""
    theme = ui.theme
    x, y, w, h = box
    radius = h // 2 if style == "pill" else theme.radius
    edge = {"focus": theme.accent, "error": theme.danger}.get(state, theme.border)
    line = theme.line
    if state == "focus":
        if style != "underline" and not theme.underline:
            glow = ui.px(3)
            halo = mix(ui.ground, theme.accent, 0.3)
            canvas.rounded(x - glow, y - glow, w + 2 * glow, h + 2 * glow, radius + glow, halo)
        line = max(line, ui.px(1.6))
    if style == "underline":
        canvas.rect(x, y + h - line, w, line, edge)
        return
    fill = ui.ground
    if style.startswith("filled") or style == "pill" or state == "disabled":
        fill = theme.field
    canvas.rounded(x, y, w, h, radius, fill)
    if style == "sunken" and state != "error":
        canvas.rect(x, y, w, h, theme.field)
        canvas.bevel(
            x,
            y,
            w,
            h,
            mix(theme.surface, (0, 0, 0), 0.55),
            mix(theme.surface, (255, 255, 255), 0.6),
            line,
        )
    elif style == "filled-underline":
        canvas.rect(x, y + h - line, w, line, edge)
    elif style in ("border", "thick", "inset") or state in ("focus", "error"):
        shade = theme.text if style == "thick" and state == "" else edge
        canvas.outline(x, y, w, h, radius, shade, line * (2 if style in ("thick", "inset") else 1))
    if style == "inset" and state == "":
        canvas.rect(x + line, y + h - 2 * line, w - 2 * line, line, mix(edge, ui.ground, 0.6))


def _state(ui: Ui) -> str:
    return ui.rng.choices(("", "focus", "error", "disabled"), (84, 7, 4, 5))[0]


def text_input(
    ui: Ui, width: int, content: str, lines: int = 1, glyph: str = "", secret: bool = False
) -> Node:
    """A field to type in: one line, or an area of several.

    Args:
        ui: The screen's look.
        width: Width in pixels.
        content: Placeholder or value.
        lines: Above 1, an area for so many lines.
        glyph: An icon inside, at the left; labelled icon.
        secret: Show dots.
    """
    theme = ui.theme
    state = _state(ui)
    style = theme.inputs
    face_height = round(theme.size * 1.4)
    height = max(theme.control, face_height + ui.px(4)) + face_height * (lines - 1)
    typed = ui.chance(0.45)
    ink = theme.text if typed else mix(theme.muted, ui.ground, 0.25)
    margin = ui.px(2) if style == "underline" else max(ui.px(4), min(theme.control // 3, ui.px(12)))
    lead = icon(ui, glyph, 16, theme.muted) if glyph else None
    inset = margin + (lead.width + ui.px(6) if lead else 0)
    shown = "•" * ui.rng.randint(6, 10) if secret and typed else content
    if lines > 1 and typed:
        shown = words.sentence(ui.rng)
    empty = ui.chance(0.12)
    inner = text(ui, shown, 0.95, ink, width=max(ui.px(8), width - inset - margin), control=True)

    def paint(canvas: Canvas, x: int, y: int) -> None:
        _frame(canvas, ui, style, (x, y, width, height), state)
        canvas.label("text_input", x, y, width, height)
        first = y + ((height - inner.height) // 2 if lines == 1 else ui.px(7))
        if lead:
            lead.paint(canvas, x + margin, y + (height - lead.height) // 2)
        if not empty:
            inner.paint(canvas, x + inset, first)
        if state == "focus":
            at = x + inset + (inner.width if typed and not empty else 0)
            canvas.rect(at + 1, first + 1, max(1, ui.px(1)), inner.height - 2, theme.text)
        if lines > 1:
            corner = ui.px(7)
            for reach in (corner, corner // 2):
                canvas.pen.line(
                    (x + width - reach - 2, y + height - 3, x + width - 3, y + height - reach - 2),
                    fill=theme.muted,
                )

    return Node(width, height, paint)


def dropdown(ui: Ui, width: int, content: str) -> Node:
    """A closed select with its arrow, labelled as a whole."""
    theme, rng = ui.theme, ui.rng
    state = _state(ui)
    style = theme.inputs if theme.inputs != "inset" else "border"
    height = max(theme.control, round(theme.size * 1.4) + ui.px(4))
    margin = ui.px(2) if style == "underline" else max(ui.px(4), min(theme.control // 3, ui.px(12)))
    side = max(7, ui.px(rng.choice((12, 14, 16))))
    ink = mix(theme.text, ui.ground, 0.5) if state == "disabled" else theme.text
    inner = text(
        ui, content, 0.95, ink, width=max(8, width - 2 * margin - side - ui.px(6)), control=True
    )
    tint = theme.buttons[0] == "grey" and ui.chance(0.4)
    arrow = theme.arrow

    def paint(canvas: Canvas, x: int, y: int) -> None:
        _frame(canvas, ui, style, (x, y, width, height), state)
        if tint and not theme.dark:
            canvas.rounded(x + 1, y + 1, width - 2, height - 2, theme.radius, GREY)
        inner.paint(canvas, x + margin, y + (height - inner.height) // 2)
        left, top = x + width - margin - side, y + (height - side) // 2
        if arrow == "cell":
            cell = max(height * 4 // 5, side + 4)
            canvas.rect(
                x + width - cell, y + theme.line, theme.line, height - 2 * theme.line, theme.border
            )
            left = x + width - cell + (cell - side) // 2
        if arrow == "updown":
            half = side * 3 // 4
            mark("up", half, ink).paint(canvas, left, y + height // 2 - half + half // 8)
            mark("down", half, ink).paint(canvas, left, y + height // 2 - half // 8)
        elif arrow == "chevron":
            mark("down", side, ink).paint(canvas, left, top)
        else:
            canvas.smooth(left, top, side, side, ink, partial(_triangle, side))
        canvas.label("dropdown", x, y, width, height)

    return Node(width, height, paint)


def _triangle(side: int, pen: ImageDraw.ImageDraw, k: int) -> None:
    s = side * k
    pen.polygon([(s * 0.15, s * 0.33), (s * 0.85, s * 0.33), (s * 0.5, s * 0.7)], fill=255)


def field(ui: Ui, width: int, name: str, control: Node) -> Node:
    """A control under its name, sometimes with a line of help."""
    theme = ui.theme
    parts = [text(ui, name, 0.9, bold=theme.gap % 2 == 1, width=width), control]
    if ui.chance(0.12):
        ink = theme.danger if ui.chance(0.4) else theme.muted
        parts.append(text(ui, words.phrase(ui.rng), 0.78, ink, width=width))
    return column(parts, ui.px(4), width)
