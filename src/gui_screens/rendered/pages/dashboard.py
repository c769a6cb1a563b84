"""Dashboards."""

from __future__ import annotations

from gui_screens.rendered.pages.page import (
    Page,
    bar,
    box,
    columns,
    grid,
    row,
    spread,
    stack,
)


def dash_tiles(p: Page) -> str:
    """Icon rail, tiles of figures, charts under a row of filters."""
    icons = p.rng.sample(["home", "user", "folder", "calendar", "mail", "settings", "bell"], 5)
    rail = "" if p.narrow else (
        '<aside class="l-aside" style="width:56px;padding:14px 10px">'
        + stack(*[p.icon(name, 24) for name in icons], style="gap:20px;align-items:center")
        + "</aside>"
    )  # fmt: skip
    tiles = [
        p.card(
            spread(p.note(p.words.item()), p.icon(size=20)),
            f"<b>{p.words.number()}</b>",
            p.link(),
        )
        for _ in range(2 if p.narrow else 3)
    ]
    filters = row(
        f'<span style="width:120px">{p.dropdown()}</span>',
        f'<span style="width:120px">{p.dropdown()}</span>',
        p.toggle(p.words.item()),
        p.button(icon="download"),
    )
    tasks = p.card(*[p.checkbox() for _ in range(3)], *p.radios(2), title=p.words.item())
    chart = p.card(p.image("chart", 320, 170, "width:100%"), p.slider(), title=p.words.title())
    head = spread(
        p.title(level=2),
        row(f'<span style="width:150px">{p.search()}</span>', p.avatar(34)),
    )
    lower = stack(chart, tasks) if p.narrow else columns("1.7fr 1fr", chart, tasks)
    main = stack(head, filters, grid(len(tiles), *tiles), lower)
    return f'<div class="l-side">{rail}<main class="l-main">{main}</main></div>'


def dash_home(p: Page) -> str:
    """Rooms of a house: pictures, switches, dimmers."""

    def room() -> str:
        return p.card(
            p.image("photo", 160, 64, "width:100%;border-radius:5px"),
            spread(p.text(p.words.item()), p.toggle()),
            p.slider(),
        )

    rooms = grid(2 if p.narrow else 3, *[room() for _ in range(4 if p.narrow else 3)])
    climate = p.card(
        row(p.icon("sun", 24), p.slider("50%"), p.text(f"{p.rng.randint(16, 24)} °C")),
        row(*p.radios(3), style="gap:16px"),
        p.field(p.dropdown(), p.words.item()),
        title=p.words.item(),
    )
    rules = p.card(
        p.checkbox(),
        p.checkbox(),
        p.checkbox(),
        p.input(),
        row(p.button(icon="plus"), p.link()),
        title=p.words.title(),
    )
    top = bar(
        p.icon("home", 24),
        p.title(),
        '<span class="l-grow"></span>',
        p.link(p.words.item()),
        p.link(p.words.item()) if not p.narrow else "",
        p.icon("settings", 22),
    )
    lower = [climate, rules]
    p.rng.shuffle(lower)
    return top + box(stack(rooms, grid(1 if p.narrow else 2, *lower)))


def dash_media(p: Page) -> str:
    """A music library with the player at the bottom."""
    albums = [
        stack(
            p.image("photo", 110, 90, "width:100%;border-radius:6px"),
            p.text(p.words.product()),
            p.link(p.words.name()),
            style="gap:2px",
        )
        for _ in range(2 if p.narrow else 4)
    ]
    filters = p.card(
        p.checkbox(), p.checkbox(), *p.radios(3), p.toggle(p.words.item()), p.dropdown()
    )
    songs = stack(
        *[
            spread(
                row(p.checkbox("", 0.3), p.text(p.words.product())),
                row(p.icon("heart", 18), p.note("3:1" + str(p.rng.randint(0, 9)))),
            )
            for _ in p.times(3, 4)
        ]
    )
    player = (
        '<div class="l-tabbar" style="gap:14px;padding:9px 16px;align-items:center">'
        f"{p.image('art', 40, 40, 'border-radius:4px')}{p.icon_button('back')}"
        f"{p.icon_button('star', 'primary')}{p.slider('40%')}{p.icon('phone', 20)}"
        f"{p.slider('16%')}</div>"
    )
    head = row(p.title(level=2), p.search(), p.button(icon="plus"), p.icon("user", 22))
    lower = stack(songs, filters) if p.narrow else columns("1.6fr 1fr", songs, filters)
    return box(stack(head, grid(len(albums), *albums), lower)) + player


def dash_projects(p: Page) -> str:
    """Cards of projects with people and tasks."""

    def project() -> str:
        return p.card(
            spread(p.badge(), p.icon(p.rng.choice(["star", "edit", "share"]), 20)),
            p.checkbox(),
            p.checkbox(),
            row(*[p.avatar(28) for _ in p.times(2, 3)], style="gap:4px"),
            spread(p.link(), p.toggle()),
            title=p.words.product(),
        )

    cards = grid(1 if p.narrow else 2, *[project() for _ in range(2)])
    filters = p.card(
        p.search(),
        p.dropdown(),
        *p.radios(3),
        p.slider(),
        p.button(tone="secondary"),
        title=p.words.item(),
    )
    tools = row(
        p.button(icon="plus"),
        p.button(tone="secondary", icon="filter"),
        *[p.link(p.words.item()) for _ in range(1 if p.narrow else 3)],
    )
    chart = p.image("chart", 300, 120, "width:100%")
    return box(
        stack(
            p.title(level=2),
            tools,
            stack(cards, filters) if p.narrow else columns("2.1fr 1fr", cards, filters),
            p.card(chart, title=p.words.title()),
        )
    )
