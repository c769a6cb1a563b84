"""Whether coordinates are fractions of the image or pixels, decided over a whole source.

A format says which they are, and tools write the other all the same. As pixels, boxes that all
lie between 0 and 1 would be smaller than a pixel; as fractions, boxes that reach to 2 and beyond
would leave their images. A reading under which most boxes leave their images is no reading.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from PIL import Image

from reprise.errors import RepriseError
from reprise.formats.geometry import Xywh
from reprise.formats.records import WITH_AREA, BoxRecord, ImageRecord, SourceDataset

# Share of the boxes that must fit a reading; the others are noise, which the rules judge.
_NEARLY_ALL, _MOST = 0.95, 0.5
# How far a box may leave its image, as a share of it: tools round, and people draw over edges.
_OVER = 0.05
# Images whose headers are read, where the labels do not state the size.
_MOST_OPENED = 200
# Percent go to nearly 100; images so large would have boxes beyond.
_REACH, _LARGER = 80, 250
# Fewer boxes than this that leave their images may be mistakes of their own.
_FEW = 10

Size = tuple[int, int]


def settle_units(dataset: SourceDataset) -> tuple[bool, list[str]]:
    """Correct ``normalised`` of the images of a source, in place.

    Returns:
        Whether images were opened for it, and notes.

    Raises:
        RepriseError: Most boxes leave their images, as fractions and as pixels.
    """
    pixels = [i for i in dataset.images if i.boxes and not i.normalised]
    fractions = [i for i in dataset.images if i.boxes and i.normalised]
    notes = []
    if _are_fractions(pixels):
        _set_normalised(pixels, True)
        notes.append(
            f"all coordinates lie between 0 and 1: the {_count(pixels)} box(es) are read as "
            "fractions of their images, not as pixels"
        )
        return False, notes
    _check_mixed(dataset.source, pixels)
    opened = _far_out(fractions)
    if opened:
        _check_pixels(dataset.source, fractions)
        _set_normalised(fractions, False)
        notes.append(
            f"most coordinates are far above 1: the {_count(fractions)} box(es) are read as "
            "pixels, not as fractions of their images"
        )
    else:
        _check_inside(dataset.source, fractions, lambda _: (1, 1))
    if not _is_doubtful(_some(pixels)):
        _check_inside(dataset.source, pixels, _stated)
        return opened, notes
    chosen = _some(pixels)
    size_of = _sized(chosen)
    _check_inside(dataset.source, chosen, size_of)
    opened = opened or any(_stated(image) is None for image in chosen)
    return opened, notes + _percent_note(chosen, size_of)


def _boxes(images: Iterable[ImageRecord]) -> Iterator[tuple[ImageRecord, BoxRecord]]:
    """All boxes that have a place and an area."""
    for image in images:
        for box in image.boxes:
            drawn = not box.shape or box.shape in WITH_AREA
            if drawn and all(map(math.isfinite, box.xywh)) and (box.xywh[2] or box.xywh[3]):
                yield image, box


def _count(images: list[ImageRecord]) -> int:
    return sum(len(image.boxes) for image in images)


def _share(fits: list[bool]) -> float:
    return sum(fits) / len(fits) if fits else 0.0


def _some(images: list[ImageRecord]) -> list[ImageRecord]:
    """So many images as may be opened, taken evenly."""
    if len(images) <= _MOST_OPENED:
        return images
    return [images[n * len(images) // _MOST_OPENED] for n in range(_MOST_OPENED)]


def _sized(images: list[ImageRecord]) -> Callable[[ImageRecord], Size | None]:
    """What tells the sizes of these images, stated or in their files' headers."""
    sizes = {image.name: _stated(image) or _opened(image.path) for image in images}
    return lambda image: sizes[image.name]


def _is_doubtful(images: list[ImageRecord]) -> bool:
    """Whether pixels may be two corners, or percent: then the sizes of the images tell."""
    ordered, small = [], []
    for _, box in _boxes(images):
        x, y, w, h = box.xywh
        ordered.append(not box.segmentation and x < w and y < h)
        small.append(not _leaves(box.xywh, (100, 100)))
    return len(ordered) >= _FEW and max(_share(ordered), _share(small)) > _NEARLY_ALL


def _percent_note(
    images: list[ImageRecord], size_of: Callable[[ImageRecord], Size | None]
) -> list[str]:
    """What is to be said of boxes that all lie in the first 100 pixels of larger images."""
    reach = [max(x + w, y + h) for _, box in _boxes(images) for x, y, w, h in [box.xywh]]
    sizes = [size for image in images if (size := size_of(image)) is not None]
    larger = [min(size) > _LARGER for size in sizes]
    if max(reach) < _REACH or max(reach) > 100 * (1 + _OVER) or _share(larger) < _NEARLY_ALL:
        return []
    return [
        f"no box goes beyond {max(reach):g}, though the images are larger: if the coordinates are "
        "percent of the image, divide them by 100; they are read as pixels"
    ]


