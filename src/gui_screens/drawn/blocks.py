"""Parts that several screens share: headers, bars, groups of options, cards, list rows."""

from __future__ import annotations

from collections.abc import Callable

from gui_screens.drawn import words
from gui_screens.drawn.canvas import Canvas, Color, Shadow
from gui_screens.drawn.controls import button, icon_button
from gui_screens.drawn.inputs import dropdown, field, text_input
from gui_screens.drawn.layout import Node, box, column, fit, pad, row, space
from gui_screens.drawn.pictures import avatar, picture
from gui_screens.drawn.text import Ui, icon, link, text
from gui_screens.drawn.theme import mix
from gui_screens.drawn.toggles import checkbox, radio, slider, toggle


def fill(make: Callable[[], Node], height: int, gap: int) -> list[Node]:
    """As many made nodes as it takes to reach ``height`` pixels, the last cut by the edge."""
    nodes: list[Node] = []
    used = 0
    while used < height:
        nodes.append(make())
        used += nodes[-1].height + gap
    return nodes


def bar(ui: Ui, canvas: Canvas, y: int, height: int, color: Color, top: bool) -> None:
    """Paint a full-width bar that hides what was there, with its edge or shadow."""
    canvas.cover(0, y, canvas.width, height)
    if ui.theme.shadow:
        canvas.shadow(0, y, canvas.width, height, 0, Shadow(ui.px(4), 60, 0))
    canvas.rect(0, y, canvas.width, height, color)
    edge = y + height - ui.theme.line if top else y
    canvas.rect(0, edge, canvas.width, ui.theme.line, mix(color, ui.theme.border, 0.6))


