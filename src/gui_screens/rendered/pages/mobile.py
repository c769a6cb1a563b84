"""Mobile views: one narrow column, often with a bar of icons at the bottom."""

from __future__ import annotations

from gui_screens.rendered.pages.page import Page, bar, box, grid, row, spread, stack


def _top(p: Page, left: str = "back", right: str = "bell") -> str:
    return bar(p.icon(left, 24), p.title(), '<span class="l-grow"></span>', p.icon(right, 24))


def _tabbar(p: Page, names: list[str]) -> str:
    tabs = "".join(
        f'<div class="l-tab">{p.icon(name, 24)}{p.link(p.words.item()[:9])}</div>' for name in names
    )
    return f'<div class="l-tabbar">{tabs}</div>'


def mobile_feed(p: Page) -> str:
    """Posts with pictures, a field to write, a bar of icons."""

    def post() -> str:
        return p.card(
            row(
                p.avatar(38),
                stack(p.text(p.words.name()), p.note(p.words.date()), style="gap:0"),
            ),
            p.image("photo", 320, 130, "width:100%;border-radius:6px"),
            row(p.icon("heart", 22), p.icon("mail", 22), p.icon("share", 22), p.link()),
        )

    write = row(p.avatar(36), f'<span class="l-grow">{p.input()}</span>', p.button())
    poll = p.card(
        *p.radios(3),
        spread(p.button(tone="secondary"), p.link()),
        title=p.words.prose(),
    )
    choice = row(
        f'<span style="width:130px">{p.dropdown()}</span>',
        p.toggle(p.words.item()),
        p.checkbox(),
    )
    slide = p.card(row(p.icon("sun"), f'<span class="l-grow">{p.slider()}</span>'), p.checkbox())
    parts = [post(), poll, slide, choice]
    p.rng.shuffle(parts)
    return (
        _top(p, "menu", "search")
        + box(stack(write, *parts), style="padding:12px")
        + _tabbar(p, p.rng.sample(["home", "search", "bell", "user", "heart"], 4))
    )


def mobile_settings(p: Page) -> str:
    """Grouped lines with switches, as phones show them."""

    def group(*controls: str) -> str:
        return p.card(*[p.setting(control) for control in controls], style="gap:0")

    groups = [
        group(p.toggle(), p.toggle(), p.dropdown()),
        group(p.slider("140px"), p.toggle(), p.link()),
        p.card(*p.radios(3), p.checkbox(), p.checkbox(), title=p.words.item()),
    ]
    p.rng.shuffle(groups)
    profile = row(p.avatar(54), stack(p.title(p.words.name()), p.link(), style="gap:0"))
    foot = row(p.button(), p.button(tone="danger", icon="lock"))
    return _top(p) + box(stack(p.search(), profile, *groups[:2], foot, groups[2]))


def mobile_booking(p: Page) -> str:
    """A hotel: picture, dates, guests, extras."""
    form = p.card(
        row(p.field(p.input(p.words.date())), p.field(p.dropdown(), p.words.item())),
        row(*p.radios(3), style="gap:14px"),
        p.field(p.slider(), p.words.price()),
        p.checkbox(),
        p.checkbox(),
        p.setting(p.toggle()),
        row(p.button(icon="calendar"), p.link()),
    )
    thumbs = row(*[p.image("photo", 76, 58, "border-radius:5px") for _ in range(4)])
    facts = row(
        *[p.icon(name, 24) for name in ("wifi", "phone", "pin", "sun")],
        style="gap:22px",
    )
    hero = p.image("photo", p.width, 150, "width:100%")
    return (
        _top(p, "back", "heart")
        + hero
        + box(stack(p.title(p.words.product(), 2), facts, form, thumbs))
    )


def mobile_login(p: Page) -> str:
    """Signing in on a phone."""
    logo = p.image("art", 84, 84, "border-radius:20px;margin:8px auto")
    ways = grid(
        2,
        p.button(tone="secondary", icon="mail"),
        p.button(tone="secondary", icon="phone"),
    )
    form = stack(
        p.field(p.input(kind="email")),
        p.field(p.input(kind="password")),
        p.field(p.dropdown()),
        spread(p.checkbox(), p.link()),
        row(*p.radios(2), style="gap:20px"),
        p.button(),
        p.link(),
        ways,
        p.setting(p.toggle()),
        p.field(p.slider(), p.words.item()),
        p.checkbox(),
        row(p.icon("info"), p.note()),
    )
    return box(stack(spread(p.icon("close", 24), p.link()), logo, p.title(level=2), form))


def mobile_filters(p: Page) -> str:
    """A sheet of filters drawn over a list."""
    lines = [
        row(
            p.image("photo", 84, 62, "border-radius:6px"),
            stack(p.text(p.words.product()), p.link(), style="gap:0"),
            '<span class="l-grow"></span>',
            p.icon("heart", 22),
        )
        for _ in range(6)
    ]
    sheet = (
        '<div class="l-sheet">'
        + spread(p.title(), p.icon_button("close"))
        + row(*p.radios(3), style="gap:14px")
        + row(p.checkbox(), p.checkbox())
        + p.field(p.slider(), p.words.price())
        + row(p.field(p.dropdown(), p.words.item()), p.field(p.input()))
        + p.setting(p.toggle())
        + spread(p.link(), p.button(icon="filter"))
        + "</div>"
    )
    return _top(p, "menu", "filter") + box(stack(p.search(), *lines)) + sheet


def mobile_player(p: Page) -> str:
    """A player with its cover, and what comes next."""
    cover = p.image("photo", 220, 190, "width:100%;border-radius:12px")
    keys = row(
        p.icon("share", 24),
        p.icon_button("back"),
        p.icon_button("star", "primary", 26),
        p.icon_button("plus"),
        p.icon("heart", 24),
        style="justify-content:space-around",
    )
    volume = row(p.icon("bell", 20), f'<span class="l-grow">{p.slider()}</span>')
    queue = [
        row(
            p.checkbox("", 0.4),
            p.image("art", 36, 36, "border-radius:4px"),
            p.link(p.words.product()),
        )
        for _ in p.times(2, 3)
    ]
    options = row(
        p.toggle(p.words.item()),
        *p.radios(2),
        f'<span style="width:120px">{p.dropdown()}</span>',
    )
    return _top(p, "menu", "settings") + box(
        stack(
            cover,
            p.title(p.words.product()),
            p.slider(),
            keys,
            volume,
            options,
            p.input() if p.chance(0.6) else p.search(),
            *queue,
            p.button(icon="plus"),
        )
    )
