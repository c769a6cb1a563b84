"""What the pixels of label masks mean: class numbers, or colours of a table.

Numbers are the values of a grey mask or the palette indices of one with a palette; of a colour
mask whose three channels are equal, their common value. With a table of colours
(:mod:`.class_tables`), masks with a palette or with colours are read by colour; every colour must
be in it, but for soft edges, which take the nearest. Black is background unless it is listed.

What all masks of a source hold decides the rest, and notes tell of it:

- Soft edges and rings of JPEG are snapped to the few true values
  (:mod:`reprise.formats.mask_levels`).
- Where nothing but 0, 1 and 255 occurs, and 1 and 255 never in one mask, masks are binary: 1 and
  255 are both class 1.
- 255 is a class where it has a name, where edges are soft, or where all other values are
  FAINTEST or more, as levels of grey; else it is void, and no object.
- Colours without any table are classes named by them, ``#80c000``, if all masks together have
  32 at most.
- A number without a name is the class ``class_<number>``. In masks that are named as those of
  Cityscapes, 1 to 6 are void, as Cityscapes has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from reprise.formats.label_masks.class_tables import ClassTable
from reprise.formats.mask_images import open_mask
from reprise.formats.mask_levels import LEAST_SOFT, MOST_BETWEEN, ValueCounts, snap
from reprise.formats.records import LabelError

HIGH = 255
# The least value of masks that are drawn in levels of grey, not in class numbers.
FAINTEST = 64
_CITYSCAPES_VOID = frozenset(range(1, 7))
# Most difference between the channels of a grey picture that was saved as JPEG.
_NEARLY_GREY = 24
# Colours of all masks of a source that are classes without a table.
_MOST_COLOURS = 32
# How far JPEG moves the value of an area.
_JPEG_SHIFT = 3


@dataclass
class PixelValues:
    """The meaning of values in the masks of one source.

    Args:
        table: Which class a value or a colour is.
        cityscapes: Whether the masks are named as those of Cityscapes.

    Attributes:
        names: Class number to name, without those that are no object.
        background: Numbers that are no object.
        notes: What was decided.
    """

    table: ClassTable
    cityscapes: bool = False
    names: dict[int, str] = field(default_factory=dict)
    background: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    _levels: list[int] | None = None
    _binary: bool = False

    def __post_init__(self) -> None:
        self.background = set(self.table.background)
        if self.cityscapes and not self.table.names:
            self.background |= _CITYSCAPES_VOID
            self.notes.append(
                "masks are named as those of Cityscapes: numbers up to 6 are void; classes.txt "
                "can name the others"
            )
        self.names = {
            number: name
            for number, name in self.table.names.items()
            if number not in self.background
        }
        called = [name for number, name in self.table.names.items() if number in self.background]
        if self.table.file:
            void = f"; no class: {', '.join(called)}" if called else ""
            self.notes.append(f"classes are named by {self.table.file}{void}")

    def survey(self, paths: Iterable[Path]) -> None:
        """Look at all masks of the source, and decide what their values mean; masks that cannot
        be opened do not count."""
        counts, only_ones, high, both, soft = ValueCounts(), 0, 0, 0, 0
        seen: set[int] = set()
        colours: set[int] = set()
        for path in paths:
            try:
                image = open_mask(path)
                if self._has_colours(image):
                    colours |= _codes_of(image)
                    continue
                numbers = self._grey(image)
            except LabelError:
                continue
            if numbers is None:
                continue
            values = set(np.unique(numbers).tolist())
            only_ones += values <= {0, 1} and 1 in values
            high += HIGH in values
            is_soft = len(values) > LEAST_SOFT
            soft += is_soft
            both += {1, HIGH} <= values and not is_soft
            if not values <= {0, 1}:
                counts.add(numbers)
            seen |= values
        if 0 < len(colours) <= _MOST_COLOURS:
            self._name_by_colours(sorted(colours - {0}))
        self._levels = counts.levels()
        if self._levels is not None:
            named = [0, HIGH, *self.table.names]
            self._levels = [_named_level(level, named) for level in self._levels]
            shown = ", ".join(map(str, self._levels))
            self.notes.append(
                f"{soft} mask(s) have soft edges, as resizing or JPEG leaves them, and were "
                f"snapped to {shown}; pixels in between are at most {MOST_BETWEEN:.0%} of all"
            )
            seen = {*self._levels, *([1] if only_ones else [])}
        self._binary = seen <= {0, 1, HIGH} and HIGH in seen and not both and HIGH not in self.names
        if self._binary and only_ones and high:
            self.notes.append(
                f"{only_ones} mask(s) show the object as 1 and {high} as 255: both are one class"
            )
        others = [value for value in seen if value not in (0, HIGH)]
        grey_levels = bool(others) and min(others) >= FAINTEST
        is_class = HIGH in self.names or self._levels is not None or grey_levels
        if high and not self._binary and not is_class:
            self.background.add(HIGH)
            self.notes.append(f"255 is void in {high} mask(s), beside class numbers")

    def _name_by_colours(self, colours: list[int]) -> None:
        names = {number: f"#{colour:06x}" for number, colour in enumerate(colours, start=1)}
        numbers = {colour: number for number, colour in enumerate(colours, start=1)}
        self.table = ClassTable(names, numbers)
        self.names = names
        self.notes.append(
            f"no table says which classes the {len(colours)} colours of the masks are: they are "
            "named by their colours, black is no class; labelmap.txt with lines name:r,g,b:: "
            "names them"
        )

    def name(self, number: int) -> str:
        """The class of a number."""
        return self.names.get(number, f"class_{number}")

    def read(self, path: Path) -> np.ndarray:
        """Class numbers of a mask's pixels, those of ``background`` among them.

        Returns:
            uint16 or uint8, shape (height, width).

        Raises:
            LabelError: The mask cannot be opened, is of more than 8 bits or holds a colour
                without a meaning.
        """
        image = open_mask(path)
        numbers = self._grey(image)
        if numbers is None:
            return self._numbers(*(np.asarray(one) for one in image.convert("RGB").split()))
        if self._levels is not None and not numbers.max() <= 1:
            numbers = snap(numbers, self._levels)
        return np.where(numbers == HIGH, np.uint8(1), numbers) if self._binary else numbers

    def _grey(self, image: Image.Image) -> np.ndarray | None:
        """The values of a mask; None where colours count.

        Raises:
            LabelError: It is of more than 8 bits, or has colours without a table.
        """
        if image.mode == "P" and image.format == "GIF":
            # A GIF has no other mode: its numbers are the greys of its palette.
            image = image.convert("RGB")
        if image.mode in ("1", "L") or (image.mode == "P" and not self.table.colours):
            return np.asarray(image).astype(np.uint8)
        if image.mode.startswith("I") and np.asarray(image).max() <= 255:
            return np.asarray(image).astype(np.uint8)
        if image.mode not in ("LA", "P", "PA", "RGB", "RGBA"):
            raise LabelError(f"class numbers have 8 bits, and it is of the mode {image.mode}")
        if self.table.colours:
            return None
        if self._has_colours(image):
            raise LabelError("it has colours, and no labelmap.txt says which classes they are")
        return np.asarray(image.convert("RGB").split()[1])

    def _has_colours(self, image: Image.Image) -> bool:
        """Whether a mask has colours and there is no table of any."""
        if self.table.colours or image.mode not in ("RGB", "RGBA"):
            return False
        channels = np.stack([np.asarray(one) for one in image.convert("RGB").split()])
        spread = int((channels.max(axis=0) - channels.min(axis=0)).max())
        return spread > (_NEARLY_GREY if image.format == "JPEG" else 0)

    def _numbers(self, red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
        codes = red.astype(np.uint32) << 16 | green.astype(np.uint32) << 8 | blue
        numbers = np.zeros(codes.shape, dtype=np.uint16)
        known = codes == 0
        for colour, number in self.table.colours.items():
            same = codes == colour
            numbers[same] = number
            known |= same
        if not known.all():
            numbers[~known] = self._nearest(codes[~known], known.size)
        return numbers

    def _nearest(self, codes: np.ndarray, size: int) -> np.ndarray:
        """Numbers of the nearest colours, where there are so many and so few as of soft edges.

        Raises:
            LabelError: They are no soft edges.
        """
        unknown, places = np.unique(codes, return_inverse=True)
        if len(unknown) < LEAST_SOFT or codes.size > MOST_BETWEEN * size:
            colour = int(codes[0])
            text = f"{colour >> 16},{colour >> 8 & 255},{colour & 255}"
            raise LabelError(f"its colour {text} is not in {self.table.file}")
        listed = dict(self.table.colours)
        listed.setdefault(0, 0)
        distances = ((_channels(unknown)[:, None] - _channels(list(listed))[None]) ** 2).sum(2)
        numbers = np.array(list(listed.values()), np.uint16)
        return np.asarray(numbers[distances.argmin(1)][places])


def _named_level(level: int, named: list[int]) -> int:
    """The value that has a meaning where JPEG has moved a level a little, else the level."""
    near = min(named, key=lambda value: abs(value - level))
    return near if abs(near - level) <= _JPEG_SHIFT else level


def _codes_of(image: Image.Image) -> set[int]:
    """The colours of a mask as 0xRRGGBB; of one with too many for a mask, too many."""
    found = image.convert("RGB").getcolors(_MOST_COLOURS)
    if found is None:
        return set(range(_MOST_COLOURS + 1))
    return {red << 16 | green << 8 | blue for _, (red, green, blue) in found}  # type: ignore[misc]


def _channels(codes: object) -> np.ndarray:
    values = np.asarray(codes, dtype=np.int64)
    return np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1)