def _set_normalised(images: list[ImageRecord], value: bool) -> None:
    for image in images:
        image.normalised = value


def _are_fractions(images: list[ImageRecord]) -> bool:
    fits = []
    for _, box in _boxes(images):
        if isinstance(box.segmentation, dict):
            return False  # run lengths are of pixels, and so is what stands beside them
        fits.append(not _leaves(box.xywh, (1, 1)))
    return _share(fits) >= _NEARLY_ALL


def _check_mixed(source: str, images: list[ImageRecord]) -> None:
    """Fail where a good part of boxes in pixels can only be fractions, and not single pixels."""
    inside = [
        (image.name, not _leaves(box.xywh, (1, 1)) and any(value % 1 for value in box.xywh))
        for image, box in _boxes(images)
    ]
    few = [name for name, fits in inside if fits]
    if len(few) >= _FEW and len(few) > (1 - _NEARLY_ALL) * len(inside):
        raise RepriseError(
            f"source '{source}': the numbers of {len(few)} of {len(inside)} boxes lie between 0 "
            f"and 1, as fractions of the image, and the others are pixels; the first is in "
            f"{few[0]}.",
            "write all boxes in one unit, or make each part a source of its own.",
        )


def _far_out(images: list[ImageRecord]) -> bool:
    far = [max(x + w, y + h, w, h) > 2 for _, box in _boxes(images) for x, y, w, h in [box.xywh]]
    return _share(far) > _MOST


def _leaves(xywh: Xywh, size: tuple[float, float]) -> bool:
    x, y, w, h = xywh
    over, under = _OVER * size[0], _OVER * size[1]
    return x < -over or y < -under or x + w > size[0] + over or y + h > size[1] + under


def _check_pixels(source: str, images: list[ImageRecord]) -> None:
    """Fail unless boxes that are no fractions lie in their images as pixels."""
    chosen = _some(images)
    size_of = _sized(chosen)
    fits, percent = [], []
    for image, box in _boxes(chosen):
        size = size_of(image)
        if size is not None:
            fits.append(not _leaves(box.xywh, size))
            percent.append(not _leaves(box.xywh, (100, 100)) and min(size) > 150)
    if fits and _share(fits) < _NEARLY_ALL:
        raise RepriseError(
            f"source '{source}': its boxes leave their images, whether their numbers are read as "
            f"fractions or as pixels: {fits.count(False)} of {len(fits)} as pixels.",
            "write them as fractions of the image's width and height, from 0 to 1, or as pixels.",
        )
    if _share(percent) >= _NEARLY_ALL:
        raise RepriseError(
            f"source '{source}': its coordinates are no fractions, for they go beyond 1, and none "
            "goes beyond 100: they may be percent of the image, or pixels of its upper left part.",
            "divide them by 100 if they are percent, or by the image's width and height.",
        )


def _check_inside(
    source: str, images: list[ImageRecord], size_of: Callable[[ImageRecord], Size | None]
) -> None:
    """Fail where most boxes leave their images, or a good many that would fit as two corners: then
    they mean something else."""
    out, corners, first = [], [], ""
    for image, box in _boxes(images):
        size = size_of(image)
        if size is None:
            continue
        x, y, w, h = box.xywh
        out.append(_leaves(box.xywh, size))
        first = first or (image.name if out[-1] else "")
        # The numbers as they are written: YOLO's give the centre.
        one, two = (x + w / 2, y + h / 2) if image.normalised else (x, y)
        fits = one < w and two < h and not _leaves((one, two, w - one, h - two), size)
        corners.append(fits and not box.segmentation)
    as_corners = _share(corners) > _NEARLY_ALL
    if out.count(True) < _FEW or _share(out) <= (1 - _NEARLY_ALL if as_corners else _MOST):
        return
    hint = " They would fit as left, top, right, bottom." if as_corners else ""
    raise RepriseError(
        f"source '{source}': {out.count(True)} of {len(out)} boxes leave their images, the first "
        f"in {first}, so that their numbers must mean something else.{hint}",
        "convert the boxes to what the format has, or name another format in data.sources.",
    )


def _stated(image: ImageRecord) -> Size | None:
    """The size that the labels state."""
    if image.width is None or image.height is None:
        return None
    return image.width, image.height


def _opened(path: Path | None) -> Size | None:
    """The size in a file's header, for boxes that may be made on the image as stored or turned."""
    if path is None or not path.is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                turned = image.getexif().get(0x0112, 1) >= 5
                return (image.height, image.width) if turned else image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, TypeError):
        return None  # preprocessing says what is wrong with it
