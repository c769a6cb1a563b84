"""Dialogs, windows and pop-overs."""

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


def _backdrop(p: Page) -> str:
    """What lies, blurred, behind a dialog."""
    cards = [
        p.card(p.image("photo", 120, 70, "width:100%"), p.button(), p.note()) for _ in range(3)
    ]
    return bar(p.icon("menu"), p.title(), p.link()) + box(grid(3, *cards))


def _modal(p: Page, width: int, *parts: str) -> str:
    inner = f'<div class="l-modal" style="max-width:{width}px">{"".join(parts)}</div>'
    return f'{_backdrop(p)}<div class="l-veil">{inner}</div>'


def dialog_prefs(p: Page) -> str:
    """Preferences over a blurred page."""
    tabs = "".join(p.link(p.words.item()) for _ in range(3))
    left = stack(
        p.field(p.input()),
        p.field(p.dropdown()),
        row(*p.radios(2), style="gap:18px"),
        p.checkbox(),
        p.checkbox(),
    )
    right = stack(
        p.image("photo", 180, 84, "width:100%;border-radius:6px"),
        p.setting(p.toggle()),
        p.setting(p.toggle()),
        p.field(p.slider(), p.words.item()),
    )
    body = stack(left, right) if p.narrow else grid(2, left, right)
    return _modal(
        p,
        600,
        spread(row(p.icon("settings", 22), p.title()), p.icon_button("close")),
        f'<div class="l-tabs">{tabs}</div>',
        body,
        spread(p.link(), row(p.button(tone="secondary"), p.button())),
    )


def dialog_share(p: Page) -> str:
    """People and their rights, over a blurred page."""
    people = [
        row(
            p.avatar(34),
            f'<span class="l-grow l-t">{p.words.name()}</span>',
            f'<span style="width:112px">{p.dropdown()}</span>',
            p.icon("close", 18),
        )
        for _ in p.times(2, 4)
    ]
    link = row(p.icon("globe", 20), p.link(), '<span class="l-grow"></span>', p.toggle())
    return _modal(
        p,
        470,
        spread(p.title(), p.icon_button("info", "plain")),
        row(f'<span class="l-grow">{p.search()}</span>', p.button(icon="plus")),
        *people,
        link,
        row(*p.radios(2), style="gap:18px"),
        p.area(2) if p.chance(0.6) else p.slider(),
        row(p.checkbox(), p.checkbox()),
        spread(p.link(), row(p.button(tone="secondary"), p.button(icon="share"))),
    )


def dialog_window(p: Page) -> str:
    """A window of options on a plain desktop, a second one beside it."""
    options = p.card(
        f'<div class="l-tabs">{p.link(p.words.item())}{p.link(p.words.item())}</div>',
        p.field(p.input()),
        p.field(p.dropdown()),
        grid(2, stack(*p.radios(3)), stack(*[p.checkbox() for _ in range(3)])),
        p.setting(p.slider("120px")),
        p.setting(p.toggle()),
        row(p.button(), p.button(tone="secondary"), p.button(tone="secondary")),
        title=p.words.title(),
    )
    viewer = p.card(
        p.image("photo", 200, 120, "width:100%"),
        row(*[p.icon(size=22) for _ in range(4)], style="gap:16px"),
        p.slider(),
        row(p.checkbox(), p.link()),
        p.button(),
        title=p.words.file(),
    )
    desk = row(
        *[
            stack(
                p.icon(name, 30),
                p.text(p.words.item()),
                style="align-items:center;width:84px;overflow:hidden;color:#fff",
            )
            for name in p.rng.sample(["folder", "file", "trash", "globe", "mail"], 4)
        ],
        style="flex-wrap:nowrap",
    )
    windows = [options, viewer]
    p.rng.shuffle(windows)
    layout = stack(*windows) if p.narrow else columns("1fr 1fr", *windows)
    hue = p.rng.randint(0, 359)
    return (
        f'<div style="min-height:100vh;padding:14px;background:linear-gradient(160deg,'
        f'hsl({hue},45%,32%),hsl({hue + 50},45%,45%))">{stack(desk, layout)}</div>'
    )


def dialog_popover(p: Page) -> str:
    """A filter pop-over that covers part of a list."""
    lines = [
        p.card(
            spread(
                row(
                    p.image("product", 52, 44, "border-radius:4px"),
                    stack(p.text(p.words.product()), p.link(), style="gap:0"),
                ),
                row(p.toggle(), p.icon_button("edit")),
            )
        )
        for _ in range(5)
    ]
    pop = (
        f'<div class="l-pop" style="width:230px;inset-inline-end:{p.rng.randint(10, 60)}px;'
        f'top:{p.rng.randint(62, 96)}px">'
        + p.title(level=5)
        + stack(*p.radios(3))
        + stack(p.checkbox(), p.checkbox(), p.checkbox())
        + p.dropdown()
        + p.slider()
        + spread(p.link(), p.button())
        + "</div>"
    )
    head = row(p.icon("menu", 22), p.title(level=2), p.search(), p.button(icon="filter"))
    return box(stack(head, *lines)) + pop


def dialog_export(p: Page) -> str:
    """A narrow dialog of choices and one slider."""
    formats = [
        spread(radio, p.icon(name, 20))
        for radio, name in zip(p.radios(3), ("file", "folder", "mail"), strict=True)
    ]
    return _modal(
        p,
        420,
        row(p.image("photo", 96, 64, "border-radius:5px"), stack(p.title(), p.note())),
        *formats,
        p.field(p.input(p.words.file())),
        row(p.field(p.dropdown(), p.words.item()), p.field(p.slider(), p.words.item())),
        spread(p.toggle(p.words.phrase()), p.link()),
        p.checkbox(),
        p.checkbox(),
        row(
            p.button(icon="download"),
            p.button(tone="secondary"),
            p.button(tone="danger"),
        ),
    )
