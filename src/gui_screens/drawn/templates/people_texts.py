"""Screens of people and texts: feeds, chats, profiles, editors, articles."""

from __future__ import annotations

from gui_screens.drawn import words
from gui_screens.drawn.blocks import fill, header, options, tab_bar
from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.cards import person_row
from gui_screens.drawn.controls import button, icon_button
from gui_screens.drawn.inputs import dropdown, text_input
from gui_screens.drawn.layout import Node, box, column, fit, layered, pad, row, wrap
from gui_screens.drawn.pictures import avatar, picture
from gui_screens.drawn.text import (
    Ui,
    alert,
    badge,
    code,
    heading,
    icon,
    link,
    panel,
    paragraph,
    plate,
    rule,
    text,
)
from gui_screens.drawn.theme import mix
from gui_screens.drawn.toggles import slider, toggle


def feed(ui: Ui, canvas: Canvas) -> None:
    """Posts with pictures and reactions."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas)
    width = min(canvas.width - ui.px(24), ui.px(rng.choice((420, 560))))
    here = ui.on(theme.surface)
    room = width - 2 * ui.px(12)

    def post() -> Node:
        react = [
            row(
                [
                    icon(here, name, 18, theme.muted),
                    text(here, str(rng.randint(1, 99)), 0.85, theme.muted),
                ],
                ui.px(4),
            )
            if theme.gap % 2
            else icon_button(here, name, "bare", 30)
            for name in rng.sample(("heart", "chat", "share", "bookmark", "send"), 3)
        ]
        parts = [person_row(here, room), paragraph(here, room, rng.randint(1, 2), links=0.5)]
        if ui.chance(0.75):
            parts.append(picture(here, room, int(room * rng.choice((0.4, 0.5, 0.62)))))
        parts.append(row(react, ui.px(14)))
        return panel(ui, column(parts, ui.px(7), room), width, theme.surface, ui.px(12))

    say = text_input(ui, width - ui.px(80), "What is new?")
    parts = [row([say, button(ui, "Post", theme.buttons[0])], ui.px(8))] if ui.chance(0.5) else []
    parts += fill(post, canvas.height - top, ui.px(12))
    column(parts, ui.px(12)).paint(canvas, (canvas.width - width) // 2, top + ui.px(10))
    if canvas.width < ui.px(480) and ui.chance(0.7):
        tab_bar(ui, canvas)


def chat(ui: Ui, canvas: Canvas) -> None:
    """A conversation in bubbles, with the people at the left when wide."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas)
    left = 0
    if canvas.width > ui.px(560):
        left = ui.px(220)
        people = column(fill(lambda: person_row(ui, left - ui.px(24)), canvas.height - top, 0), 0)
        people.paint(canvas, ui.px(12), top + ui.px(8))
        canvas.rect(left, top, theme.line, canvas.height - top, mix(ui.ground, theme.border, 0.6))
    room = canvas.width - left - ui.px(28)
    x = left + ui.px(14)

    def bubble() -> Node:
        mine = ui.chance(0.45)
        color = theme.accent if mine else mix(theme.background, theme.text, 0.1)
        ink = theme.on_accent if mine else theme.text
        limit = int(room * 0.6)
        lines = [
            text(ui, words.sentence(rng), 0.95, ink, width=limit) for _ in range(rng.randint(1, 2))
        ]
        if not mine and ui.chance(0.15):
            lines = [picture(ui, limit * 2 // 3, limit // 2)]
        inner = pad(column(lines, 0), ui.px(10), ui.px(6))
        shown: Node = layered(
            plate(inner.width, inner.height, color, min(ui.px(12), theme.radius + ui.px(6))), inner
        )
        if not mine:
            shown = row([avatar(ui, 28), shown], ui.px(8), align=1.0)
        return box(shown, room, align=1.0 if mine else 0.0)

    column(fill(bubble, canvas.height - top, ui.px(10)), ui.px(10)).paint(
        canvas, x, top + ui.px(10)
    )
    foot = max(theme.control, ui.px(30)) + ui.px(16)
    y = canvas.height - foot
    canvas.cover(left, y, canvas.width - left, foot)
    canvas.rect(left + theme.line, y, canvas.width - left, foot, theme.background)
    rule(ui, canvas.width - left).paint(canvas, left, y)
    lead = [
        icon_button(ui, name, "bare", 30)
        for name in rng.sample(("plus", "photo", "camera", "star"), rng.randint(1, 2))
    ]
    send = (
        icon_button(ui, "send", "filled")
        if ui.chance(0.6)
        else button(ui, "Send", theme.buttons[0])
    )
    used = sum(n.width + ui.px(8) for n in lead) + send.width + ui.px(8)
    line = row([*lead, text_input(ui, room - used, "Write a message"), send], ui.px(8))
    line.paint(canvas, x, y + (foot - line.height) // 2)


def profile(ui: Ui, canvas: Canvas) -> None:
    """A person with a cover picture, figures, actions and a gallery."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas) if ui.chance(0.6) else 0
    margin = ui.px(16)
    width = canvas.width - 2 * margin
    cover = ui.px(rng.randint(70, 130)) if ui.chance(0.6) else 0
    y = top + ui.px(12)
    if cover:
        picture(ui, canvas.width, cover, radius=0).paint(canvas, 0, top)
        y = top + cover + ui.px(8)
    actions = [
        button(ui, "Follow", theme.buttons[0]),
        button(ui, "Message"),
        icon_button(ui, "more", "outline"),
    ]
    figures = [
        column(
            [heading(ui, str(rng.randint(10, 999)), 1.1), text(ui, name, 0.85, theme.muted)],
            0,
            align=0.5,
        )
        for name in ("Posts", "Followers", "Following")
    ]
    name = column([heading(ui, rng.choice(words.NAMES), 1.3), link(ui, "example.com/anna", 0.9)], 0)
    parts = [
        row([avatar(ui, rng.choice((56, 72))), name], ui.px(12)),
        paragraph(ui, width, 1, links=0.4),
        row(figures, ui.px(20)),
        row(fit(actions, ui.px(8), width), ui.px(8)),
        rule(ui, width),
    ]
    columns = max(3, width // ui.px(150))
    side = (width - ui.px(6) * (columns - 1)) // columns

    def shelf() -> Node:
        if ui.chance(0.35):
            return person_row(ui, width)
        return row([picture(ui, side, int(side * 0.8)) for _ in range(columns)], ui.px(6))

    parts += fill(shelf, canvas.height - y - ui.px(150), ui.px(6))
    column(parts, ui.px(8)).paint(canvas, margin, y)
    if canvas.width < ui.px(480) and ui.chance(0.6):
        tab_bar(ui, canvas)


def editor(ui: Ui, canvas: Canvas) -> None:
    """A toolbar of icon buttons, a document, and a panel of properties."""
    theme, rng = ui.theme, ui.rng
    here = ui.on(theme.surface)
    margin = ui.px(10)
    names = (
        "undo",
        "bold",
        "italic",
        "underline",
        "align-left",
        "align-center",
        "list",
        "link",
        "photo",
        "code",
        "copy",
        "trash",
        "pen",
        "search",
        "plus",
    )
    style = rng.choice(("bare", "outline", "tonal"))
    tools: list[Node] = [
        icon_button(here, name, style, 30) for name in rng.sample(names, rng.randint(6, 11))
    ]
    tools.insert(
        rng.randint(0, 2),
        dropdown(here, ui.px(96), rng.choice(("Paragraph", "Heading 1", "14 px", "Inter"))),
    )
    bar = pad(wrap(tools, ui.px(4), canvas.width - 2 * margin, ui.px(4)), margin, ui.px(6))
    canvas.rect(0, 0, canvas.width, bar.height, theme.surface)
    bar.paint(canvas, 0, 0)
    rule(here, canvas.width).paint(canvas, 0, bar.height)
    side = ui.px(190) if canvas.width > ui.px(560) else 0
    width = canvas.width - side - 2 * ui.px(18)

    def block() -> Node:
        kind = rng.choice(("text", "text", "code", "picture", "title"))
        if kind == "code":
            return code(ui, width)
        if kind == "picture":
            return picture(ui, width, int(width * 0.35))
        return (
            heading(ui, rng.choice(words.TITLES), 1.4)
            if kind == "title"
            else paragraph(ui, width, 3, links=0.5)
        )

    column(fill(block, canvas.height - bar.height, ui.px(12)), ui.px(12)).paint(
        canvas, ui.px(18), bar.height + ui.px(14)
    )
    if side:
        x = canvas.width - side
        canvas.rect(x, bar.height + theme.line, side, canvas.height, theme.surface)
        inner = side - 2 * ui.px(12)
        parts: list[Node] = [heading(here, "Properties", 1.05)]
        parts += [
            row(
                [text(here, "W"), text_input(here, inner - ui.px(30), str(rng.randint(40, 900)))],
                ui.px(8),
            ),
            dropdown(here, inner, rng.choice(words.CHOICES)[1]),
            slider(here, inner),
            options(here, inner, rng.choice(("checkbox", "radio")), 3),
            slider(here, inner),
            row([text(here, "Snap to grid"), toggle(here)], 0, inner, "between"),
            button(here, "Apply", width=inner),
        ]
        column(parts, ui.px(12), inner).paint(canvas, x + ui.px(12), bar.height + ui.px(14))


def article(ui: Ui, canvas: Canvas) -> None:
    """A page to read, with links in its text, pictures and a list of others."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas)
    width = min(canvas.width - ui.px(32), ui.px(rng.choice((480, 620, 760))))
    by = row(
        [
            avatar(ui, 32),
            column(
                [
                    link(ui, rng.choice(words.NAMES), 0.9),
                    text(ui, "12 May · 4 min", 0.8, theme.muted),
                ],
                0,
            ),
        ],
        ui.px(8),
    )
    parts: list[Node] = [heading(ui, words.phrase(rng), 1.6, width), by]

    def block() -> Node:
        kind = rng.choice(
            ("text", "text", "list", "picture", "code", "alert", "share", "title", "mail")
        )
        if kind == "picture":
            return picture(ui, width, int(width * rng.choice((0.3, 0.45))))
        if kind == "code":
            return code(ui, width)
        if kind == "alert":
            return alert(ui, width)
        if kind == "list":
            names = rng.sample(words.LINKS, rng.randint(2, 4))
            return column(
                [row([text(ui, "•"), link(ui, name)], ui.px(7)) for name in names], ui.px(3)
            )
        if kind == "share":
            return row(
                [icon_button(ui, name, css=30) for name in ("heart", "share", "bookmark")], ui.px(8)
            )
        if kind == "title":
            return row([heading(ui, rng.choice(words.TITLES), 1.2), badge(ui)], ui.px(8))
        if kind == "mail":
            join = button(ui, "Subscribe", theme.buttons[0])
            return row(
                [
                    text_input(
                        ui,
                        max(ui.px(80), min(ui.px(240), width - join.width - ui.px(8))),
                        "Email address",
                    ),
                    join,
                ],
                ui.px(8),
            )
        return paragraph(ui, width, rng.randint(2, 4), links=0.8)

    parts += fill(block, canvas.height - top, ui.px(12))
    column(parts, ui.px(12)).paint(canvas, (canvas.width - width) // 2, top + ui.px(14))
