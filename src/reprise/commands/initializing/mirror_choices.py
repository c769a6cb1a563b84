"""The mirrors of the section ``augmentation``: none where something is read, all from above."""

from __future__ import annotations

import re

from reprise.commands.initializing.choice import Choice
from reprise.commands.initializing.fingerprint import Fingerprint

# Of a class or source: what is written, or a widget, which no mirror shows.
_READ = re.compile("button|checkbox|combobox|textbox|textview|inputbox|dropdown|toolbar|navbar")
_READ_WORDS = {
    "text", "label", "link", "word", "letter", "character", "digit", "number", "sign", "arrow",
    "left", "right", "logo", "menu", "title", "heading", "paragraph", "caption", "icon", "gui",
    "ui", "screen", "screenshot", "plate",
}  # fmt: skip
# What is seen from above or through a microscope has no upside.
_FROM_ABOVE = {
    "cell", "nucleus", "nuclei", "nucleu", "rbc", "wbc", "platelet", "bacteria", "bacterium",
    "microscopy", "aerial", "satellite", "drone",
}  # fmt: skip


def flips(data: Fingerprint) -> list[Choice]:
    """The mirrors that leave an image what it is."""
    names = [*data.classes, *(source.name for source in data.sources)]
    read = [name for name in names if _is_read(name)]
    above = [name for name in names if name.lower().removesuffix("s") in _FROM_ABOVE]
    above += [s.name for s in data.sources if set(s.name.split("_")) & _FROM_ABOVE]
    both = ("augmentation.flip_horizontal", "augmentation.flip_vertical")
    if read:
        reason = f"'{read[0]}' is read, and no mirror shows it"
        return [Choice(key, 0.0, reason) for key in both]
    if above:
        reason = f"'{above[0]}' looks the same from every side"
        return [Choice(key, 0.5, reason) for key in both]
    return [
        Choice(both[0], 0.5, "no class name speaks of text, or of left and right"),
        Choice(both[1], 0.0, "no name says that the images are seen from above"),
    ]


def _is_read(name: str) -> bool:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    letter = len(name) == 1 and name.isalpha()
    return letter or bool(words & _READ_WORDS) or bool(_READ.search(name.lower()))
