"""Tables with tools around them."""

from __future__ import annotations

from gui_screens.rendered.pages.page import Page, bar, box, columns, row, spread, stack


def table_users(p: Page) -> str:
    """People with a check box, a picture, a switch and an action each."""
    wide = not p.narrow
    rows = []
    for _ in p.times(5, 7):
        cells = [p.checkbox("", 0.3), p.avatar(30), p.text(p.words.name())]
        cells += [p.link(p.words.email()) if p.chance(0.5) else p.badge()] if wide else []
        rows.append([*cells, p.toggle(), p.icon(p.rng.choice(["edit", "trash", "mail"]), 20)])
    head = [
        p.checkbox("", 0.2),
        "",
        p.words.field(),
        *([p.words.item()] if wide else []),
        "",
        "",
    ]
    tools = row(
        p.search(),
        f'<span style="width:130px">{p.dropdown()}</span>',
        p.button(icon="plus"),
    )
    views = row(*p.radios(3), p.slider("110px"), style="gap:18px")
    foot = spread(p.note(), row(p.button(tone="secondary"), p.button(tone="secondary"), p.link()))
    return box(stack(p.title(level=2), tools, views, p.table(head, rows), foot))


def table_files(p: Page) -> str:
    """A file manager: tree, list, preview."""
    tree = "" if p.narrow else (
        '<aside class="l-aside" style="width:150px">'
        + "".join(p.nav_link(name) for name in ("home", "folder", "star", "clock", "trash"))
        + p.slider()
        + "</aside>"
    )  # fmt: skip
    rows = [
        [p.checkbox("", 0.3), p.icon(p.rng.choice(["file", "folder", "camera"]), 20)]
        + [p.link(p.words.file()), p.text(p.words.date())]
        + ([] if p.narrow else [p.icon_button(p.rng.choice(["download", "share"]), "plain")])
        for _ in p.times(5, 6)
    ]
    head = ["", "", p.words.item(), p.words.item(), *([] if p.narrow else [""])]
    tools = row(
        p.icon_button("back"),
        p.input(),
        p.button(icon="download"),
        style="flex-wrap:nowrap",
    )
    view = row(
        *p.radios(2),
        f'<span style="width:120px">{p.dropdown()}</span>',
        p.toggle(p.words.item()),
    )
    pictures = row(
        *[p.image("photo", 96, 64, "border-radius:4px") for _ in range(3 if p.narrow else 4)]
    )
    main = stack(tools, view, p.table(head, rows), pictures, row(p.button(), p.checkbox()))
    return f'<div class="l-side">{tree}<main class="l-main">{main}</main></div>'


def table_invoices(p: Page) -> str:
    """Filters above, sums on the right, pages below."""
    rows = [
        [
            p.checkbox("", 0.4),
            p.link(f"#{p.rng.randint(1000, 9999)}"),
            p.text(p.words.date()),
        ]
        + ([] if p.narrow else [p.text(p.words.name()), p.badge()])
        + [
            f"<b>{p.words.price()}</b>",
            p.icon(p.rng.choice(["download", "mail", "eye"]), 20),
        ]
        for _ in p.times(4, 6)
    ]
    head = [
        "",
        "No.",
        p.words.item(),
        *([] if p.narrow else [p.words.field(), ""]),
        "",
        "",
    ]
    filters = p.card(
        row(
            p.field(p.input()),
            p.field(p.dropdown(), p.words.item()),
            p.field(p.dropdown()),
        ),
        row(*p.radios(3), p.toggle(p.words.item()), style="gap:18px"),
        row(p.slider("160px"), p.button(), p.button(tone="secondary")),
    )
    top = bar(
        p.image("art", 34, 34, "border-radius:8px"),
        p.title(),
        '<span class="l-grow"></span>',
        p.icon("bell", 22),
        p.avatar(34),
    )
    chart = p.image("chart", 260, 90, "width:100%")
    foot = row(*[p.button(str(n), "secondary") for n in (1, 2, 3)], p.button(), p.link())
    return top + box(stack(filters, p.table(head, rows), foot, chart))


def table_editable(p: Page) -> str:
    """Text fields and drop-downs inside the cells."""
    rows = [
        [
            p.checkbox("", 0.5),
            *([] if p.narrow else [p.image("product", 40, 34, "border-radius:3px")]),
            f'<div style="width:110px">{p.input()}</div>',
            f'<div style="width:108px">{p.dropdown()}</div>',
            *([] if p.narrow else [p.toggle()]),
            p.icon("trash", 20),
        ]
        for _ in p.times(4, 5)
    ]
    head = ["", *([] if p.narrow else [""]), p.words.field(), p.words.item()]
    head += ["", *([] if p.narrow else [""])]
    tools = spread(
        row(p.button(icon="plus"), p.button(tone="danger", icon="trash")),
        row(p.link(), p.link()),
    )
    side = p.card(
        p.image("photo", 150, 84, "width:100%"),
        *p.radios(3),
        p.toggle(p.words.phrase()),
        p.slider(),
        p.checkbox(),
        title=p.words.item(),
    )
    body = (
        stack(p.table(head, rows), side)
        if p.narrow or p.width < 640
        else columns("1fr 170px", p.table(head, rows), side)
    )
    foot = row(p.button(), p.button(tone="secondary"))
    return box(stack(p.title(level=2), tools, body, foot))
