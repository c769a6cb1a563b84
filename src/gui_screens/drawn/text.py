"""What is read rather than used: text, links, icons, and marks that no label is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from gui_screens.drawn import words
from gui_screens.drawn.canvas import Canvas, Color, Shadow
from gui_screens.drawn.icons import GLYPHS, STYLES, icon_mask
from gui_screens.drawn.layout import Node, column, layered, pad, row, space
from gui_screens.drawn.theme import Theme, mix

ICON_NAMES = sorted(GLYPHS)


@dataclass(frozen=True)
class Ui:
    """What every builder needs: chance, a look, and the colour that lies underneath."""

    rng: Random
    theme: Theme
    ground: Color

    def on(self, color: Color) -> Ui:
        """The same, standing on another colour."""
        return replace(self, ground=color)

    def px(self, length: float) -> int:
        """Image pixels for CSS pixels."""
        return self.theme.px(length)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.rng.random() < probability


def text(
    ui: Ui,
    content: str,
    size: float = 1.0,
    color: Color | None = None,
    bold: bool = False,
    width: int = 0,
    control: bool = False,
) -> Node:
    """One line of text, cut with an ellipsis when it is wider than ``width`` (0: no limit)."""
    face = ui.theme.face(size, bold, control)
    if width and face.length(content) > width:
        while content and face.length(content + "…") > width:
            content = content[:-1]
        content = content.rstrip() + "…"
    ink = color or ui.theme.text
    height = round(face.size * 1.35)
    return Node(
        face.length(content),
        height,
        lambda canvas, x, y: canvas.text(x, y, content, face, ink, height),
    )


def heading(ui: Ui, content: str, size: float = 1.4, width: int = 0) -> Node:
    """A title."""
    return text(ui, content, size, bold=ui.theme.family.name != "grotesk-light", width=width)


def paragraph(
    ui: Ui, width: int, sentences: int = 2, size: float = 1.0, links: float = 0.0
) -> Node:
    """Running text of ``width`` pixels; with chance ``links`` a few words of it are a link."""
    theme, rng = ui.theme, ui.rng
    ink = theme.text if ui.chance(0.5) else theme.muted
    parts = [
        text(ui, word, size, ink) for _ in range(sentences) for word in words.sentence(rng).split()
    ]
    if rng.random() < links:
        parts.insert(rng.randrange(len(parts)), link(ui, rng.choice(words.LINKS), size))
    gap = theme.face(size).length(" ")
    lines: list[Node] = []
    line: list[Node] = []
    for part in parts:
        if line and sum(n.width + gap for n in line) + part.width > width:
            lines.append(row(line, gap))
            line = []
        line.append(part)
    return column([*lines, row(line, gap)], round(theme.size * 0.15))


def link(ui: Ui, content: str, size: float = 1.0, plain: bool = False, bold: bool = False) -> Node:
    """An inline anchor; ``plain`` ones (navigation) have the colour of text."""
    theme = ui.theme
    face = theme.face(size, bold)
    ink = mix(theme.text, theme.muted, 0.4) if plain else theme.link
    ascent, descent = face.metrics
    width, height = face.length(content), round(face.size * 1.35)
    underline = theme.underline and not (plain and ui.chance(0.8))
    if not plain and not underline and ui.chance(0.1):
        underline = True

    def paint(canvas: Canvas, x: int, y: int) -> None:
        canvas.text(x, y, content, face, ink, height)
        top = y + (height - ascent - descent) // 2
        if underline:
            canvas.rect(
                x, top + ascent + max(1, face.size // 10), width, max(1, face.size // 14), ink
            )
        canvas.label("link", x, top, width, ascent + descent)

    return Node(width, height, paint)


def icon(ui: Ui, name: str = "", css: float = 20, color: Color | None = None) -> Node:
    """A glyph in a square of ``css`` CSS pixels, labelled icon."""
    side = max(9, ui.px(css))
    style = ui.theme.icons if ui.chance(0.92) else ui.rng.choice(STYLES)
    mask = icon_mask(name or ui.rng.choice(ICON_NAMES), side, style)
    ink = color or ui.rng.choice((ui.theme.text, ui.theme.text, ui.theme.muted, ui.theme.accent))

    def paint(canvas: Canvas, x: int, y: int) -> None:
        canvas.image.paste(ink, (x, y), mask)
        canvas.label("icon", x, y, side, side)

    return Node(side, side, paint)


def mark(name: str, side: int, color: Color) -> Node:
    """A glyph that belongs to a control, such as a tick, and is not labelled."""
    mask = icon_mask(name, side, "line")
    return Node(side, side, lambda canvas, x, y: canvas.image.paste(color, (x, y), mask))


def badge(ui: Ui, content: str = "") -> Node:
    """A small coloured tag; not labelled."""
    theme = ui.theme
    tone = ui.rng.choice((theme.accent, theme.success, theme.danger, theme.muted))
    solid = ui.chance(0.5)
    fill = tone if solid else mix(ui.ground, tone, 0.18)
    ink = (255, 255, 255) if solid else mix(tone, theme.text, 0.3)
    inner = pad(
        text(ui, content or ui.rng.choice(words.BADGES), 0.78, ink, bold=ui.chance(0.5)),
        ui.px(6),
        ui.px(1),
    )
    radius = ui.rng.choice((inner.height // 2, ui.px(3), ui.px(4)))
    return layered(plate(inner.width, inner.height, fill, radius), inner)


def plate(width: int, height: int, color: Color, radius: int = 0) -> Node:
    """A filled rectangle."""
    return Node(
        width, height, lambda canvas, x, y: canvas.rounded(x, y, width, height, radius, color)
    )


def rule(ui: Ui, width: int) -> Node:
    """A horizontal separator."""
    return plate(width, ui.theme.line, mix(ui.ground, ui.theme.border, 0.7))


def progress(ui: Ui, width: int) -> Node:
    """A progress bar: a track without a thumb; not labelled."""
    theme = ui.theme
    height = ui.px(ui.rng.choice((4, 6, 8, 14)))
    done = max(height, int(width * ui.rng.uniform(0.1, 0.95)))
    radius = height // 2 if ui.chance(0.8) else 0
    track = plate(width, height, mix(ui.ground, theme.border, 0.6), radius)
    return layered(track, plate(done, height, ui.rng.choice((theme.accent, theme.success)), radius))


def code(ui: Ui, width: int) -> Node:
    """A block of program text; not labelled."""
    from gui_screens.drawn.fonts import FAMILIES

    theme = ui.theme
    dark = theme.dark or ui.chance(0.4)
    fill = (30, 32, 40) if dark else mix(ui.ground, (100, 104, 116), 0.1)
    mono = Ui(ui.rng, replace(theme, family=FAMILIES["mono"]), fill)
    ink = (215, 218, 226) if dark else theme.text
    lines = []
    for _ in range(ui.rng.randint(3, 6)):
        source = ui.rng.choice(
            (
                "def load(path):",
                "return rows",
                "const x = 42;",
                "for item in cart:",
                "npm run build",
                "print(total)",
                "}",
                "if (!user) {",
                "git pull origin",
                "let n = a + b;",
            )
        )
        tone = mix(ink, ui.rng.choice((theme.accent, theme.success, ink)), 0.5)
        line = text(mono, source, 0.85, tone, width=width - ui.px(40))
        lines.append(row([space(ui.px(10 * ui.rng.randint(0, 2))), line], 0))
    inner = pad(column(lines, ui.px(2), width - ui.px(20)), ui.px(10), ui.px(8))
    return layered(plate(width, inner.height, fill, theme.radius), inner)


def breadcrumb(ui: Ui, names: Sequence[str]) -> Node:
    """A path of plain names; only its first part is a link."""
    parts = [link(ui, names[0], 0.9)]
    for name in names[1:]:
        parts.append(text(ui, ui.rng.choice("/›»"), 0.9, ui.theme.muted))
        parts.append(text(ui, name, 0.9, ui.theme.muted))
    return row(parts, ui.px(6))


def alert(ui: Ui, width: int) -> Node:
    """A coloured message box; its icon is labelled, the box is not."""
    theme = ui.theme
    tone = ui.rng.choice((theme.accent, theme.success, theme.danger, (230, 160, 30)))
    fill = mix(ui.ground, tone, 0.14)
    here = ui.on(fill)
    parts = [
        text(here, words.phrase(ui.rng), 0.92, mix(theme.text, tone, 0.3), width=width - ui.px(60))
    ]
    if ui.chance(0.6):
        parts.insert(0, icon(here, ui.rng.choice(("info", "warning", "check", "bell")), 18, tone))
    inner = pad(row(parts, ui.px(8), width - ui.px(24)), ui.px(12), ui.px(9))
    nodes = [plate(width, inner.height, fill, theme.radius)]
    if ui.chance(0.4):
        nodes.append(plate(ui.px(4), inner.height, tone))
    return layered(*nodes, inner)


def panel(ui: Ui, inner: Node, width: int, color: Color, margin: int) -> Node:
    """A card: a surface with a border or shadow around a node; not labelled.

    Args:
        ui: The screen's look; its ground is what the card lies on.
        inner: What stands on the card.
        width: Width of the card in pixels.
        color: Colour of the card.
        margin: Pixels between the edge and the inner node.
    """
    theme = ui.theme
    height = inner.height + 2 * margin
    bordered = theme.shadow == 0 or theme.dark

    def paint(canvas: Canvas, x: int, y: int) -> None:
        if theme.shadow:
            shadow = Shadow(ui.px(7), theme.shadow, ui.px(2))
            canvas.shadow(x, y, width, height, theme.card_radius, shadow)
        canvas.rounded(x, y, width, height, theme.card_radius, color)
        if bordered:
            edge = mix(color, theme.border, 0.75)
            canvas.outline(x, y, width, height, theme.card_radius, edge, theme.line)
        if theme.inputs == "sunken":
            light, dark = mix(color, (255, 255, 255), 0.7), mix(color, (0, 0, 0), 0.6)
            canvas.bevel(x, y, width, height, light, dark, theme.line)
        inner.paint(canvas, x + margin, y + margin)

    return Node(width, height, paint)
