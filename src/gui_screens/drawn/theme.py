"""Looks: colours, type, density, and the style of each kind of control.

A look starts from one of a few families that resemble what people know (flat, material,
phone, plain browser ...), then takes its own colours, radius, font and density.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from random import Random

from gui_screens.drawn.canvas import Color
from gui_screens.drawn.fonts import FAMILIES, Face, Family
from gui_screens.drawn.styles import STYLES


@dataclass(frozen=True)
class Theme:
    """Everything that decides how a screen looks; lengths are pixels of the image."""

    look: str
    scale: float
    dark: bool
    background: Color
    surface: Color
    field: Color
    text: Color
    muted: Color
    border: Color
    accent: Color
    on_accent: Color
    danger: Color
    success: Color
    link: Color
    family: Family
    control_family: Family
    size: int
    gap: int
    control: int
    radius: int
    card_radius: int
    line: int
    shadow: int
    buttons: tuple[str, ...]
    pill: bool
    capitals: bool
    inputs: str
    check: str
    check_side: int
    radio: str
    toggle: str
    slider: str
    arrow: str
    underline: bool
    icons: str

    def px(self, length: float) -> int:
        """Pixels of the image for a length in CSS pixels, at least 1."""
        return max(1, round(length * self.scale))

    def face(self, ratio: float = 1.0, bold: bool = False, control: bool = False) -> Face:
        """The theme's typeface at ``ratio`` times the size of body text."""
        family = self.control_family if control else self.family
        return Face(family, max(7, round(self.size * ratio)), bold)


def mix(first: Color, second: Color, amount: float) -> Color:
    """The colour ``amount`` (0 to 1) of the way from the first to the second."""
    a, b, c = (round(p + (q - p) * amount) for p, q in zip(first, second, strict=True))
    return a, b, c


def luminance(color: Color) -> float:
    """Perceived brightness, 0 to 1."""
    return (0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]) / 255


def hsv(hue: float, saturation: float, value: float) -> Color:
    """A colour from hue, saturation and value, each 0 to 1."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(r * 255), round(g * 255), round(b * 255)


def random_tone(rng: Random, low: float = 0.3, high: float = 0.95) -> Color:
    """A colour of any hue, its brightness (0 to 1) between two bounds."""
    return hsv(rng.random(), rng.uniform(0.15, 0.75), rng.uniform(low, high))


_WHITE: Color = (255, 255, 255)
_BLACK: Color = (20, 22, 26)


def random_theme(rng: Random, scale: float) -> Theme:
    """Draw a theme; ``scale`` is image pixels for each CSS pixel."""
    name = rng.choice(sorted(STYLES))
    style = STYLES[name]

    def pick(key: str) -> object:
        return rng.choice(style[key])

    def length(key: str, least: int = 0) -> int:
        value = pick(key)
        assert isinstance(value, int)
        return max(least, round(value * scale))

    dark = rng.random() < (0.1 if name == "browser" else 0.3)
    colors = _palette(rng, dark, name == "browser" and rng.random() < 0.8, name == "retro")
    family = FAMILIES[str(pick("fonts"))]
    tall = family.name == "times" or family.name.startswith("grotesk")
    size = rng.choice((15, 16, 16, 17) if tall else (12, 13, 14, 15))
    plain = name == "browser"
    return Theme(
        look=f"{name}-{'dark' if dark else 'light'}",
        scale=scale,
        dark=dark,
        **colors,
        family=family,
        control_family=FAMILIES["dejavu-narrow"] if plain else family,
        size=max(8, round(size * scale)),
        gap=max(3, round(rng.choice((6, 8, 8, 10, 12)) * scale)),
        control=length("control", 13),
        radius=length("radius"),
        card_radius=length("cards"),
        line=max(1, round((2 if name == "print" else 1) * scale * 0.9)),
        shadow=length("shadow") if scale else 0,
        buttons=tuple(str(kind) for kind in style["buttons"]),
        pill=name in ("flat", "material", "soft", "phone") and rng.random() < 0.25,
        capitals=name in ("material", "print") and rng.random() < 0.4,
        inputs=str(pick("inputs")),
        check=str(pick("check")),
        check_side=max(9, round(rng.choice((13, 14) if plain else (14, 16, 18, 20)) * scale)),
        radio=str(pick("radio")),
        toggle=str(pick("toggle")),
        slider=str(pick("slider")),
        arrow=str(pick("arrow")),
        # A link without colour of its own must be told from text by a line.
        underline=plain or max(colors["accent"]) - min(colors["accent"]) < 60 or rng.random() < 0.4,
        icons=rng.choice(("line", "line", "thin", "bold", "solid", "solid", "duo", "blocky")),
    )


def _palette(rng: Random, dark: bool, plain: bool, retro: bool) -> dict[str, Color]:
    """The colours of a theme by field name."""
    hue = rng.choice((rng.random(), rng.uniform(0.52, 0.68)))
    accent = hsv(hue, rng.uniform(0.55, 0.95), rng.uniform(0.6, 0.95))
    if rng.random() < 0.08:
        accent = (235, 235, 238) if dark else (28, 28, 32)
    if plain:
        accent = (0, 117, 255)
    tint = hsv(hue + rng.uniform(-0.1, 0.1), rng.uniform(0.0, 0.5), 1.0)
    if dark:
        base = rng.choice(((18, 18, 20), (24, 26, 32), (13, 17, 23), (32, 33, 36), (40, 42, 54)))
        background = mix(base, tint, rng.uniform(0.0, 0.05))
        surface = mix(background, _WHITE, rng.uniform(0.03, 0.09))
        text = mix(_WHITE, background, rng.uniform(0.02, 0.14))
        border = mix(surface, _WHITE, rng.uniform(0.1, 0.25))
        field = mix(surface, rng.choice((_WHITE, (0, 0, 0))), rng.uniform(0.03, 0.12))
    else:
        background = mix(_WHITE, tint, rng.uniform(0.0, 0.1))
        background = mix(background, (120, 124, 130), rng.choice((0.0, 0.03, 0.06, 0.1)))
        surface = rng.choice((_WHITE, _WHITE, mix(background, _WHITE, 0.6)))
        text = mix(_BLACK, tint, rng.uniform(0.0, 0.15))
        border = mix(surface, (90, 96, 108), rng.uniform(0.18, 0.5))
        field = mix(surface, rng.choice((_WHITE, (110, 114, 124))), rng.uniform(0.04, 0.14))
    if plain:
        background = surface = field = (18, 18, 18) if dark else _WHITE
        border = (133, 133, 133) if dark else (118, 118, 118)
        text = _WHITE if dark else (0, 0, 0)
    if retro:
        surface = (70, 72, 78) if dark else (196, 196, 196)
        background = surface
        border = mix(surface, (0, 0, 0), 0.5)
        field = (30, 31, 34) if dark else _WHITE
    link = mix(accent, _WHITE, 0.35) if dark else mix(accent, (0, 0, 0), 0.15)
    if plain or rng.random() < 0.15:
        link = (140, 180, 255) if dark else rng.choice(((0, 0, 238), (13, 110, 253), (6, 69, 173)))
    return {
        "background": background,
        "surface": surface,
        "field": field,
        "text": text,
        "muted": mix(text, surface, rng.uniform(0.3, 0.5)),
        "border": border,
        "accent": accent,
        "on_accent": _WHITE if luminance(accent) < 0.68 else (20, 20, 24),
        "danger": rng.choice(((220, 53, 69), (211, 47, 47), (239, 68, 68))),
        "success": rng.choice(((40, 167, 69), (22, 163, 74), (76, 175, 80))),
        "link": link,
    }
