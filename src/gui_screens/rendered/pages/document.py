"""From a planned screenshot to one self-contained HTML document."""

from __future__ import annotations

import functools
import random
import re
from importlib import resources
from pathlib import Path

from gui_screens.rendered import looks
from gui_screens.rendered.looks import LOOKS, Look
from gui_screens.rendered.looks.icons import glyph
from gui_screens.rendered.pages.blocks import BLOCKS, Shot
from gui_screens.rendered.pages.page import Page
from reprise.errors import RepriseError

_ICON = re.compile(r'(<span class="l-i"[^>]*data-icon="([^"]+)"[^>]*>)(</span>)')
_DIRECTIVE = re.compile(r"@(?:import|charset)[^;]+;")
_REMOTE = re.compile(r"url\((?!['\"]?data:)[^)]*\)")


def page_body(shot: Shot) -> str:
    """The page's markup, which depends on the shot alone: no browser, no npm, no machine.

    Args:
        shot: What to show.

    Returns:
        HTML with empty icon places, each naming its icon.
    """
    look = LOOKS[shot.look]
    page = Page(random.Random(shot.seed), look, shot.language, shot.width, shot.height)
    return shot.page_template(page)


def document(shot: Shot, modules: Path) -> str:
    """The whole document: stylesheets inlined, icons drawn, nothing left to fetch.

    Args:
        shot: What to show.
        modules: The ``node_modules`` folder with frameworks and icons.

    Returns:
        HTML text.

    Raises:
        RepriseError: A stylesheet or an icon is missing below ``modules``.
    """
    look, block = LOOKS[shot.look], BLOCKS[shot.block]
    place = block.looks.index(look.name)
    rng = random.Random(shot.seed + 1)
    body = _ICON.sub(
        lambda found: found[1] + glyph(block.icons, found[2], modules) + found[3],
        page_body(shot),
    )
    direction = "rtl" if shot.language == "ar" else "ltr"
    css = "\n".join(_stylesheets(look, shot.theme, modules))
    font = f"body, .l-page {{ font-family: {shot.font} !important }}" if shot.font else ""
    accent = f"html:root {{ --acc: {rng.choice(look.accents)} }}"
    scheme = f"html {{ color-scheme: {shot.theme} }}"
    classes = (
        f"l-page {look.body} look-{look.name} tg-{block.toggles[place]} sl-{block.sliders[place]}"
    )
    return (
        f'<!doctype html><html lang="{shot.language}" dir="{direction}" class="{shot.theme}" '
        f'data-theme="{shot.theme}" data-bs-theme="{shot.theme}"><head><meta charset="utf-8">'
        f"<style>{css}\n{scheme}\n{accent}\n{font}</style></head>"
        f'<body class="look-{look.name}"><div class="{classes}">{body}</div></body></html>'
    )


def _stylesheets(look: Look, theme: str, modules: Path) -> list[str]:
    sheets = [_framework(modules / path) for path in getattr(look, theme)]
    own = [_own(f"{look.name}.css")] if not look.package else []
    repaint = [_own("dark.css")] if theme == "dark" and not look.native_dark else []
    return [*sheets, _own("base.css"), *own, *repaint, _own("tweaks.css")]


@functools.cache
def _framework(path: Path) -> str:
    if not path.is_file():
        raise RepriseError(
            f"the stylesheet {path.name} of {path.parts[-3]} is missing",
            "run `npm install` in src/gui_screens/rendered/looks, or name the folder where it ran "
            "with --looks-dir",
        )
    return _REMOTE.sub("none", _DIRECTIVE.sub("", path.read_text(encoding="utf-8")))


@functools.cache
def _own(name: str) -> str:
    sheet = resources.files(looks).joinpath("css", name)
    return sheet.read_text(encoding="utf-8") if sheet.is_file() else ""
