"""Icon families: five from npm and one drawn here, under common names."""

from __future__ import annotations

import functools
from pathlib import Path

from reprise.errors import RepriseError

_NAMES: dict[str, tuple[str, str]] = {
    "bootstrap-icons": (
        "bootstrap-icons/icons/{}.svg",
        (
            "search bell person gear heart star house trash pencil plus-lg x-lg list cart "
            "envelope calendar eye lock download share funnel camera telephone arrow-left "
            "info-circle folder file-earmark globe moon sun wifi geo-alt clock"
        ),
    ),
    "lucide": (
        "lucide-static/icons/{}.svg",
        (
            "search bell user settings heart star house trash-2 pencil plus x menu "
            "shopping-cart mail calendar eye lock download share-2 funnel camera phone "
            "arrow-left info "
            "folder file globe moon sun wifi map-pin clock"
        ),
    ),
    "tabler": (
        "@tabler/icons/icons/outline/{}.svg",
        (
            "search bell user settings heart star home trash pencil plus x menu-2 "
            "shopping-cart mail calendar eye lock download share filter camera phone arrow-left "
            "info-circle folder file world moon sun wifi map-pin clock"
        ),
    ),
    "heroicons": (
        "heroicons/24/solid/{}.svg",
        (
            "magnifying-glass bell user cog-6-tooth heart star home trash pencil plus x-mark "
            "bars-3 shopping-cart envelope calendar eye lock-closed arrow-down-tray share "
            "funnel camera phone arrow-left information-circle folder document globe-alt moon "
            "sun wifi map-pin clock"
        ),
    ),
    "phosphor": (
        "@phosphor-icons/core/assets/duotone/{}-duotone.svg",
        (
            "magnifying-glass bell user gear heart star house trash pencil-simple plus x list "
            "shopping-cart envelope calendar eye lock download-simple share-network funnel "
            "camera phone arrow-left info folder file globe moon sun wifi-high map-pin clock"
        ),
    ),
}
#: Names that every family can draw, in the order of the lists above.
ICONS: tuple[str, ...] = (
    "search",
    "bell",
    "user",
    "settings",
    "heart",
    "star",
    "home",
    "trash",
    "edit",
    "plus",
    "close",
    "menu",
    "cart",
    "mail",
    "calendar",
    "eye",
    "lock",
    "download",
    "share",
    "filter",
    "camera",
    "phone",
    "back",
    "info",
    "folder",
    "file",
    "globe",
    "moon",
    "sun",
    "wifi",
    "pin",
    "clock",
)
#: npm package and licence of each family.
FAMILIES: dict[str, tuple[str, str]] = {
    "bootstrap-icons": ("bootstrap-icons", "MIT"),
    "lucide": ("lucide-static", "ISC"),
    "tabler": ("@tabler/icons", "MIT"),
    "heroicons": ("heroicons", "MIT"),
    "phosphor": ("@phosphor-icons/core", "MIT"),
    "blocky": ("", "AGPL-3.0-only"),
}
_BLOCKY: dict[str, str] = {
    "search": '<circle cx="10" cy="10" r="6"/><path d="M14.5 14.5L21 21"/>',
    "bell": '<path class="f" d="M5 17V11a7 7 0 0 1 14 0v6l2 2H3z"/><path d="M10 22h4"/>',
    "user": '<circle class="f" cx="12" cy="8" r="4.5"/><path class="f" d="M3 22a9 8 0 0 1 18 0z"/>',
    "settings": '<circle cx="12" cy="12" r="5"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4M5 5l3 3'
    'M16 16l3 3M5 19l3-3M16 8l3-3"/>',
    "heart": '<path class="f" d="M12 21L3 12a5.4 5.4 0 0 1 9-6 5.4 5.4 0 0 1 9 6z"/>',
    "star": '<path class="f" d="M12 2l3 7h7l-5.5 5 2 8L12 17.500 5.500 22l2-8L2 9h7z"/>',
    "home": '<path class="f" d="M2 12L12 3l10 9h-3v9H5v-9z"/>',
    "trash": '<path class="f" d="M5 8h14l-1 14H6z"/><path d="M3 5.500h18M9 3h6"/>',
    "edit": '<path class="f" d="M3 21l1-5L16 4l4 4L8 20z"/>',
    "plus": '<path d="M12 3v18M3 12h18"/>',
    "close": '<path d="M4 4l16 16M20 4L4 20"/>',
    "menu": '<path d="M3 5h18M3 12h18M3 19h18"/>',
    "cart": '<path d="M2 4h4l2 11h11l2-8H7"/><circle class="f" cx="9" cy="20" r="1.500"/>'
    '<circle class="f" cx="18" cy="20" r="1.500"/>',
    "mail": '<path d="M2 5h20v14H2zM2 6l10 8 10-8"/>',
    "calendar": '<path d="M3 5h18v16H3zM3 10h18M8 2v5M16 2v5"/>',
    "eye": '<path d="M2 12q10-13 20 0-10 13-20 0z"/><circle class="f" cx="12" cy="12" r="3"/>',
    "lock": '<path class="f" d="M4 11h16v10H4z"/><path d="M8 11V7a4 4 0 0 1 8 0v4"/>',
    "download": '<path d="M12 3v12M6 10l6 6 6-6M3 21h18"/>',
    "share": '<circle class="f" cx="5" cy="12" r="3"/><circle class="f" cx="19" cy="5" r="3"/>'
    '<circle class="f" cx="19" cy="19" r="3"/><path d="M19 5L5 12l14 7"/>',
    "filter": '<path class="f" d="M2 3h20l-8 10v8l-4-3v-5z"/>',
    "camera": '<path d="M2 7h5l2-3h6l2 3h5v13H2z"/><circle cx="12" cy="13" r="4"/>',
    "phone": '<path class="f" d="M3 4l5-2 3 6-3 2q2 5 6 6l2-3 6 3-2 5Q4 23 3 4z"/>',
    "back": '<path d="M21 12H4M11 4l-8 8 8 8"/>',
    "info": '<circle cx="12" cy="12" r="9.500"/><path d="M12 11v6M12 6.500v1"/>',
    "folder": '<path class="f" d="M2 4h7l3 3h10v13H2z"/>',
    "file": '<path d="M5 2h9l5 5v15H5zM14 2v5h5"/>',
    "globe": '<circle cx="12" cy="12" r="9.500"/><path d="M2.500 12h19M12 2.500q-8 9.500 0 19'
    'M12 2.500q8 9.500 0 19"/>',
    "moon": '<path class="f" d="M20 15A9.500 9.500 0 1 1 10 3a8 8 0 0 0 10 12z"/>',
    "sun": '<circle class="f" cx="12" cy="12" r="4.500"/><path d="M12 1v3M12 20v3M1 12h3M20 12h3'
    'M4 4l2 2M18 18l2 2M4 20l2-2M18 6l2-2"/>',
    "wifi": '<path d="M2 9q10-8 20 0M6 14q6-5 12 0"/><circle class="f" cx="12" cy="19" r="2"/>',
    "pin": '<path class="f" d="M12 22Q4 13 4 9a8 7 0 0 1 16 0q0 4-8 13z"/>',
    "clock": '<circle cx="12" cy="12" r="9.500"/><path d="M12 6v6l4 3"/>',
}


@functools.cache
def glyph(family: str, name: str, modules: Path) -> str:
    """The SVG element of one icon.

    Args:
        family: A key of :data:`FAMILIES`.
        name: A common name, one of :data:`ICONS`.
        modules: The ``node_modules`` folder with the icon packages.

    Returns:
        Inline SVG that follows the text colour.

    Raises:
        RepriseError: The icon's file is not there.
    """
    if family == "blocky":
        shapes = _BLOCKY[name].replace('class="f"', 'fill="currentColor"')
        return (
            '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2">'
            f"{shapes}</svg>"
        )
    pattern, names = _NAMES[family]
    path = modules / pattern.format(names.split()[ICONS.index(name)])
    if not path.is_file():
        raise RepriseError(
            f"icon {name!r} of {family} is missing: {path.name} is not below {modules.name}",
            "run `npm install` in the looks folder again, with the versions of its package.json",
        )
    text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :].strip()
