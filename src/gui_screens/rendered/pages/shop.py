"""Shops."""

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


def _top(p: Page) -> str:
    return bar(
        p.icon("menu", 22),
        p.title(),
        f'<span class="l-grow">{p.search()}</span>',
        "" if p.narrow else p.link(p.words.item()),
        p.icon("user", 22),
        p.icon("cart", 22),
    )


def shop_grid(p: Page) -> str:
    """Filters at the side, goods in a grid."""

    def item() -> str:
        return p.card(
            p.image("product", 130, 84, "width:100%;border-radius:4px"),
            p.text(p.words.product()),
            spread(f"<b>{p.words.price()}</b>", p.icon("heart", 20)),
            p.button(icon="cart") if p.chance(0.5) else p.button(),
        )

    filters = stack(
        p.title(p.words.item(), 5),
        *[p.checkbox() for _ in range(3)],
        *p.radios(3),
        p.slider(),
        p.toggle(p.words.item()),
        p.link(),
    )
    goods = grid(2 if p.width < 700 else 3, *[item() for _ in range(6)])
    sort = spread(p.note(), f'<span style="width:140px">{p.dropdown()}</span>')
    if p.narrow:
        chosen = row(p.toggle(p.words.item()), p.checkbox(), *p.radios(2), p.slider())
        return _top(p) + box(stack(sort, chosen, goods))
    body = columns("180px 1fr", filters, stack(sort, goods))
    return _top(p) + box(body)


def shop_product(p: Page) -> str:
    """One product in detail."""
    gallery = stack(
        p.image("product", 280, 190, "width:100%;border-radius:6px"),
        row(
            *[p.image("product", 54, 44, "border-radius:4px") for _ in range(4)],
            style="gap:6px",
        ),
    )
    sizes = row(*p.radios(4, ["S", "M", "L", "XL"]), style="gap:16px")
    details = stack(
        p.title(p.words.product(), 2),
        row(f"<b>{p.words.price()}</b>", p.badge(), p.link()),
        p.note(),
        sizes,
        row(
            p.field(p.dropdown(), p.words.item()),
            p.field(p.input(str(p.rng.randint(1, 9)))),
        ),
        p.checkbox(),
        p.checkbox(),
        row(p.button(icon="cart"), p.icon_button("heart"), p.icon_button("share")),
        p.setting(p.toggle()),
        p.field(p.slider(), p.words.item()),
    )
    body = stack(gallery, details) if p.narrow else columns("1fr 1.15fr", gallery, details)
    path = row(*[p.link(p.words.item()) for _ in range(3)], style="gap:18px")
    review = p.card(row(p.avatar(34), p.text(p.words.name())), p.note(), p.area(2), p.button())
    return _top(p) + box(stack(path, body, review))


def shop_cart(p: Page) -> str:
    """The basket, line by line, and the sum."""
    lines = [
        p.card(
            row(
                p.checkbox("", 0.8),
                p.image("product", 58, 50, "border-radius:4px"),
                stack(p.text(p.words.product()), p.link(), style="gap:0"),
                '<span class="l-grow"></span>',
                p.button("−", "secondary"),
                f"<b>{p.rng.randint(1, 9)}</b>",
                p.button("+", "secondary"),
                p.icon("trash", 20),
            )
        )
        for _ in p.times(2, 3)
    ]
    total = p.card(
        spread(p.text(p.words.item()), f"<b>{p.words.price()}</b>"),
        *[spread(radio, p.text(p.words.price())) for radio in p.radios(3)],
        p.dropdown(),
        row(f'<span class="l-grow">{p.input()}</span>', p.button(tone="secondary")),
        p.toggle(p.words.phrase()),
        p.field(p.slider(), p.words.item()),
        p.button(icon="lock"),
        title=p.words.title(),
    )
    offers = grid(
        3,
        *[stack(p.image("product", 90, 60, "width:100%"), p.link()) for _ in range(3)],
    )
    head = spread(row(p.icon("cart", 24), p.title(level=2)), p.link())
    body = (
        stack(*lines, total, offers)
        if p.narrow
        else columns("1.5fr 1fr", stack(*lines, offers), total)
    )
    return box(stack(head, body))


def shop_landing(p: Page) -> str:
    """A wide picture with an offer on it, shelves below."""
    links = "" if p.narrow else "".join(p.link(p.words.item()) for _ in range(4))
    top = bar(
        p.icon("star", 24),
        p.title(),
        '<span class="l-grow"></span>',
        links,
        p.icon("cart"),
    )
    hero = columns(
        "1fr" if p.narrow else "1fr 1.2fr",
        stack(
            p.title(level=1),
            p.note(),
            row(p.button(), p.button(tone="secondary")),
            p.checkbox(),
        ),
        p.image("photo", 330, 150, "width:100%;border-radius:8px"),
    )
    shelf = grid(
        2 if p.narrow else 4,
        *[
            stack(
                p.image("product", 110, 78, "width:100%;border-radius:5px"),
                spread(p.link(p.words.product()), p.icon("heart", 18)),
                style="gap:4px;overflow:hidden",
            )
            for _ in range(4)
        ],
    )
    finder = p.card(
        row(
            p.field(p.input()),
            p.field(p.dropdown(), p.words.item()),
            p.field(p.slider()),
        ),
        row(*p.radios(3), p.checkbox(), p.toggle(p.words.item()), style="gap:16px"),
        row(p.button(icon="search"), p.link()),
    )
    blocks = [shelf, finder]
    p.rng.shuffle(blocks)
    return top + box(stack(hero, *blocks, style="gap:16px"))
