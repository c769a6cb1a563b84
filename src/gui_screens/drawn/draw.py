"""Screens drawn without a browser: one random layout in one random look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image

from gui_screens.drawn.canvas import Box, Canvas
from gui_screens.drawn.overlays import overlay
from gui_screens.drawn.templates import card_page, catalogue, checkout_login, forms, people_texts
from gui_screens.drawn.text import Ui
from gui_screens.drawn.theme import random_theme

# How each layout is drawn, and how often.
TEMPLATES: dict[str, tuple[Callable[[Ui, Canvas], None], int]] = {
    "mixed": (card_page.mixed, 45),
    "settings": (forms.settings, 14),
    "signup": (forms.signup, 12),
    "checkout": (checkout_login.checkout, 10),
    "login": (checkout_login.login, 8),
    "filters": (forms.filters, 12),
    "dashboard": (catalogue.dashboard, 10),
    "shop": (catalogue.shop, 9),
    "product": (catalogue.product, 7),
    "table": (catalogue.table, 9),
    "feed": (people_texts.feed, 6),
    "chat": (people_texts.chat, 6),
    "profile": (people_texts.profile, 6),
    "editor": (people_texts.editor, 8),
    "article": (people_texts.article, 6),
}
# Width and height in CSS pixels: phones, tablets, small windows.
VIEWPORTS = (
    (360, 640),
    (375, 667),
    (390, 844),
    (412, 915),
    (430, 800),
    (480, 720),
    (600, 800),
    (768, 900),
    (540, 720),
    (640, 480),
    (720, 540),
    (680, 460),
    (800, 600),
    (820, 620),
    (760, 520),
    (820, 560),
    (600, 480),
    (820, 480),
)
_FEWEST, _MOST, _TRIES = 8, 40, 6
_OVERLAY_SHARE = 0.15


@dataclass(frozen=True)
class DrawnScreen:
    """A screen and what is on it.

    Args:
        image: RGB.
        widgets: Class name and visible xywh box in pixels, in drawing order.
        template: Which layout it shows.
        look: Which family of styles, with "-light" or "-dark".
    """

    image: Image.Image
    widgets: list[tuple[str, Box]]
    template: str
    look: str


def draw_screen(rng: Random, longest_side: tuple[int, int]) -> DrawnScreen:
    """Draw one screen.

    Args:
        rng: The only source of chance.
        longest_side: Least and greatest length of the image's longer side in pixels.
    """
    screen = _attempt(rng, longest_side)
    for _ in range(_TRIES):
        if _FEWEST <= len(screen.widgets) <= _MOST:
            break
        screen = _attempt(rng, longest_side)
    return screen


def _attempt(rng: Random, longest_side: tuple[int, int]) -> DrawnScreen:
    css_width, css_height = rng.choice(VIEWPORTS)
    css_width += rng.randint(-10, 10)
    scale = rng.randint(*longest_side) / max(css_width, css_height)
    scale = min(max(scale, 0.7), longest_side[1] / max(css_width, css_height))
    width, height = round(css_width * scale), round(css_height * scale)
    theme = random_theme(rng, scale)
    canvas = Canvas(width, height, theme.background)
    ui = Ui(rng, theme, theme.background)
    names = sorted(TEMPLATES)
    name = rng.choices(names, [TEMPLATES[key][1] for key in names])[0]
    TEMPLATES[name][0](ui, canvas)
    if rng.random() < _OVERLAY_SHARE:
        name = overlay(ui, canvas)
    return DrawnScreen(canvas.image, canvas.visible(), name, theme.look)
