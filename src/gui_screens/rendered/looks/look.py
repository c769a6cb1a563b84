"""One look: a stylesheet and the markup it expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Markup of every widget where a framework has no wish of its own. ``data-thumb`` is the
#: height in CSS pixels of a slider's thumb, which is what its box gets, because the element
#: may be taller or flatter than what it paints; ``data-box`` names the
#: pseudo-element that is the widget.
PLAIN_WIDGETS: dict[str, str] = {
    "button": '<button type="button" class="{tone}{extra}" data-w="button"{state}>{body}</button>',
    "text_input": '<input type="{kind}" placeholder="{hint}" value="{value}" '
    'data-w="text_input"{state}>',
    "textarea": '<textarea rows="{rows}" placeholder="{hint}" data-w="text_input"{state}>'
    "{value}</textarea>",
    "dropdown": '<select data-w="dropdown"{state}><option>{label}</option></select>',
    "checkbox": '<label class="l-check"><input type="checkbox" data-w="checkbox"{state}>'
    "<span>{label}</span></label>",
    "radio_button": '<label class="l-check"><input type="radio" data-w="radio_button"{state}>'
    "<span>{label}</span></label>",
    "toggle": '<span class="l-toggle {on}" data-w="toggle"></span>',
    "slider": '<input type="range" value="{value}" data-w="slider" data-thumb="16">',
    "link": '<a href="#" class="l-link" data-w="link">{label}</a>',
}
#: A slider made of plain elements, for frameworks that leave the native one alone.
DRAWN_SLIDER = (
    '<span class="l-slider" data-w="slider" style="--v:{value}"><span class="l-track">'
    '<span class="l-fill"></span></span><span class="l-thumb"></span></span>'
)


@dataclass(frozen=True)
class Look:
    """A visual style in which every page template can be dressed.

    Attributes:
        name: Identifier, written into the dataset.
        licence: SPDX identifier of the stylesheet.
        package: npm package of the stylesheet; empty for a style written here.
        light: Stylesheets below ``node_modules`` for the light theme, in order.
        dark: The same for the dark theme.
        native_dark: Whether those stylesheets have a dark theme of their own; when not,
            ``css/dark.css`` repaints them.
        tones: Class attribute of a primary, secondary, danger and plain button.
        overrides: Widget markup that differs from :data:`PLAIN_WIDGETS`.
        card: Markup of a framed group with ``{title}``, ``{body}`` and ``{style}``.
        card_title: Markup of a card's title.
        table: Class attribute of tables.
        body: Class attribute of the page.
        accents: Colours of the parts drawn here (toggles, sliders), one taken per page.
        zoom: Page zoom; above one for looks whose widgets are small.
    """

    name: str
    licence: str
    package: str = ""
    light: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()
    native_dark: bool = False
    tones: Mapping[str, str] = field(
        default_factory=lambda: dict.fromkeys(("primary", "secondary", "danger", "plain"), "")
    )
    overrides: Mapping[str, str] = field(default_factory=dict)
    card: str = '<section class="l-card" style="{style}">{title}{body}</section>'
    card_title: str = '<h4 class="l-h">{title}</h4>'
    table: str = ""
    body: str = ""
    accents: tuple[str, ...] = ("#2563eb",)
    zoom: float = 1.0

    @property
    def widgets(self) -> dict[str, str]:
        """Markup of every widget, as ``str.format`` templates."""
        return {**PLAIN_WIDGETS, **self.overrides}
