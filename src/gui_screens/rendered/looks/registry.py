"""Every look by name."""

from __future__ import annotations

from gui_screens.rendered.looks.frameworks import FRAMEWORKS
from gui_screens.rendered.looks.look import DRAWN_SLIDER, Look
from gui_screens.rendered.looks.more_frameworks import MORE_FRAMEWORKS

_PROJECT_LICENCE = "AGPL-3.0-only"
_OWN = (
    Look(
        name="slate",
        licence=_PROJECT_LICENCE,
        native_dark=True,
        tones={"primary": "b p", "secondary": "b s", "danger": "b d", "plain": "b g"},
        overrides={"slider": DRAWN_SLIDER},
        accents=("#18181b", "#7c3aed", "#0f766e"),
    ),
    Look(
        name="cupertino",
        licence=_PROJECT_LICENCE,
        native_dark=True,
        tones={"primary": "b p", "secondary": "b s", "danger": "b d", "plain": "b g"},
        overrides={"slider": DRAWN_SLIDER},
        accents=("#0a84ff", "#34c759", "#ff9500"),
    ),
    Look(
        name="plain",
        licence=_PROJECT_LICENCE,
        native_dark=True,
        accents=("#0b57d0", "#107c10", "#9a3412"),
        zoom=1.1,
    ),
)
LOOKS: dict[str, Look] = {look.name: look for look in (*FRAMEWORKS, *MORE_FRAMEWORKS, *_OWN)}
