"""Cards and list rows: figures, products, people."""

from __future__ import annotations

from collections.abc import Callable

from gui_screens.drawn import words
from gui_screens.drawn.controls import button, icon_button
from gui_screens.drawn.layout import Node, column, grid, pad, row
from gui_screens.drawn.pictures import avatar, picture
from gui_screens.drawn.text import Ui, badge, heading, icon, link, panel, progress, text
from gui_screens.drawn.theme import mix
from gui_screens.drawn.toggles import checkbox


def stat_card(ui: Ui, width: int) -> Node:
    """A figure with its name, for a dashboard."""
    theme, rng = ui.theme, ui.rng
    here = ui.on(theme.surface)
    margin = ui.px(12)
    room = width - 2 * margin
    head: list[Node] = [
        text(
            here, rng.choice(("Revenue", "Orders", "Visitors", "Churn", "Users")), 0.88, theme.muted
        )
    ]
    if ui.chance(0.7):
        head.append(
            icon(here, rng.choice(("chart", "user", "cart", "pulse", "bolt", "eye", "card")), 18)
        )
    parts = [
        row(head, 0, room, "between"),
        heading(here, f"{rng.randint(1, 99)},{rng.randint(100, 999)}", 1.5),
    ]
    parts.append(
        badge(here, f"{rng.choice('+-')}{rng.randint(1, 30)}%")
        if ui.chance(0.6)
        else progress(here, room)
    )
    return panel(ui, column(parts, ui.px(5), room), width, theme.surface, margin)


def product_card(ui: Ui, width: int) -> Node:
    """A picture with a name, a price and ways to buy."""
    theme, rng = ui.theme, ui.rng
    here = ui.on(theme.surface)
    margin = rng.choice((0, ui.px(8)))
    inner = ui.px(8) if margin == 0 else 0
    room = width - 2 * margin
    image = picture(
        here, room, int(room * rng.choice((0.7, 0.8, 1.0))), "product" if ui.chance(0.6) else ""
    )
    line = room - 2 * inner
    name = rng.choice(words.PRODUCTS)
    parts = [
        link(here, name, bold=True)
        if ui.chance(0.35) and theme.face(1, True).length(name) < line
        else text(here, name, width=line),
        row(
            [
                text(here, words.price(rng), 1.05, bold=True),
                *([badge(here)] if ui.chance(0.3) else []),
            ],
            ui.px(6),
        ),
    ]
    if ui.chance(0.3):
        parts.insert(1, stars(here))
    buy = rng.random()
    if buy < 0.45:
        parts.append(
            button(
                here, rng.choice(("Add to cart", "Buy", "Add", "Details")), width=line, small=True
            )
        )
    elif buy < 0.75:
        parts.append(
            row(
                [button(here, "Buy", small=True), icon_button(here, "heart", css=30)],
                0,
                line,
                "between",
            )
        )
    body = pad(column(parts, ui.px(4), line), inner, inner)
    return panel(ui, column([image, body], ui.px(4) if margin else 0), width, theme.surface, margin)


def stars(ui: Ui) -> Node:
    """A rating of five small icons, each labelled."""
    lit = ui.rng.randint(2, 5)
    dull = mix(ui.ground, ui.theme.muted, 0.4)
    return row(
        [icon(ui, "star", 14, (240, 170, 40) if n < lit else dull) for n in range(5)], ui.px(2)
    )


def person_row(ui: Ui, width: int) -> Node:
    """A person or message in a list."""
    theme, rng = ui.theme, ui.rng
    tail: Node = rng.choice(
        (
            lambda: text(ui, f"{rng.randint(1, 12)}:{rng.randint(10, 59)}", 0.8, theme.muted),
            lambda: button(ui, rng.choice(("Follow", "Message", "Invite")), small=True),
            lambda: icon_button(ui, rng.choice(("more", "more-v", "chat", "phone")), "bare", 32),
            lambda: badge(ui),
            lambda: checkbox(ui),
        )
    )()
    face = avatar(ui, rng.choice((32, 40, 44)))
    room = width - face.width - tail.width - ui.px(24)
    name = rng.choice(words.NAMES)
    linked = ui.chance(0.2) and theme.face(1, True).length(name) < room
    lines = [
        link(ui, name, bold=True) if linked else text(ui, name, bold=True, width=room),
        text(ui, words.phrase(rng), 0.88, theme.muted, width=room),
    ]
    lead = row([face, column(lines, 0)], ui.px(10))
    return pad(row([lead, tail], 0, width, "between"), 0, max(ui.px(4), theme.gap // 2))


def cards(ui: Ui, width: int, make: Callable[[Ui, int], Node], columns: int, count: int) -> Node:
    """A grid of cards."""
    gap = max(ui.px(8), ui.theme.gap)
    cell = (width - gap * (columns - 1)) // columns
    return grid([make(ui, cell) for _ in range(count)], columns, gap, width)


def pagination(ui: Ui) -> Node:
    """Page numbers as buttons or links."""
    names = ["‹", "1", "2", "3", "›"]
    if ui.chance(0.5):
        parts = [
            button(ui, name, "filled" if name == "2" else "outline", small=True)
            for name in names[1:4]
        ]
    else:
        parts = [link(ui, name) for name in names[1:4]]
    return row([icon(ui, "left", 14), *parts, icon(ui, "right", 14)], ui.px(8))