def header(ui: Ui, canvas: Canvas) -> int:
    """Paint the bar at the top: brand, navigation, actions. Returns its height."""
    theme, rng = ui.theme, ui.rng
    color = rng.choice((theme.surface, theme.surface, theme.background, theme.accent))
    ink = theme.on_accent if color == theme.accent else theme.text
    here = ui.on(color)
    height = max(ui.px(rng.choice((44, 52, 56, 60))), theme.control + ui.px(10))
    bar(here, canvas, 0, height, color, top=True)
    margin = ui.px(rng.choice((10, 14, 20)))
    narrow = canvas.width < ui.px(520)
    left: list[Node] = []
    if ui.chance(0.5 if narrow else 0.15):
        left.append(
            icon_button(here, rng.choice(("menu", "arrow-left", "left")), "bare", 32)
            if color != theme.accent
            else icon(here, "menu", 22, ink)
        )
    elif ui.chance(0.45):
        side = ui.px(26)
        left.append(picture(here, side, side, "logo"))
    left.append(text(here, rng.choice(words.BRANDS), 1.2, ink, bold=True))
    if not narrow and ui.chance(0.85):
        names = rng.sample(words.NAV, rng.randint(3, 6))
        links = [_nav_link(here, name, ink if color == theme.accent else None) for name in names]
        left += fit(links, ui.px(16), int(canvas.width * 0.5))
    right: list[Node] = []
    if not narrow and ui.chance(0.35):
        right.append(text_input(here, ui.px(140), "Search", glyph="search"))
    for name in rng.sample(
        ("search", "bell", "cart", "heart", "user", "globe", "gear"), rng.randint(0, 3)
    ):
        as_button = color != theme.accent and ui.chance(0.5)
        right.append(
            icon_button(here, name, "bare", 32) if as_button else icon(here, name, 20, ink)
        )
    if ui.chance(0.4):
        right.append(avatar(here, 30))
    elif not narrow and ui.chance(0.5) and color != theme.accent:
        right.append(button(here, rng.choice(("Sign in", "Sign up", "Get started")), small=True))
    gap = ui.px(12)
    room = canvas.width - 2 * margin
    lead = row(fit(left, gap, room), gap)
    tail = row(fit(right, gap, room - lead.width - gap), gap)
    line = row([lead, tail], 0, room, "between")
    line.paint(canvas, margin, (height - line.height) // 2)
    return height


def _nav_link(ui: Ui, name: str, ink: Color | None) -> Node:
    if ink is None:
        return link(ui, name, 0.95, plain=ui.chance(0.7))
    return link_as(ui, name, ink, 0.95)


def link_as(ui: Ui, name: str, ink: Color, size: float) -> Node:
    """A link of navigation in a colour of its own, without a line under it."""
    node = text(ui, name, size, ink)
    ascent, descent = ui.theme.face(size).metrics

    def paint(canvas: Canvas, x: int, y: int) -> None:
        node.paint(canvas, x, y)
        top = y + (node.height - ascent - descent) // 2
        canvas.label("link", x, top, node.width, ascent + descent)

    return Node(node.width, node.height, paint)


def tab_bar(ui: Ui, canvas: Canvas) -> None:
    """Paint a phone's bar of tabs at the bottom: icons over links."""
    theme, rng = ui.theme, ui.rng
    height = ui.px(rng.choice((50, 56, 62)))
    top = canvas.height - height
    color = theme.surface
    bar(ui, canvas, top, height, color, top=False)
    names = rng.sample(
        ("home", "search", "heart", "bell", "user", "cart", "chat", "grid", "calendar"),
        rng.choice((3, 4, 4, 5)),
    )
    captions = ui.chance(0.7)
    cell = canvas.width // len(names)
    chosen = rng.randrange(len(names))
    for number, name in enumerate(names):
        ink = theme.accent if number == chosen else theme.muted
        parts = [icon(ui, name, 22, ink)]
        if captions:
            parts.append(link_as(ui, rng.choice(words.NAV)[:8], ink, 0.72))
        inner = column(parts, 0, align=0.5)
        x = number * cell
        inner.paint(canvas, x + (cell - inner.width) // 2, top + (height - inner.height) // 2)


def options(ui: Ui, width: int, kind: str, count: int) -> Node:
    """A group of checkboxes or radio buttons with their texts."""
    rng = ui.rng
    chosen = rng.randrange(count)
    make: list[Node] = []
    for number, name in enumerate(rng.sample(words.OPTIONS, count)):
        control = checkbox(ui) if kind == "checkbox" else radio(ui, number == chosen)
        caption = text(ui, name, width=max(ui.px(30), width - control.width - ui.px(8)))
        make.append(row([control, caption], ui.px(7)))
    if ui.chance(0.3) and sum(n.width + ui.px(14) for n in make) < width:
        return row(make, ui.px(14))
    return column(make, max(ui.px(5), ui.theme.gap * 3 // 4))


def labelled_slider(ui: Ui, width: int) -> Node:
    """A slider under its name and value."""
    rng = ui.rng
    name = text(ui, rng.choice(words.SLIDERS), 0.92)
    value = text(ui, f"{rng.randint(1, 100)}%", 0.88, ui.theme.muted)
    track = slider(ui, int(width * rng.choice((1.0, 1.0, 0.7))))
    if ui.chance(0.25) and width > ui.px(160):
        side = ui.px(18) + ui.px(8)
        track = row(
            [
                icon(ui, rng.choice(("sun", "music", "minus")), 18),
                slider(ui, width - 2 * side),
                icon(ui, rng.choice(("sun", "music", "plus")), 18),
            ],
            ui.px(8),
        )
    return column([row([name, value], 0, width, "between"), track], ui.px(5), width)


def any_field(ui: Ui, width: int) -> Node:
    """A named text field or dropdown, now and then an area of text."""
    rng = ui.rng
    if ui.chance(0.3):
        name, value = rng.choice(words.CHOICES)
        return field(ui, width, name, dropdown(ui, width, value))
    name, value = rng.choice(words.FIELDS)
    glyph = (
        rng.choice(("mail", "user", "lock", "search", "calendar", "card"))
        if ui.chance(0.12)
        else ""
    )
    lines = rng.choice((2, 3)) if ui.chance(0.1) else 1
    control = text_input(ui, width, value, lines, glyph, secret="assword" in name)
    return field(ui, width, name, control)


def fields(ui: Ui, width: int, count: int) -> Node:
    """Named fields, some of them two to a line."""
    gap = max(ui.px(6), ui.theme.gap)
    parts: list[Node] = []
    while count > 0:
        half = (width - gap) // 2
        if count > 1 and half > ui.px(110) and ui.chance(0.4):
            pair = [any_field(ui, half), any_field(ui, half)]
            parts.append(row([box(node, half) for node in pair], gap, align=0.0))
            count -= 2
        else:
            parts.append(any_field(ui, width))
            count -= 1
    return column(parts, gap, width)


def setting_row(ui: Ui, width: int) -> Node:
    """A line of a settings list: a name, a note, and a control at the right."""
    theme, rng = ui.theme, ui.rng
    kind = rng.choices(
        ("toggle", "dropdown", "more", "checkbox", "button", "link", "slider"),
        (38, 14, 14, 9, 9, 8, 8),
    )[0]
    if kind == "slider":
        return pad(labelled_slider(ui, width), 0, ui.px(4))
    name = rng.choice(words.OPTIONS)
    control = {
        "toggle": lambda: toggle(ui),
        "dropdown": lambda: dropdown(ui, ui.px(rng.randint(84, 130)), rng.choice(words.CHOICES)[1]),
        "checkbox": lambda: checkbox(ui),
        "button": lambda: button(ui, small=True),
        "link": lambda: link(ui, rng.choice(("Edit", "Change", "Manage", "Add"))),
        "more": lambda: row(
            [
                text(ui, rng.choice(words.CHOICES)[1], 0.9, theme.muted, width=ui.px(90)),
                icon(ui, "right", 14, theme.muted),
            ],
            ui.px(6),
        ),
    }[kind]()
    lead = [icon(ui, css=20)] if theme.gap % 2 == 0 and ui.chance(0.9) else []
    room = width - control.width - sum(n.width for n in lead) - ui.px(24)
    lines = [text(ui, name, width=room)]
    if ui.chance(0.35):
        lines.append(text(ui, words.phrase(rng), 0.82, theme.muted, width=room))
    line = row([row([*lead, column(lines, 0)], ui.px(10)), control], 0, width, "between")
    return pad(line, 0, max(ui.px(4), theme.gap // 2))


def gap_below(ui: Ui) -> Node:
    """Some room between sections."""
    return space(0, ui.theme.gap)
