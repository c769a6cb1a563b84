"""Sign-up, check-out and survey forms."""

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


def signup_split(p: Page) -> str:
    """A tall picture beside the form."""
    form = stack(
        row(p.icon("globe", 26), p.title(p.words.title(), 2)),
        p.note(),
        row(p.field(p.input(p.words.name())), p.field(p.input())),
        p.field(p.input(kind="email")),
        p.field(f'<div data-g style="position:relative">{p.input(kind="password")}</div>'),
        row(p.field(p.dropdown()), p.field(p.dropdown())),
        row(*p.radios(2), style="gap:22px"),
        p.checkbox(),
        row(p.toggle(), p.text(p.words.phrase())),
        row(p.button(icon="user"), p.button(tone="secondary"), p.link()),
    )
    if p.narrow:
        return p.image("photo", p.width, 120, "width:100%") + box(form)
    art = p.image("photo", 260, p.height, "width:100%;height:100vh")
    sides = [art, box(form)]
    if p.chance(0.5):
        return columns("38% 1fr", *sides, style="gap:0")
    return columns("1fr 38%", *reversed(sides), style="gap:0")


def signup_center(p: Page) -> str:
    """One card in the middle, other ways in by icon."""
    others = row(
        *[p.icon_button(name) for name in p.rng.sample(["mail", "phone", "globe", "camera"], 3)],
        style="justify-content:center",
    )
    form = p.card(
        stack(
            p.image("art", 64, 64, "border-radius:14px"),
            p.title(),
            style="align-items:center",
        ),
        p.field(p.input(kind="email")),
        p.field(p.input(kind="password")),
        p.dropdown() if p.chance(0.6) else p.input(),
        spread(p.checkbox(), p.link()),
        p.checkbox(),
        row(*p.radios(2), style="gap:20px") if p.chance(0.7) else p.toggle(p.words.phrase()),
        p.button(),
        others,
        row(p.note(), p.link()),
    )
    corner = spread(row(p.icon("sun", 20), p.toggle(), p.icon("moon", 20)), p.dropdown())
    return box(
        f'<div style="max-width:380px;margin:0 auto">{corner}<div style="height:10px"></div>'
        f"{form}</div>"
    )


def checkout_form(p: Page) -> str:
    """Address, delivery and payment beside the order."""
    address = p.card(
        row(p.field(p.input()), p.field(p.input())),
        p.field(p.input()),
        row(p.field(p.input()), p.field(p.dropdown())),
        p.checkbox(),
        title=p.words.title(),
    )
    delivery = p.card(
        *[spread(radio, p.text(p.words.price())) for radio in p.radios(3)],
        p.setting(p.toggle()),
        title=p.words.item(),
    )
    lines = [
        row(
            p.image("product", 46, 46, "border-radius:5px"),
            stack(p.text(p.words.product()), p.note(p.words.price()), style="gap:0"),
            '<span class="l-grow"></span>',
            p.icon("trash", 18),
        )
        for _ in p.times(2, 3)
    ]
    order = p.card(
        *lines,
        row(f'<span class="l-grow">{p.input()}</span>', p.button(tone="secondary")),
        p.note(),
        p.slider(),
        p.checkbox(),
        p.button(icon="lock"),
        title=p.words.title(),
    )
    top = bar(
        p.icon("cart", 22),
        p.title(),
        '<span class="l-grow"></span>',
        p.link(),
        p.link(),
    )
    body = (
        stack(order, delivery, address)
        if p.narrow
        else columns("1.25fr 1fr", stack(address, delivery), order)
    )
    return top + box(body)


def survey(p: Page) -> str:
    """Numbered questions, each answered in another way."""
    scale = row(*p.radios(5, [str(i) for i in range(1, 6)]), style="gap:16px")
    questions = [
        stack(p.title(p.words.prose(), 5), scale),
        stack(p.title(p.words.prose(), 5), row(*[p.checkbox() for _ in range(2)])),
        stack(
            p.title(p.words.prose(), 5),
            row(p.icon("sun"), p.slider("60%"), p.icon("moon")),
        ),
        stack(p.title(p.words.prose(), 5), row(p.dropdown(), style="max-width:220px")),
        stack(p.title(p.words.prose(), 5), p.area(2)),
        row(p.toggle(p.words.phrase()), p.toggle(p.words.phrase()), style="gap:26px"),
        grid(
            3,
            *[
                stack(p.image("photo", 90, 60, "width:100%;border-radius:5px"), radio)
                for radio in p.radios(3)
            ],
        ),
        row(p.field(p.input()), p.field(p.input(kind="email"))),
    ]
    head = spread(p.title(level=2), row(p.icon("info", 20), p.link()))
    progress = f'<div class="l-progress"><span style="width:{p.rng.randint(10, 90)}%"></span></div>'
    foot = spread(p.button(tone="secondary"), row(p.link(), p.button()))
    p.rng.shuffle(questions)
    return box(stack(head, progress, *questions[:3], foot, *questions[3:], style="gap:14px"))
