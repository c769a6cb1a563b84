"""Screens to look at: dashboards, shops, tables, feeds, chats, profiles, editors, articles."""

from __future__ import annotations

from gui_screens.drawn import words
from gui_screens.drawn.blocks import fill, header, labelled_slider, options, tab_bar
from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.cards import (
    cards,
    pagination,
    person_row,
    product_card,
    stars,
    stat_card,
)
from gui_screens.drawn.controls import button, icon_button
from gui_screens.drawn.inputs import dropdown, text_input
from gui_screens.drawn.layout import Node, box, column, fit, layered, pad, row, wrap
from gui_screens.drawn.pictures import avatar, picture
from gui_screens.drawn.templates.forms import side_bar
from gui_screens.drawn.text import (
    Ui,
    alert,
    badge,
    breadcrumb,
    heading,
    icon,
    link,
    panel,
    paragraph,
    plate,
    progress,
    rule,
    text,
)
from gui_screens.drawn.theme import mix
from gui_screens.drawn.toggles import checkbox, toggle


def dashboard(ui: Ui, canvas: Canvas) -> None:
    """Figures, charts and a list, with navigation."""
    rng = ui.rng
    top = header(ui, canvas)
    left = side_bar(ui, canvas, top) if canvas.width > ui.px(600) and ui.chance(0.6) else 0
    margin = ui.px(14)
    width = canvas.width - left - 2 * margin
    head = [heading(ui, rng.choice(("Overview", "Dashboard", "Analytics", "Today")), 1.4)]
    tools = [
        dropdown(ui, ui.px(120), "Last 30 days"),
        button(ui, "Export", small=True, glyph="download"),
    ]
    head.append(row(fit(tools, ui.px(8), width - head[0].width - ui.px(10)), ui.px(8)))
    columns = max(2, min(4, width // ui.px(140)))
    parts = [row(head, 0, width, "between"), cards(ui, width, stat_card, columns, columns)]
    if ui.chance(0.25):
        parts.insert(1, alert(ui, width))

    def block() -> Node:
        wide = width > ui.px(420) and ui.chance(0.6)
        cell = (width - margin) // 2 if wide else width
        made = [_block(ui, cell) for _ in range(2 if wide else 1)]
        return row(made, margin, align=0.0)

    parts += fill(block, canvas.height - top - ui.px(160), margin)
    column(parts, margin, width).paint(canvas, left + margin, top + ui.px(12))


def _block(ui: Ui, width: int) -> Node:
    theme, rng = ui.theme, ui.rng
    here = ui.on(theme.surface)
    room = width - 2 * ui.px(12)
    tail: Node = rng.choice(
        (
            lambda: link(here, "View all", 0.9),
            lambda: icon_button(here, "more", "bare", 28),
            lambda: toggle(here),
        )
    )()
    parts = [
        row(
            [heading(here, rng.choice(words.TITLES), 1.05, room - tail.width), tail],
            0,
            room,
            "between",
        )
    ]
    kind = rng.choice(("chart", "chart", "people", "progress", "slider", "checks"))
    if kind == "chart":
        parts.append(picture(here, room, ui.px(rng.randint(90, 160)), "chart", 0))
    elif kind == "people":
        parts += [person_row(here, room) for _ in range(rng.randint(2, 3))]
    elif kind == "slider":
        parts += [labelled_slider(here, room) for _ in range(rng.randint(1, 3))]
    elif kind == "checks":
        parts.append(options(here, room, "checkbox", rng.randint(3, 5)))
    else:
        for _ in range(rng.randint(2, 4)):
            parts += [text(here, rng.choice(words.PRODUCTS), 0.9), progress(here, room)]
    return panel(ui, column(parts, ui.px(7), room), width, theme.surface, ui.px(12))


def shop(ui: Ui, canvas: Canvas) -> None:
    """A grid of products with sorting, search and chips."""
    rng = ui.rng
    top = header(ui, canvas)
    margin = ui.px(12)
    width = canvas.width - 2 * margin
    tools: list[Node] = [dropdown(ui, ui.px(120), rng.choice(words.CHOICES)[1])]
    tools.append(icon_button(ui, "filter") if ui.chance(0.5) else button(ui, "Filter", small=True))
    search = text_input(
        ui,
        max(ui.px(70), width - sum(n.width for n in tools) - ui.px(20)),
        "Search products",
        glyph="search",
    )
    parts: list[Node] = [row(fit([search, *tools], ui.px(8), width), ui.px(8))]
    if ui.chance(0.4):
        parts.append(breadcrumb(ui, ["Shop", "Home", "Kitchen"]))
    if ui.chance(0.4):
        parts.append(
            wrap(
                [badge(ui, name) for name in rng.sample(words.PRODUCTS, 4)],
                ui.px(6),
                width,
                ui.px(4),
            )
        )
    if ui.chance(0.25):
        parts.append(options(ui, width, "checkbox", 3))
    columns = max(2, min(5, width // ui.px(rng.choice((130, 160, 190)))))
    parts += fill(
        lambda: cards(ui, width, product_card, columns, columns), canvas.height - top, margin
    )
    column(parts, margin).paint(canvas, margin, top + ui.px(10))
    if canvas.width < ui.px(480) and ui.chance(0.5):
        tab_bar(ui, canvas)


def product(ui: Ui, canvas: Canvas) -> None:
    """One product in detail."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas)
    margin = ui.px(16)
    wide = canvas.width > ui.px(560)
    half = (canvas.width - 3 * margin) // 2 if wide else canvas.width - 2 * margin
    shot = int(half * rng.choice((0.6, 0.8, 1.0)))
    thumbs = [picture(ui, ui.px(52), ui.px(52), "product") for _ in range(rng.randint(2, 4))]
    gallery = column([picture(ui, half, shot, "product"), row(thumbs, ui.px(8))], ui.px(8))
    amount = row(
        [
            icon_button(ui, "minus", "outline", 30),
            text(ui, "1"),
            icon_button(ui, "plus", "outline", 30),
        ],
        ui.px(10),
    )
    name = rng.choice(words.PRODUCTS)
    parts = [
        heading(ui, name, 1.5),
        row([stars(ui), link(ui, f"{rng.randint(3, 240)} reviews", 0.9)], ui.px(8)),
        text(ui, words.price(rng), 1.3, bold=True),
        paragraph(ui, half, 2, links=0.5),
        dropdown(ui, min(half, ui.px(180)), rng.choice(words.CHOICES)[1]),
        options(ui, half, "radio", 3),
        amount,
        button(
            ui, "Add to cart", theme.buttons[0], width=half, glyph="cart" if ui.chance(0.5) else ""
        ),
        row(
            [button(ui, "Wish list", glyph="heart", small=True), icon_button(ui, "share", css=30)],
            ui.px(8),
        ),
        rule(ui, half),
        row([icon(ui, "bolt", 18), text(ui, "Ships tomorrow", 0.9)], ui.px(8)),
        row([icon(ui, "shield", 18), text(ui, "Two years of warranty", 0.9)], ui.px(8)),
    ]
    if ui.chance(0.5):
        parts.insert(0, breadcrumb(ui, ["Shop", "Sale", name]))
    info = column(parts, max(ui.px(8), theme.gap), half)
    y = top + ui.px(14)
    shown = row([gallery, info], margin, align=0.0) if wide else column([gallery, info], margin)
    shown.paint(canvas, margin, y)


def table(ui: Ui, canvas: Canvas) -> None:
    """Rows with checkboxes, links, badges and small buttons."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas) if ui.chance(0.8) else 0
    margin = ui.px(14)
    left = side_bar(ui, canvas, top) if canvas.width > ui.px(700) and ui.chance(0.4) else 0
    width = canvas.width - left - 2 * margin
    here = ui.on(theme.surface)
    add = button(
        ui,
        rng.choice(("New", "Add", "Invite", "Export")),
        theme.buttons[0],
        glyph="plus" if ui.chance(0.5) else "",
    )
    tools = fit(
        [
            add,
            text_input(ui, ui.px(140), "Search...", glyph="search" if ui.chance(0.5) else ""),
            dropdown(ui, ui.px(100), rng.choice(words.CHOICES)[1]),
        ],
        ui.px(8),
        width,
    )
    parts: list[Node] = [
        heading(ui, rng.choice(words.TITLES), 1.3),
        row(tools, ui.px(8), width, rng.choice(("start", "end"))),
    ]
    kinds = (
        ["link", "text", "badge", "number", "act"]
        if width > ui.px(480)
        else ["link", "badge", "act"]
    )
    if width > ui.px(620):
        kinds.insert(2, "toggle" if ui.chance(0.4) else "text")
    cell = (width - ui.px(60)) // len(kinds)
    height = max(theme.check_side + ui.px(8), theme.size * 2, round(theme.control * 0.8) + ui.px(6))
    act = rng.choice(("icons", "button", "links", "more"))
    boxes, faces = ui.chance(0.75), ui.chance(0.25)

    def line(head: bool, number: int) -> Node:
        lead = [checkbox(here, False if head else None)] if boxes else []
        cells = [box(n, ui.px(26)) for n in lead]
        for kind in kinds:
            cells.append(
                box(
                    text(here, kind.capitalize(), 0.85, theme.muted, bold=True)
                    if head
                    else _cell(here, kind, cell - ui.px(6), act, faces),
                    cell,
                )
            )
        body = pad(box(row(cells, 0), width - 2 * ui.px(10), height), ui.px(10), ui.px(2))
        stripe = mix(
            theme.surface, theme.text, 0.05 if head or (number % 2 and theme.gap % 2) else 0.0
        )
        return layered(plate(width, body.height, stripe), body)

    rows = [line(True, 0)]
    for number in range(min(rng.randint(5, 12), (canvas.height - top) // (height + ui.px(6)))):
        rows += [rule(here, width), line(False, number)]
    parts.append(column(rows, 0))
    if ui.chance(0.6):
        parts.append(
            row([text(ui, "1-10 of 248", 0.85, theme.muted), pagination(ui)], 0, width, "between")
        )
    column(parts, ui.px(10), width).paint(canvas, left + margin, top + ui.px(12))


def _cell(ui: Ui, kind: str, width: int, act: str, faces: bool) -> Node:
    theme, rng = ui.theme, ui.rng
    if kind == "link":
        name = rng.choice((*words.NAMES, *words.PRODUCTS))
        if theme.face().length(name) > width - ui.px(32):
            return link(ui, f"#{rng.randint(1000, 9999)}")
        return row([avatar(ui, 22), link(ui, name)], ui.px(6)) if faces else link(ui, name)
    if kind == "badge":
        return badge(ui)
    if kind == "toggle":
        return toggle(ui)
    if kind == "number":
        return text(ui, words.price(rng), 0.92, width=width)
    if kind == "text":
        return text(ui, words.phrase(rng), 0.92, theme.muted, width=width)
    if act == "button":
        return button(ui, rng.choice(("Edit", "View", "Open")), small=True)
    if act == "links":
        return row(
            [link(ui, "Edit", 0.9), link(ui, "Delete", 0.9)][: 2 if width > ui.px(90) else 1],
            ui.px(8),
        )
    if act == "more":
        return icon_button(ui, "more", "bare", 26)
    return row([icon(ui, name, 17) for name in ("pen", "trash")], ui.px(9))
