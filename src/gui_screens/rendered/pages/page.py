"""The page builder: every widget that a template may place, in the dress of a look."""

from __future__ import annotations

import html
import random

from gui_screens.rendered.looks import Look
from gui_screens.rendered.looks.icons import ICONS
from gui_screens.rendered.pages.content import Content
from gui_screens.rendered.pages.pictures import picture


class Page:
    """One page in the making.

    An element with ``data-w="<class>"`` is a widget of that class, and its box in the
    browser becomes an annotation. An element with ``data-g`` holds parts that belong
    together, so that an icon lying on its own text field does not count as hiding it.

    Args:
        rng: Source of every choice; the same state gives the same page.
        look: How widgets are written and styled.
        language: A key of :data:`gui_screens.rendered.pages.content.LANGUAGES`.
        width: Viewport width, CSS pixels.
        height: Viewport height, CSS pixels.
    """

    def __init__(
        self, rng: random.Random, look: Look, language: str, width: int, height: int
    ) -> None:
        self.rng = rng
        self.look = look
        self.words = Content(rng, language)
        self.width = width
        self.height = height
        self._serial = 0

    @property
    def narrow(self) -> bool:
        """Whether side columns should be left out."""
        return self.width < 520

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.rng.random() < probability

    def times(self, low: int, high: int) -> range:
        """A range of random length in [low, high]."""
        return range(self.rng.randint(low, high))

    def shuffled(self, parts: list[str]) -> str:
        """The parts joined in a random order."""
        return "".join(self.rng.sample(parts, len(parts)))

    def _fill(self, widget: str, **fields: str) -> str:
        self._serial += 1
        return self.look.widgets[widget].format(id=f"w{self._serial}", **fields)

    def _state(self, checked: float = 0.0, disabled: float = 0.04) -> str:
        on = " checked" if self.chance(checked) else ""
        return on + (" disabled" if self.chance(disabled) else "")

    def icon(self, name: str | None = None, size: int = 20) -> str:
        """A glyph of the page's icon family, ``size`` CSS pixels wide."""
        name = name or self.rng.choice(ICONS)
        return (
            f'<span class="l-i" data-w="icon" data-icon="{name}" '
            f'style="width:{size}px;height:{size}px"></span>'
        )

    def button(self, label: str | None = None, tone: str = "primary", icon: str = "") -> str:
        """A push button; tone is primary, secondary, danger or plain."""
        text = html.escape(label or self.words.action())
        body = self.icon(icon, 18) + f"<span>{text}</span>" if icon else text
        return self._fill(
            "button",
            tone=self.look.tones[tone],
            body=body,
            state=self._state(0, 0.05),
            extra="",
        )

    def icon_button(self, name: str, tone: str = "secondary", size: int = 20) -> str:
        """A push button that holds nothing but an icon."""
        return self._fill(
            "button",
            tone=self.look.tones[tone],
            body=self.icon(name, size),
            state="",
            extra=" l-square",
        )

    def input(self, hint: str | None = None, kind: str = "text", filled: float = 0.5) -> str:
        """A one-line text field, empty with a hint or holding a value."""
        value = self.words.value() if self.chance(filled) else ""
        if kind == "password":
            value = "secretword" if value else ""
        return self._fill(
            "text_input",
            kind=kind,
            hint=html.escape(self.words.field() if hint is None else hint),
            value=html.escape(value),
            state=self._state(),
        )

    def search(self, hint: str | None = None) -> str:
        """A text field with an icon on it."""
        inner = self.input(hint, filled=0.2)
        return (
            f'<div class="l-search" data-g>{inner}<span class="l-over">'
            f"{self.icon('search', 18)}</span></div>"
        )

    def area(self, rows: int = 3) -> str:
        """A text field of several lines."""
        text = " ".join(self.words.prose() for _ in self.times(1, 2)) if self.chance(0.5) else ""
        return self._fill(
            "textarea",
            rows=str(rows),
            hint=html.escape(self.words.prose()),
            value=html.escape(text),
            state=self._state(),
        )

    def dropdown(self, label: str | None = None) -> str:
        """A closed drop-down list."""
        return self._fill(
            "dropdown",
            label=html.escape(label or self.words.item()),
            state=self._state(),
        )

    def open_dropdown(self, count: int = 4) -> str:
        """A drop-down whose list is unrolled; only its trigger is a widget."""
        items = "".join(f"<li>{html.escape(self.words.item())}</li>" for _ in range(count))
        label = html.escape(self.words.item())
        return (
            f'<div class="l-ddwrap"><div class="l-dd" data-w="dropdown"><span>{label}</span></div>'
            f'<ul class="l-ddlist">{items}</ul></div>'
        )

    def checkbox(self, label: str | None = None, checked: float = 0.5) -> str:
        """A check box; an empty label leaves the box alone."""
        text = self.words.phrase() if label is None else label
        return self._fill("checkbox", label=html.escape(text), state=self._state(checked))

    def radio(self, label: str | None = None, checked: bool = False) -> str:
        """A radio button; an empty label leaves the circle alone."""
        text = self.words.item() if label is None else label
        return self._fill(
            "radio_button", label=html.escape(text), state=self._state(float(checked))
        )

    def radios(self, count: int, labels: list[str] | None = None) -> list[str]:
        """``count`` radio buttons of which one is chosen."""
        chosen = self.rng.randrange(count)
        return [self.radio(labels[i] if labels else None, i == chosen) for i in range(count)]

    def toggle(self, label: str = "", on: float = 0.5) -> str:
        """A switch; its text, when it has one, follows it."""
        state = self._state(on)
        bare = self._fill("toggle", state=state, on="on" if "checked" in state else "off")
        if not label:
            return bare
        return f'<span class="l-line">{bare}<span>{html.escape(label)}</span></span>'

    def slider(self, width: str = "100%") -> str:
        """A horizontal slider; width is a CSS length."""
        value = self.rng.randint(5, 95)
        body = self._fill("slider", value=str(value))
        return f'<span class="l-slide" style="width:{width}">{body}</span>'

    def link(self, label: str | None = None) -> str:
        """A text link."""
        return self._fill("link", label=html.escape(label or self.words.link()))

    def nav_link(self, icon: str = "") -> str:
        """A menu entry: a link, with an icon before it when one is named."""
        glyph = self.icon(icon, 18) if icon else ""
        return f'<div class="l-nav">{glyph}{self.link(self.words.item())}</div>'

    def image(self, kind: str, width: int, height: int, style: str = "") -> str:
        """A picture of ``width`` by ``height`` CSS pixels; ``style`` may override them."""
        source = picture(self.rng, kind, width, height)
        return (
            f'<img class="l-img" data-w="image" alt="" src="{source}" '
            f'style="width:{width}px;height:{height}px;{style}">'
        )

    def avatar(self, size: int = 36) -> str:
        """The round picture of a person."""
        return self.image("avatar", size, size, "border-radius:50%")

    def title(self, text: str | None = None, level: int = 3) -> str:
        """A heading."""
        return f'<h{level} class="l-h">{html.escape(text or self.words.title())}</h{level}>'

    def note(self, text: str | None = None) -> str:
        """A muted sentence."""
        return f'<div class="l-note">{html.escape(text or self.words.prose())}</div>'

    def text(self, text: str) -> str:
        """Plain text."""
        return f'<span class="l-t">{html.escape(text)}</span>'

    def badge(self, text: str | None = None) -> str:
        """A coloured mark that is no widget."""
        hue = self.rng.randint(0, 359)
        return (
            f'<span class="l-badge" style="background:hsl({hue},55%,38%)">'
            f"{html.escape(text or self.words.item())}</span>"
        )

    def field(self, control: str, label: str | None = None) -> str:
        """A control under its label."""
        caption = html.escape(label or self.words.field())
        return f'<div class="l-field"><div class="l-label">{caption}</div>{control}</div>'

    def setting(self, control: str, label: str | None = None, note: bool = False) -> str:
        """A line with a label at one end and a control at the other."""
        extra = self.note() if note else ""
        caption = html.escape(label or self.words.phrase())
        return (
            f'<div class="l-set"><div class="l-setl"><div>{caption}</div>{extra}</div>'
            f'<div class="l-setc">{control}</div></div>'
        )

    def card(self, *parts: str, title: str = "", style: str = "") -> str:
        """A framed group; with a title in the look's own way."""
        heading = self.look.card_title.format(title=html.escape(title)) if title else ""
        return self.look.card.format(body="".join(parts), title=heading, style=style)

    def table(self, head: list[str], rows: list[list[str]]) -> str:
        """A table; cells are HTML, headings are text."""
        top = "".join(f"<th>{html.escape(cell) if cell[:1] != '<' else cell}</th>" for cell in head)
        body = "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
        )
        return (
            f'<table class="l-table {self.look.table}"><thead><tr>{top}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def row(*parts: str, style: str = "") -> str:
    """Parts beside one another, centred, wrapping."""
    return f'<div class="l-row" style="{style}">{"".join(parts)}</div>'


def spread(*parts: str, style: str = "") -> str:
    """Parts beside one another, pushed to both ends."""
    return f'<div class="l-row l-spread" style="{style}">{"".join(parts)}</div>'


def stack(*parts: str, style: str = "") -> str:
    """Parts below one another."""
    return f'<div class="l-stack" style="{style}">{"".join(parts)}</div>'


def grid(columns: int, *parts: str, style: str = "") -> str:
    """Parts in equal columns."""
    track = f"grid-template-columns:repeat({columns},minmax(0,1fr));"
    return f'<div class="l-grid" style="{track}{style}">{"".join(parts)}</div>'


def columns(template: str, *parts: str, style: str = "") -> str:
    """Parts in columns of the given CSS widths."""
    track = f"grid-template-columns:{template};"
    return f'<div class="l-grid" style="{track}{style}">{"".join(parts)}</div>'


def bar(*parts: str) -> str:
    """The strip across the top of a page."""
    return f'<header class="l-bar">{"".join(parts)}</header>'


def box(*parts: str, style: str = "") -> str:
    """A padded block."""
    return f'<div class="l-box" style="{style}">{"".join(parts)}</div>'
