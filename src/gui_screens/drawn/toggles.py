"""Checkboxes, radio buttons, toggles and sliders; the label holds the control alone."""

from __future__ import annotations

from functools import partial

from PIL import ImageDraw

from gui_screens.drawn.canvas import Canvas, Color, Shadow
from gui_screens.drawn.layout import Node
from gui_screens.drawn.text import Ui, mark
from gui_screens.drawn.theme import mix

_WHITE: Color = (255, 255, 255)
_BLUE: Color = (0, 117, 255)


def checkbox(ui: Ui, checked: bool | None = None) -> Node:
    """A box with or without a tick."""
    theme = ui.theme
    side = theme.check_side
    on = ui.chance(0.5) if checked is None else checked
    dash = on and ui.chance(0.08)
    style = theme.check
    radius = {"circle": side // 2, "browser": ui.px(2)}.get(style, min(theme.radius, side // 4))
    accent = _BLUE if style == "browser" else theme.accent
    edge = mix(theme.border, theme.text, 0.35)
    if ui.chance(0.05):
        accent, edge = mix(accent, ui.ground, 0.5), mix(edge, ui.ground, 0.5)
    ink = theme.on_accent if accent == theme.accent else _WHITE
    if style == "border":
        ink = accent if ui.theme.gap % 2 else theme.text
    tick = mark("minus" if dash else "check", max(6, round(side * 0.82)), ink)
    line = max(theme.line, ui.px(1 if style == "browser" else 1.4))

    def paint(canvas: Canvas, x: int, y: int) -> None:
        if on and style != "border":
            canvas.rounded(x, y, side, side, radius, accent)
        else:
            canvas.rounded(x, y, side, side, radius, theme.field if theme.dark else _WHITE)
            canvas.outline(x, y, side, side, radius, edge, line)
        if on:
            inset = (side - tick.width) // 2
            tick.paint(canvas, x + inset, y + inset)
        canvas.label("checkbox", x, y, side, side)

    return Node(side, side, paint)


def radio(ui: Ui, checked: bool) -> Node:
    """A round mark of which one in a group is chosen."""
    theme = ui.theme
    side = theme.check_side
    accent = _BLUE if theme.radio == "browser" else theme.accent
    edge = accent if checked else mix(theme.border, theme.text, 0.35)
    line = max(theme.line, ui.px(1 if theme.radio == "browser" else 1.6))
    inner = theme.field if theme.dark else _WHITE

    def paint(canvas: Canvas, x: int, y: int) -> None:
        canvas.rounded(x, y, side, side, side // 2, edge)
        if checked and theme.radio == "filled":
            hole = max(3, side * 2 // 5)
            inset = (side - hole) // 2
            canvas.rounded(x + inset, y + inset, hole, hole, side, theme.on_accent)
        else:
            canvas.rounded(x + line, y + line, side - 2 * line, side - 2 * line, side, inner)
            if checked:
                dot = max(
                    3,
                    side
                    * (3 if theme.radio == "browser" else 1)
                    // (5 if theme.radio == "browser" else 2),
                )
                inset = (side - dot) // 2
                canvas.rounded(x + inset, y + inset, dot, dot, side, accent)
        canvas.label("radio_button", x, y, side, side)

    return Node(side, side, paint)


def toggle(ui: Ui, checked: bool | None = None) -> Node:
    """An on/off switch."""
    theme = ui.theme
    on = ui.chance(0.5) if checked is None else checked
    style = theme.toggle
    height = max(11, round(theme.check_side * (1.45 if style == "inset-big" else 1.2)))
    width = round(height * (1.65 if style == "inset-big" else 1.85))
    off = mix(ui.ground, theme.text, 0.22)
    tone = theme.success if style.startswith("inset") and theme.gap % 3 == 0 else theme.accent
    corner = {"square": ui.px(3), "retro": 0}.get(style, height // 2)
    if style == "outline":
        knob = max(4, round(height * 0.56))
    elif style == "thin":
        knob = height
    else:
        knob = height - 2 * max(1, ui.px(2))

    def paint(canvas: Canvas, x: int, y: int) -> None:
        gap = (height - knob) // 2
        left = x + (width - knob - gap if on else gap)
        color = _WHITE
        if style == "thin":
            track = max(6, round(height * 0.66))
            tint = mix(ui.ground, tone, 0.5) if on else off
            canvas.rounded(x, y + (height - track) // 2, width, track, track // 2, tint)
            color = tone if on else (mix(off, _WHITE, 0.85) if not theme.dark else (190, 190, 190))
            canvas.shadow(left, y + gap, knob, knob, knob // 2, Shadow(ui.px(2), 80, 1))
        elif style == "outline" and not on:
            canvas.rounded(x, y, width, height, height // 2, ui.ground)
            canvas.outline(x, y, width, height, height // 2, theme.border, max(1, theme.line))
            color = mix(theme.border, theme.text, 0.15)
        else:
            canvas.rounded(x, y, width, height, corner, tone if on else off)
            if style == "retro":
                canvas.bevel(x, y, width, height, mix(off, (0, 0, 0), 0.5), _WHITE, 1)
        canvas.rounded(left, y + gap, knob, knob, min(corner, knob // 2), color)
        canvas.label("toggle", x, y, width, height)

    return Node(width, height, paint)


def slider(ui: Ui, width: int) -> Node:
    """A track with a thumb; the label holds both."""
    theme = ui.theme
    style = theme.slider
    accent = _BLUE if style == "browser" else theme.accent
    thumb = max(9, ui.px({"fat": 22, "white": 24, "solid": 16, "ring": 18}.get(style, 16)))
    track = max(
        2, ui.px({"fat": 10, "white": 4, "browser": 6, "handle": 3, "solid": 6}.get(style, 4))
    )
    share = ui.rng.uniform(0.05, 0.95)
    rest = mix(ui.ground, theme.text, 0.18)
    ticks = ui.chance(0.08)
    filled = not (style == "solid" and ui.chance(0.7))

    def paint(canvas: Canvas, x: int, y: int) -> None:
        top = y + (thumb - track) // 2
        left = x + int((width - thumb) * share)
        canvas.rounded(x, top, width, track, track // 2, rest)
        if filled:
            canvas.rounded(x, top, left - x + thumb // 2, track, track // 2, accent)
        if ticks:
            for step in range(6):
                at = x + thumb // 2 + (width - thumb) * step // 5
                canvas.rect(
                    at, top + track + 2, 1, max(2, thumb // 2 - track // 2 - 2), theme.muted
                )
        if style == "bar":
            # A broad track that is filled up to its end; the thumb is as high as the track.
            canvas.rounded(x, y + 1, width, thumb - 2, thumb // 2, rest)
            canvas.rounded(
                x, y + 1, left - x + thumb, thumb - 2, thumb // 2, mix(rest, accent, 0.75)
            )
            canvas.rounded(left, y, thumb, thumb, thumb // 2, accent)
        elif style == "square":
            slim = max(6, thumb * 3 // 5)
            canvas.rounded(left + (thumb - slim) // 2, y, slim, thumb, min(2, theme.radius), accent)
        elif style == "retro":
            slim, face = max(6, thumb * 3 // 5), theme.surface
            at = left + (thumb - slim) // 2
            canvas.rect(at, y, slim, thumb, face)
            canvas.bevel(
                at, y, slim, thumb, mix(face, _WHITE, 0.6), mix(face, (0, 0, 0), 0.75), theme.line
            )
        elif style == "handle":
            slim = max(5, thumb // 2)
            canvas.rounded(left + (thumb - slim) // 2, y, slim, thumb, min(2, theme.radius), accent)
        elif style in ("white", "fat"):
            canvas.shadow(left, y, thumb, thumb, thumb // 2, Shadow(ui.px(3), 110, 1))
            canvas.rounded(left, y, thumb, thumb, thumb // 2, _WHITE)
            canvas.outline(left, y, thumb, thumb, thumb // 2, mix(_WHITE, theme.border, 0.5), 1)
        elif style == "ring":
            canvas.rounded(left, y, thumb, thumb, thumb // 2, accent)
            canvas.smooth(left, y, thumb, thumb, ui.ground, partial(_ring_hole, thumb))
        else:
            canvas.rounded(left, y, thumb, thumb, thumb // 2, accent)
        canvas.label("slider", x, y, width, thumb)

    return Node(width, thumb, paint)


def _ring_hole(side: int, pen: ImageDraw.ImageDraw, k: int) -> None:
    """The inside of a ring-shaped thumb."""
    edge = side * k * 0.18
    pen.ellipse((edge, edge, side * k - edge, side * k - edge), fill=255)
