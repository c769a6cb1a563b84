"""What the pixels of a label mask mean: class numbers, or colours of a CVAT ``labelmap.txt``.

Numbers are the values of a grey PNG or the palette indices of one with a palette; of a colour PNG
whose three channels are equal, their common value. 0 is background and 255 is ignored, unless no
mask of the source holds any other value: then 255 is class 1 of binary masks.

``classes.txt`` names the numbers. When its first line is ``background`` (or another of
BACKGROUND), lines are numbered from 0; else from 1. A number without a name is the class
``class_<number>``.

``labelmap.txt`` has lines ``name:r,g,b::``, numbered in the same way; with it, masks with a
palette or with colours are read by colour, and every colour must be in it. Black is background
unless it is listed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reprise.formats.class_list import read_class_list
from reprise.formats.file_index import FileIndex
from reprise.formats.mask_images import open_mask
from reprise.formats.records import LabelError

BACKGROUND = frozenset({"_background_", "__background__", "background", "bg"})
IGNORED = 255
_UNSEEN = "__ignore__"  # the first line of LabelMe's lists, number -1
_ENTRY = re.compile(r"(?P<name>[^:]+):(?P<red>\d+),(?P<green>\d+),(?P<blue>\d+)(:.*)?")
_MOST_BYTES = 10**6
_MOST_CLASSES = 65_000


@dataclass(frozen=True)
class LabelValues:
    """The meaning of values in the masks of one source.

    Attributes:
        names: Class number to name, background left out.
        colours: 0xRRGGBB to class number; empty when there is no list of colours.
        background: Numbers that are no object; 0 among them.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, int] = field(default_factory=dict)
    background: frozenset[int] = frozenset({0})

    def name(self, value: int) -> str:
        """The class of a number."""
        return self.names.get(value, f"class_{value}")

    def read(self, path: Path) -> tuple[np.ndarray, bool]:
        """Class numbers of a mask's pixels.

        Returns:
            uint16 or uint8, shape (height, width); and whether IGNORED has its special
            meaning, which it has not among colours.

        Raises:
            LabelError: The mask cannot be opened, is of more than 8 bits or holds a colour
                without a meaning.
        """
        image = open_mask(path)
        if image.mode in ("1", "L") or (image.mode == "P" and not self.colours):
            return np.asarray(image).astype(np.uint8), True
        if image.mode not in ("LA", "P", "PA", "RGB", "RGBA"):
            raise LabelError(f"class numbers have 8 bits, and it is of the mode {image.mode}")
        channels = [np.asarray(channel) for channel in image.convert("RGB").split()]
        if self.colours:
            return self._numbers(*channels), False
        if not all((channel == channels[0]).all() for channel in channels):
            raise LabelError("it has colours, and no labelmap.txt says which classes they are")
        return channels[0], True

    def _numbers(self, red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
        codes = red.astype(np.uint32) << 16 | green.astype(np.uint32) << 8 | blue
        numbers = np.zeros(codes.shape, dtype=np.uint16)
        known = codes == 0
        for colour, number in self.colours.items():
            same = codes == colour
            numbers[same] = number
            known |= same
        if not known.all():
            colour = int(codes[~known][0])
            text = f"{colour >> 16},{colour >> 8 & 255},{colour & 255}"
            raise LabelError(f"its colour {text} is not in labelmap.txt")
        return numbers


def read_values(files: FileIndex) -> LabelValues:
    """The meaning that ``labelmap.txt`` or, failing that, ``classes.txt`` gives.

    Raises:
        RepriseError: One of them is malformed, or there are several labelmap.txt.
    """
    maps = [name for name in files.names if posixpath.basename(name).lower() == "labelmap.txt"]
    if len(maps) > 1:
        raise files.source_error(
            f"it has {maps[0]} and {maps[1]}.",
            "keep the one that is right.",
        )
    if not maps:
        return _numbered(read_class_list(files), [])
    entries = _entries(files, maps[0])
    return _numbered([name for name, _ in entries], [colour for _, colour in entries])


def _numbered(names: list[str], colours: list[int]) -> LabelValues:
    if names and names[0].lower() == _UNSEEN:
        names, colours = names[1:], colours[1:]
    first = 0 if names and names[0].lower() in BACKGROUND else 1
    numbered = dict(enumerate(names, start=first))
    background = {value for value, name in numbered.items() if name.lower() in BACKGROUND}
    return LabelValues(
        {value: name for value, name in numbered.items() if value not in background},
        {colour: value for value, colour in enumerate(colours, start=first)},
        frozenset(background | {0}),
    )


def _entries(files: FileIndex, name: str) -> list[tuple[str, int]]:
    fix = "write one class a line, as in: road:128,64,128::"
    with files.path(name).open("rb") as file:
        text = file.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    entries: list[tuple[str, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _ENTRY.fullmatch(line.strip())
        channels = [int(found[key][:4]) for key in ("red", "green", "blue")] if found else [256]
        if not found or max(channels) > 255:
            raise files.error(name, f"line {number}", "no name:r,g,b:: is in it", fix)
        red, green, blue = channels
        entries.append((found["name"].strip(), red << 16 | green << 8 | blue))
    for kind, seen in (("class", [n for n, _ in entries]), ("colour", [c for _, c in entries])):
        if len(set(seen)) < len(seen) or len(seen) > _MOST_CLASSES:
            raise files.source_error(f"{name} names a {kind} twice.", fix)
    return entries
