"""Typefaces that travel with locked Python packages, so that text is drawn alike everywhere.

System fonts differ from machine to machine; none is ever looked at.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

from reprise.errors import RepriseError

_FOLDERS = {
    "matplotlib": ("mpl-data", "fonts", "ttf"),
    "great_expectations": ("render", "view", "static", "fonts", "HKGrotesk"),
}


@dataclass(frozen=True)
class Family:
    """A typeface in two weights.

    Args:
        name: How it is called here.
        package: The Python package that carries its files.
        regular: File name of the text weight.
        bold: File name of the heading weight.
        stretch: Horizontal factor; below 1 the letters are drawn narrower.
    """

    name: str
    package: str
    regular: str
    bold: str
    stretch: float = 1.0


_MPL, _GX = "matplotlib", "great_expectations"
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("dejavu", _MPL, "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
        Family("dejavu-narrow", _MPL, "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", 0.86),
        Family("dejavu-tight", _MPL, "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", 0.93),
        Family("grotesk", _GX, "HKGrotesk-Regular.otf", "HKGrotesk-Bold.otf"),
        Family("grotesk-medium", _GX, "HKGrotesk-Medium.otf", "HKGrotesk-SemiBold.otf"),
        Family("grotesk-light", _GX, "HKGrotesk-Light.otf", "HKGrotesk-Medium.otf", 1.04),
        Family("serif", _MPL, "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", 0.92),
        Family("times", _MPL, "STIXGeneral.ttf", "STIXGeneralBol.ttf"),
        Family("mono", _MPL, "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", 0.95),
    )
}


@cache
def font_file(package: str, name: str) -> Path:
    """Path of a font inside an installed package, which is located but not imported.

    Raises:
        RepriseError: The package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder).joinpath(*_FOLDERS[package], name)
        if path.is_file():
            return path
    raise RepriseError(
        f"the font {name} that the package {package} carries is not installed.",
        "install exactly what the lock names: delete .venv and run make repro again.",
    )


@dataclass(frozen=True)
class Face:
    """A family at one weight and size in pixels of the drawn image."""

    family: Family
    size: int
    bold: bool = False

    @property
    def font(self) -> ImageFont.FreeTypeFont:
        """The loaded font; the basic layout engine shapes alike with or without Raqm."""
        name = self.family.bold if self.bold else self.family.regular
        return _load(self.family.package, name, self.size)

    def length(self, text: str) -> int:
        """Advance width of a line of text in pixels, rounded up."""
        return int(-(-self.font.getlength(text) * self.family.stretch // 1))

    @property
    def metrics(self) -> tuple[int, int]:
        """Ascent and descent in pixels."""
        return self.font.getmetrics()


@lru_cache(maxsize=512)
def _load(package: str, name: str, size: int) -> ImageFont.FreeTypeFont:
    path = font_file(package, name)
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
