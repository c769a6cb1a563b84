"""Buttons, inputs and dropdowns in the styles of many toolkits, each labelled with its box."""

from __future__ import annotations

from collections.abc import Sequence

from gui_screens.drawn import words
from gui_screens.drawn.canvas import Canvas, Color, Shadow
from gui_screens.drawn.layout import Node, column, row
from gui_screens.drawn.text import ICON_NAMES, Ui, icon, text
from gui_screens.drawn.theme import Theme, mix

GREY: Color = (239, 239, 239)


def button(
    ui: Ui, caption: str = "", kind: str = "", width: int = 0, glyph: str = "", small: bool = False
) -> Node:
    """A push button.

    Args:
        ui: The screen's look.
        caption: Its text; empty draws a usual one.
        kind: filled, outline, ghost, tonal, raised, gradient, bevel, retro, grey or hard; empty
            draws one of the theme's.
        width: At least this wide, in pixels.
        glyph: An icon before the caption; it is labelled icon besides.
        small: Lower and with smaller text.
    """
    theme, rng = ui.theme, ui.rng
    kind = kind or rng.choice(theme.buttons)
    caption = caption or rng.choice(words.ACTIONS)
    if theme.capitals:
        caption = caption.upper()
    disabled = ui.chance(0.06)
    fill, ink, edge = _button_colors(ui, kind)
    if disabled:
        fill = mix(fill, ui.ground, 0.55) if fill else None
        ink = mix(ink, fill or ui.ground, 0.55)
        edge = mix(edge, ui.ground, 0.5) if edge else None
    size = (0.88 if small else 1.0) * (0.92 if theme.capitals else 1.0)
    bold = kind not in ("grey", "bevel") and theme.gap % 2 == 0
    parts = [text(ui, caption, size, ink, bold, control=True)]
    if glyph:
        side = theme.size * (0.95 if small else 1.1) / theme.scale
        parts.insert(0, icon(ui, glyph, side, ink))
    inner = row(parts, ui.px(6))
    height = max(round(theme.control * (0.78 if small else 1.0)), inner.height + ui.px(2))
    width = max(width, inner.width + (ui.px(14) if theme.control < ui.px(28) else height * 4 // 5))
    radius = height // 2 if theme.pill else theme.radius

    def paint(canvas: Canvas, x: int, y: int) -> None:
        _button_body(canvas, theme, kind, (x, y, width, height), radius, fill, edge)
        inner.paint(canvas, x + (width - inner.width) // 2, y + (height - inner.height) // 2)
        canvas.label("button", x, y, width, height)

    return Node(width, height, paint)


def _button_colors(ui: Ui, kind: str) -> tuple[Color | None, Color, Color | None]:
    """Fill, ink and border colours of a kind of button."""
    theme = ui.theme
    tone = theme.accent if ui.chance(0.88) else ui.rng.choice((theme.danger, theme.success))
    on_tone = theme.on_accent if tone == theme.accent else (255, 255, 255)
    readable = mix(tone, (255, 255, 255), 0.3) if theme.dark else tone
    neutral = ui.chance(0.4)
    if kind == "outline":
        shade = theme.text if neutral else readable
        return None, shade, mix(ui.ground, theme.text, 0.25) if neutral else shade
    if kind == "ghost":
        return None, theme.text if neutral else readable, None
    if kind == "tonal":
        hue = theme.text if neutral else tone
        return (
            mix(ui.ground, hue, 0.12 if neutral else 0.17),
            theme.text if neutral else readable,
            None,
        )
    if kind == "grey":
        return (
            (70, 72, 76) if theme.dark else GREY,
            theme.text,
            mix(theme.border, (90, 90, 90), 0.5),
        )
    if kind == "retro":
        return mix(theme.surface, (255, 255, 255), 0.05), theme.text, None
    if kind == "bevel":
        base = (74, 76, 80) if theme.dark else (228, 228, 228)
        return (
            (tone, on_tone, mix(tone, (0, 0, 0), 0.4))
            if ui.chance(0.25)
            else (base, theme.text, mix(base, (0, 0, 0), 0.4))
        )
    if kind == "hard":
        return (
            (tone, on_tone, theme.text) if ui.chance(0.5) else (ui.ground, theme.text, theme.text)
        )
    return tone, on_tone, None


def _button_body(
    canvas: Canvas,
    theme: Theme,
    kind: str,
    box: tuple[int, int, int, int],
    radius: int,
    fill: Color | None,
    edge: Color | None,
) -> None:
    x, y, w, h = box
    if kind in ("raised", "gradient"):
        canvas.shadow(x, y, w, h, radius, Shadow(theme.px(3), 90, theme.px(1)))
    if kind == "hard":
        canvas.rect(x + theme.px(3), y + theme.px(3), w, h, theme.text)
    if fill:
        canvas.rounded(x, y, w, h, radius, fill)
    if kind == "bevel" and fill:
        canvas.rounded(x, y, w, h // 2, radius, mix(fill, (255, 255, 255), 0.25))
    if kind == "gradient" and fill:
        for step in range(4):
            left = x + radius + (w - 2 * radius) * step // 4
            shade = mix(fill, (255, 255, 255), 0.05 + 0.05 * step)
            if step < 3:
                canvas.rect(left, y, (w - 2 * radius) // 4 + 1, h, shade)
            else:
                canvas.rounded(left, y, x + w - left, h, radius, shade)
                canvas.rect(left, y, radius, h, shade)
    if kind == "retro" and fill:
        light, dark = mix(fill, (255, 255, 255), 0.6), mix(fill, (0, 0, 0), 0.75)
        canvas.bevel(x, y, w, h, light, dark, theme.line)
    elif edge:
        canvas.outline(x, y, w, h, radius, edge, theme.line * (2 if kind == "hard" else 1))


def icon_button(ui: Ui, glyph: str = "", kind: str = "", css: float = 0) -> Node:
    """A button that holds only a glyph: labelled button and, inside, icon."""
    theme = ui.theme
    side = ui.px(css) if css else max(theme.control, ui.px(26))
    kind = kind or ui.rng.choice(("bare", "bare", "outline", "tonal", "filled"))
    fill, ink, edge = _button_colors(ui, "ghost" if kind == "bare" else kind)
    size = ui.rng.uniform(0.45, 0.62) if side > ui.px(24) else 0.7
    inner = icon(ui, glyph or ui.rng.choice(ICON_NAMES), side * size / theme.scale, ink)
    radius = side // 2 if theme.pill or ui.chance(0.4) else theme.radius

    def paint(canvas: Canvas, x: int, y: int) -> None:
        if fill:
            canvas.rounded(x, y, side, side, radius, fill)
        if edge:
            canvas.outline(x, y, side, side, radius, edge, theme.line)
        canvas.label("button", x, y, side, side)
        inner.paint(canvas, x + (side - inner.width) // 2, y + (side - inner.height) // 2)

    return Node(side, side, paint)


def button_row(ui: Ui, captions: Sequence[str], width: int, justify: str = "end") -> Node:
    """Buttons side by side, the main one filled, or one above the other when too wide."""
    kinds = [kind for kind in ui.theme.buttons if kind not in ("filled", "gradient", "raised")]
    minor = ui.rng.choice(kinds) if kinds else ui.theme.buttons[-1]
    nodes = [button(ui, caption, minor) for caption in captions[:-1]]
    nodes.append(button(ui, captions[-1], ui.theme.buttons[0]))
    gap = max(ui.px(6), ui.theme.gap)
    if sum(node.width + gap for node in nodes) > width:
        return column([button(ui, caption, width=width) for caption in captions], gap)
    return row(nodes, gap, width, justify)
