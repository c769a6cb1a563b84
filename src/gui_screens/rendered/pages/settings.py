"""Settings panes."""

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


def settings_sidebar(p: Page) -> str:
    """A menu at the side, cards of labelled lines in the middle."""
    icons = p.rng.sample(["user", "lock", "bell", "globe", "wifi", "moon", "folder", "info"], 6)
    side = "" if p.narrow else (
        f'<aside class="l-aside">{p.search()}'
        + "".join(p.nav_link(icon) for icon in icons)
        + "</aside>"
    )  # fmt: skip
    lines = [
        p.setting(p.toggle(), note=p.chance(0.4)),
        p.setting(p.toggle()),
        p.setting(p.dropdown(), p.words.item()),
        p.setting(p.slider("130px"), p.words.item()),
    ]
    profile = p.card(
        row(
            p.avatar(52),
            stack(p.text(p.words.name()), p.link(), style="gap:2px"),
            '<span class="l-grow"></span>',
            p.button(tone="secondary", icon="camera"),
        )
    )
    choice = p.card(*p.radios(3), title=p.words.title())
    marks = p.card(*[p.checkbox() for _ in p.times(2, 3)], title=p.words.item())
    main = stack(
        p.title(level=2),
        profile,
        p.card(p.shuffled(lines), title=p.words.item()),
        grid(2, choice, marks),
        row(p.field(p.input()), p.field(p.input(kind="email"))),
        row(p.button(), p.button(tone="secondary"), p.link()),
    )
    return f'<div class="l-side">{side}<main class="l-main">{main}</main></div>'


def settings_tabs(p: Page) -> str:
    """Tabs of links above a form of two columns."""
    tabs = "".join(p.link(p.words.item()) for _ in range(3 if p.narrow else 5))
    fields = [
        p.field(p.input()),
        p.field(p.dropdown()),
        p.field(p.input(kind="email")),
        p.field(p.open_dropdown() if p.chance(0.3) else p.dropdown()),
    ]
    left = stack(p.shuffled(fields), p.field(p.area(2)))
    right = p.card(
        row(
            p.image("photo", 108, 72, "border-radius:6px"),
            p.icon_button("trash", "plain"),
        ),
        p.setting(p.toggle(), p.words.phrase()),
        p.setting(p.toggle(), p.words.phrase()),
        p.checkbox(),
        p.checkbox(),
        *p.radios(2),
        p.slider(),
        title=p.words.item(),
    )
    body = columns("1fr" if p.narrow else "1.1fr 1fr", left, right)
    top = bar(
        p.icon("menu", 22),
        p.title(),
        '<span class="l-grow"></span>',
        p.icon("bell", 22),
    )
    foot = spread(p.link(), row(p.button(tone="secondary"), p.button(icon="edit")))
    return top + box(stack(f'<div class="l-tabs">{tabs}</div>', body, foot))


def settings_audio(p: Page) -> str:
    """Mixer: many sliders, inputs and outputs, a preview picture."""
    channels = [
        row(
            p.icon(p.rng.choice(["phone", "bell", "wifi", "camera", "globe"]), 20),
            f'<span style="width:86px" class="l-t">{p.words.item()}</span>',
            f'<span class="l-grow">{p.slider()}</span>',
            p.toggle(),
        )
        for _ in p.times(3, 4)
    ]
    preview = p.card(
        p.image("photo", 190, 106, "width:100%;border-radius:4px"),
        p.field(p.dropdown(), p.words.item()),
        row(p.button(icon="camera"), p.link()),
    )
    modes = p.card(*p.radios(3), p.checkbox(), p.checkbox(), title=p.words.item())
    mixer = p.card(*channels, title=p.words.title())
    names = row(p.field(p.dropdown()), p.field(p.input()))
    head = spread(p.title(level=2), row(p.icon_button("close"), p.button(tone="secondary")))
    body = (
        stack(mixer, preview, modes)
        if p.narrow
        else columns("1.4fr 1fr", stack(mixer, modes), preview)
    )
    return box(stack(head, names, body, row(p.button(), p.link())))


def settings_privacy(p: Page) -> str:
    """Blocks of radio buttons, each with its own explanation and link."""

    def block() -> str:
        return p.card(p.note(), *p.radios(3), p.link(), title=p.words.item())

    switches = p.card(
        *[p.setting(p.toggle(), note=p.chance(0.3)) for _ in p.times(2, 3)],
        p.setting(p.dropdown(), p.words.item()),
        title=p.words.title(),
    )
    people = p.card(
        *[
            spread(row(p.avatar(30), p.text(p.words.name())), p.icon_button("trash"))
            for _ in p.times(2, 3)
        ],
        p.input(),
        p.slider(),
    )
    columns_ = 1 if p.narrow else 2
    parts = p.shuffled([block(), switches, people, p.card(p.checkbox(), p.checkbox(), p.area(2))])
    top = bar(
        p.icon("back", 22),
        p.title(),
        '<span class="l-grow"></span>',
        p.icon("lock", 22),
    )
    actions = row(p.button(), p.button(tone="danger", icon="trash"), p.link())
    return top + box(stack(actions, grid(columns_, parts)))


def settings_list(p: Page) -> str:
    """One long list in one column, every line with its icon."""
    names = p.rng.sample(["wifi", "moon", "globe", "bell", "lock", "sun", "folder", "clock"], 6)
    controls = [
        p.toggle(),
        p.toggle(),
        p.dropdown(),
        p.slider("120px"),
        p.link(),
        p.toggle(),
    ]
    p.rng.shuffle(controls)
    lines = [
        f'<div class="l-set">{p.icon(name, 22)}<div class="l-setl">{p.words.item()}</div>'
        f'<div class="l-setc">{control}</div></div>'
        for name, control in zip(names, controls, strict=True)
    ]
    profile = row(
        p.avatar(56),
        stack(p.title(p.words.name()), p.link(), style="gap:0"),
        style="gap:14px",
    )
    extra = row(*p.radios(2), p.checkbox())
    foot = row(p.button(), p.button(tone="secondary"), p.checkbox())
    pieces = [
        p.search(),
        p.card(*lines),
        p.card(extra, p.input(), title=p.words.item()),
        foot,
    ]
    banner = p.image("photo", 200, 70, "width:100%;border-radius:6px")
    width = "100%" if p.narrow else "440px"
    return box(
        f'<div style="max-width:{width};margin:0 auto">'
        + stack(profile, banner if p.chance(0.5) else "", *pieces)
        + "</div>"
    )
