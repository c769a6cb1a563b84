"""Screens to get in or to pay: login and checkout."""

from __future__ import annotations

from gui_screens.drawn import words
from gui_screens.drawn.blocks import (
    fields,
    header,
)
from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.controls import button, icon_button
from gui_screens.drawn.inputs import field, text_input
from gui_screens.drawn.layout import Node, box, column, row
from gui_screens.drawn.pictures import picture
from gui_screens.drawn.text import (
    Ui,
    breadcrumb,
    heading,
    link,
    panel,
    rule,
    text,
)
from gui_screens.drawn.toggles import checkbox, radio, toggle


def checkout(ui: Ui, canvas: Canvas) -> None:
    """Address, delivery and payment, with a summary of the cart."""
    theme, rng = ui.theme, ui.rng
    top = header(ui, canvas)
    margin = ui.px(16)
    wide = canvas.width > ui.px(600)
    main = int((canvas.width - 2 * margin) * (0.6 if wide else 1.0))
    y = top + ui.px(12)
    parts: list[Node] = [breadcrumb(ui, ["Cart", "Details", "Payment"])] if ui.chance(0.6) else []
    parts.append(heading(ui, "Checkout", 1.4))
    parts.append(fields(ui, main, rng.randint(3, 5)))
    parts.append(text(ui, "Delivery", bold=True))
    choices = []
    for number in range(rng.randint(2, 3)):
        line = row(
            [
                radio(ui, number == 0),
                text(ui, rng.choice(words.OPTIONS)),
                text(ui, words.price(rng), 0.9, theme.muted),
            ],
            ui.px(8),
        )
        choices.append(line)
    parts.append(column(choices, ui.px(6)))
    parts.append(row([checkbox(ui), text(ui, "Billing address is the same", 0.95)], ui.px(7)))
    parts.append(fields(ui, main, 2))
    summary = _summary(ui, canvas.width - main - 3 * margin if wide else main)
    if not wide:
        parts.insert(rng.choice((1, len(parts))), summary)
    parts.append(
        button(
            ui, rng.choice(("Place order", "Pay $24.00", "Continue")), theme.buttons[0], width=main
        )
    )
    column(parts, max(ui.px(8), theme.gap), main).paint(canvas, margin, y)
    if wide:
        summary.paint(canvas, main + 2 * margin, y)


def _summary(ui: Ui, width: int) -> Node:
    theme, rng = ui.theme, ui.rng
    here = ui.on(theme.surface)
    room = width - 2 * ui.px(12)
    parts: list[Node] = [heading(here, "Order summary", 1.1)]
    for _ in range(rng.randint(1, 3)):
        side = ui.px(40)
        lead = row(
            [
                picture(here, side, side, "product"),
                column(
                    [
                        text(
                            here,
                            rng.choice(words.PRODUCTS),
                            0.92,
                            width=max(20, room - side - ui.px(80)),
                        ),
                        link(here, "Remove", 0.82),
                    ],
                    0,
                ),
            ],
            ui.px(8),
        )
        parts.append(row([lead, text(here, words.price(rng), 0.9)], 0, room, "between"))
    parts.append(rule(here, room))
    parts.append(
        row(
            [text(here, "Total", bold=True), text(here, words.price(rng), bold=True)],
            0,
            room,
            "between",
        )
    )
    apply = button(here, "Apply", small=True)
    code = text_input(here, max(ui.px(50), room - apply.width - ui.px(8)), "Coupon code")
    parts.append(row([code, apply], ui.px(8)))
    return panel(ui, column(parts, ui.px(8), room), width, theme.surface, ui.px(12))


def login(ui: Ui, canvas: Canvas) -> None:
    """A small form in the middle of the screen, with other ways to sign in."""
    theme, rng = ui.theme, ui.rng
    if canvas.width > ui.px(620) and ui.chance(0.4):
        half = canvas.width // 2
        picture(ui, half, canvas.height, radius=0).paint(canvas, 0, 0)
        left, room = half, canvas.width - half
    else:
        left, room = 0, canvas.width
    carded = ui.chance(0.6)
    here = ui.on(theme.surface) if carded else ui
    width = min(room - ui.px(28), ui.px(rng.choice((320, 360, 400))))
    inner = width - 2 * ui.px(20) if carded else width
    side = ui.px(rng.choice((40, 56)))
    parts: list[Node] = (
        [box(picture(here, side, side, "logo"), inner, align=0.5)] if ui.chance(0.7) else []
    )
    parts.append(
        box(heading(here, rng.choice(("Sign in", "Welcome back", "Log in")), 1.5), inner, align=0.5)
    )
    for name, value, glyph in (
        ("Email", "you@example.com", "mail"),
        ("Password", "Password", "lock"),
    ):
        control = text_input(
            here, inner, value, glyph=glyph if theme.gap % 2 else "", secret=name == "Password"
        )
        parts.append(field(here, inner, name, control))
    keep = row(
        [checkbox(here) if ui.chance(0.7) else toggle(here), text(here, "Remember me", 0.9)],
        ui.px(6),
    )
    forgot = link(here, "Forgot password?", 0.9)
    fits = keep.width + forgot.width + ui.px(8) < inner
    parts.append(
        row([keep, forgot], 0, inner, "between") if fits else column([keep, forgot], ui.px(5))
    )
    parts.append(
        button(here, rng.choice(("Sign in", "Log in", "Continue")), theme.buttons[0], width=inner)
    )
    parts.append(rule(here, inner))
    if ui.chance(0.5):
        for name in rng.sample(("Google", "Apple", "GitHub", "Email"), 2):
            parts.append(
                button(
                    here,
                    f"Continue with {name}",
                    rng.choice(theme.buttons[1:] or theme.buttons),
                    width=inner,
                    glyph=rng.choice(("globe", "user", "mail", "star")),
                )
            )
    else:
        social = [
            icon_button(here, name) for name in rng.sample(("globe", "chat", "star", "bolt"), 3)
        ]
        parts.append(row(social, ui.px(12), inner, "center"))
    parts.append(
        row(
            [text(here, "New here?", 0.9, theme.muted), link(here, "Create an account", 0.9)],
            ui.px(5),
            inner,
            "center",
        )
    )
    body = column(parts, max(ui.px(9), theme.gap), inner)
    shown = panel(ui, body, width, theme.surface, ui.px(20)) if carded else body
    shown.paint(
        canvas, left + (room - width) // 2, max(ui.px(10), (canvas.height - shown.height) // 2)
    )
    feet = [link(ui, name, 0.8, plain=ui.chance(0.5)) for name in ("Privacy", "Terms", "Help")]
    foot = row(feet, ui.px(14))
    y = canvas.height - foot.height - ui.px(8)
    if y > (canvas.height + shown.height) // 2 + ui.px(4):
        foot.paint(canvas, left + (room - foot.width) // 2, y)
