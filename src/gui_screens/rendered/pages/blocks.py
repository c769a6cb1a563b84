"""Which looks dress which templates, and the plan of all screenshots.

The split of the dataset must keep templates and looks apart. So both are dealt into six
blocks that share neither: whatever side of a split a block falls on, the other side has
never seen its layouts, its stylesheets or its icons.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from gui_screens.rendered.looks import LOOKS
from gui_screens.rendered.pages import (
    dashboard,
    dialog,
    mobile,
    settings,
    shop,
    signup,
    table,
)
from gui_screens.rendered.pages.content import LANGUAGES
from gui_screens.rendered.pages.page import Page

Template = Callable[[Page], str]


@dataclass(frozen=True)
class Block:
    """Looks and templates that are only ever used with one another.

    Attributes:
        looks: Names of looks.
        templates: Page templates; the module of each is its kind.
        icons: The icon family of all pages of the block.
        toggles: Style of the toggles drawn here, by look.
        sliders: Style of the sliders drawn here, by look.
    """

    looks: tuple[str, ...]
    templates: tuple[Template, ...]
    icons: str
    toggles: tuple[str, ...]
    sliders: tuple[str, ...]


BLOCKS: tuple[Block, ...] = (
    Block(
        ("bootstrap", "bulma"),
        (
            settings.settings_sidebar,
            signup.signup_split,
            dashboard.dash_tiles,
            table.table_users,
            mobile.mobile_feed,
        ),
        "bootstrap-icons",
        ("pill", "pill"),
        ("ring", "ring"),
    ),
    Block(
        ("pico", "uikit", "slate"),
        (
            settings.settings_tabs,
            signup.checkout_form,
            dialog.dialog_prefs,
            shop.shop_product,
            mobile.mobile_settings,
        ),
        "lucide",
        ("pill", "outline", "pill"),
        ("ring", "ring", "ring"),
    ),
    Block(
        ("materialize", "foundation"),
        (
            settings.settings_audio,
            signup.signup_center,
            dashboard.dash_home,
            shop.shop_grid,
            table.table_invoices,
            mobile.mobile_booking,
        ),
        "tabler",
        ("thin", "square"),
        ("plain", "plain"),
    ),
    Block(
        ("fomantic", "98"),
        (
            settings.settings_privacy,
            dashboard.dash_projects,
            dialog.dialog_window,
            table.table_files,
            mobile.mobile_filters,
        ),
        "heroicons",
        ("pill", "win"),
        ("plain", "plain"),
    ),
    Block(
        ("milligram", "pure", "cupertino"),
        (
            signup.survey,
            dialog.dialog_share,
            shop.shop_cart,
            table.table_editable,
            mobile.mobile_login,
        ),
        "phosphor",
        ("thin", "square", "pill"),
        ("plain", "fat", "ring"),
    ),
    Block(
        ("spectre", "water", "plain"),
        (
            settings.settings_list,
            dashboard.dash_media,
            dialog.dialog_popover,
            dialog.dialog_export,
            shop.shop_landing,
            mobile.mobile_player,
        ),
        "blocky",
        ("pill", "outline", "square"),
        ("plain", "square", "square"),
    ),
)
#: Viewports in CSS pixels before page zoom.
LANDSCAPE = (
    (640, 480),
    (720, 540),
    (680, 460),
    (800, 600),
    (600, 480),
    (760, 500),
    (820, 560),
)
PORTRAIT = ((480, 640), (540, 720), (600, 760), (560, 640))
PHONE = ((360, 640), (375, 667), (390, 700), (412, 732), (344, 600))
SCALES = (1.0, 1.25, 1.5, 2.0)
FONTS = (
    "", "", "'Roboto', sans-serif", "'Open Sans', sans-serif", "'Liberation Sans', sans-serif",
    "'Noto Sans', sans-serif", "'DejaVu Sans', sans-serif", "'Noto Serif', serif",
)  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One screenshot to be made.

    Attributes:
        name: File name without its ending.
        block: Index into :data:`BLOCKS`.
        look: Name of the look.
        template: Name of the template.
        theme: ``"light"`` or ``"dark"``.
        language: Language of the words.
        width: Viewport width, CSS pixels.
        height: Viewport height, CSS pixels.
        scale: Device pixels for each CSS pixel.
        font: CSS font family, or empty for the look's own.
        seed: Seed of the page's content.
    """

    name: str
    block: int
    look: str
    template: str
    theme: str
    language: str
    width: int
    height: int
    scale: float
    font: str
    seed: int

    @property
    def kind(self) -> str:
        """The sort of page: settings, signup, dashboard, dialog, shop, table or mobile."""
        return self.page_template.__module__.rpartition(".")[2]

    @property
    def page_template(self) -> Template:
        """The function that lays the page out."""
        return next(t for t in BLOCKS[self.block].templates if t.__name__ == self.template)


def _viewport(rng: random.Random, kind: str) -> tuple[int, int]:
    if kind == "mobile":
        return rng.choice(PHONE)
    return rng.choice(PORTRAIT) if rng.random() < 0.22 else rng.choice(LANDSCAPE)


def plan(seed: int, per_block: int) -> list[Shot]:
    """Choose what to render.

    Args:
        seed: Changes every choice.
        per_block: Screenshots of each block; looks, templates and themes take turns.

    Returns:
        The screenshots in the order of their file names.
    """
    shots = []
    for number, block in enumerate(BLOCKS):
        rng = random.Random(f"{seed}/{number}")
        themes = {look: rng.randrange(2) for look in block.looks}
        for index in range(per_block):
            look = LOOKS[block.looks[index % len(block.looks)]]
            step = index // len(block.looks) + index % len(block.looks)
            template = block.templates[step % len(block.templates)]
            kind = template.__module__.rpartition(".")[2]
            width, height = _viewport(rng, kind)
            themes[look.name] += 1
            shots.append(
                Shot(
                    name=f"{number + 1}-{index:02d}-{template.__name__}-{look.name}",
                    block=number,
                    look=look.name,
                    template=template.__name__,
                    theme=("light", "dark")[themes[look.name] % 2],
                    language=rng.choices(list(LANGUAGES), list(LANGUAGES.values()))[0],
                    width=round(width / look.zoom),
                    height=round(height / look.zoom),
                    scale=rng.choice(SCALES) * look.zoom,
                    font=rng.choice(FONTS),
                    seed=rng.randrange(2**31),
                )
            )
    return shots
