"""Icons drawn from a few strokes on a 24 by 24 grid, in line and solid families.

A glyph is a list of strokes parted by ``;``. The first letter says what it is:

- ``L`` a line through points, ``P`` a closed polygon, ``C`` a circle ``cx,cy r``,
- ``R`` a rounded rectangle ``x0,y0 x1,y1 r``, ``A`` an arc ``x0,y0 x1,y1 start,end``,
- ``D`` a dot ``cx,cy r``, filled in every family.

Closed shapes are filled in the solid family. Strokes that begin with ``-`` lie on top of
them there, so they are cut out; ``~`` marks strokes that only the line family shows.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw

GLYPHS: dict[str, str] = {
    "home": "P 3,11 12,3 21,11 21,21 3,21;-L 12,21 12,14",
    "user": "C 12,8 4.5;P 3.5,21 5,16.5 9,14.5 15,14.5 19,16.5 20.5,21",
    "users": "C 9,8 4;P 2,20 3,15.5 6,14 12,14 15,15.5 16,20;A 13,4 20,12 270,90;"
    "L 18,14 21,16 22,20",
    "search": "~C 10.5,10.5 7;L 15.5,15.5 21,21;A 3.5,3.5 17.5,17.5 0,360",
    "gear": "P 10,2 14,2 15,5 18,4 21,8 19,10.5 19,13.5 21,16 18,20 15,19 14,22 10,22 9,19 6,20 "
    "3,16 5,13.5 5,10.5 3,8 6,4 9,5;-C 12,12 3.2",
    "menu": "L 3,6 21,6;L 3,12 21,12;L 3,18 21,18",
    "more": "D 5,12 2;D 12,12 2;D 19,12 2",
    "more-v": "D 12,5 2;D 12,12 2;D 12,19 2",
    "plus": "L 12,4 12,20;L 4,12 20,12",
    "minus": "L 4,12 20,12",
    "close": "L 5,5 19,19;L 19,5 5,19",
    "check": "L 4,13 9.5,18.5 20,6",
    "left": "L 15,4 7,12 15,20",
    "right": "L 9,4 17,12 9,20",
    "up": "L 4,15 12,8 20,15",
    "down": "L 4,9 12,16 20,9",
    "arrow-left": "L 21,12 3,12;L 10,5 3,12 10,19",
    "arrow-right": "L 3,12 21,12;L 14,5 21,12 14,19",
    "download": "L 12,3 12,16;L 6,10.5 12,16 18,10.5;L 4,21 20,21",
    "upload": "L 12,17 12,4;L 6,9.5 12,4 18,9.5;L 4,21 20,21",
    "heart": "P 12,21 3.5,12.5 2.5,8 5,4.5 9,4.5 12,7.5 15,4.5 19,4.5 21.5,8 20.5,12.5",
    "star": "P 12,2 15,9 22,9.6 16.6,14.3 18.4,21.5 12,17.5 5.6,21.5 7.4,14.3 2,9.6 9,9",
    "bell": "P 5,17 6.5,14 6.5,9.5 9,5.5 12,4 15,5.5 17.5,9.5 17.5,14 19,17;L 10,20.5 14,20.5",
    "mail": "R 2.5,5 21.5,19 2;-L 3,7 12,13.5 21,7",
    "chat": "P 4,4 20,4 21.5,6 21.5,15 20,17 11,17 6,21 6,17 4,17 2.5,15 2.5,6;-L 7,9 17,9;"
    "-L 7,12.5 13,12.5",
    "phone": "R 6.5,2 17.5,22 2.5;-L 11,18.5 13,18.5",
    "camera": "P 3,7 8,7 9.5,4.5 14.5,4.5 16,7 21,7 21,19.5 3,19.5;-C 12,13 3.6",
    "photo": "R 3,4 21,20 2;-C 8.5,9.5 1.8;-L 3.5,18 9.5,12.5 14,17 17,14 20.5,17",
    "calendar": "R 3,5 21,21 2;-L 3,10 21,10;L 8,2.5 8,6;L 16,2.5 16,6",
    "clock": "C 12,12 9;-L 12,6.5 12,12 16,14.5",
    "lock": "R 4.5,10.5 19.5,21 2;A 7.5,3 16.5,17 180,360;-D 12,15.5 1.4",
    "eye": "P 1.5,12 5.5,7 12,5 18.5,7 22.5,12 18.5,17 12,19 5.5,17;-C 12,12 3",
    "trash": "L 4,6.5 20,6.5;P 6,6.5 18,6.5 17,21 7,21;L 9,3.5 15,3.5;-L 10,10.5 10,17;"
    "-L 14,10.5 14,17",
    "pen": "P 4,20 5,15.5 16,4.5 19.5,8 8.5,19;-L 13.5,7 17,10.5",
    "copy": "R 8.5,8.5 21,21 2;L 5,15.5 3,15.5 3,3 15.5,3 15.5,5",
    "share": "C 6,12 2.8;C 18,5 2.8;C 18,19 2.8;L 8.5,10.7 15.5,6.4;L 8.5,13.3 15.5,17.6",
    "link": "L 9,15 15,9;A 10,2 21,13 200,70;A 3,11 14,22 20,250",
    "cart": "L 1.5,3 5,3 7.5,15.5 19,15.5 21.5,6.5 6,6.5;D 9,20 1.8;D 17.5,20 1.8",
    "bag": "P 4.5,8 19.5,8 21,21.5 3,21.5;A 8,2.5 16,12 180,360",
    "card": "R 2,5 22,19 2;-L 2,9.5 22,9.5;-L 5,15 9,15",
    "tag": "P 3,3 12,3 21.5,12.5 12.5,21.5 3,12;-D 7.5,7.5 1.6",
    "pin": "P 12,22 5.5,13.5 4.5,9.5 6.5,5 12,2.5 17.5,5 19.5,9.5 18.5,13.5;-C 12,9.5 2.6",
    "globe": "C 12,12 9;-L 3,12 21,12;-A 8,3 16,21 0,360",
    "folder": "P 2.5,5 9.5,5 12,7.5 21.5,7.5 21.5,19.5 2.5,19.5",
    "file": "P 5,2.5 14,2.5 19.5,8 19.5,21.5 5,21.5;-L 14,2.5 14,8 19.5,8;-L 8.5,13 16,13;"
    "-L 8.5,17 14,17",
    "chart": "R 3.5,12 7.5,21 .5;R 10,4 14,21 .5;R 16.5,8.5 20.5,21 .5",
    "pulse": "L 2,12 7,12 10,4 14,20 17,12 22,12",
    "grid": "R 3,3 10,10 1;R 14,3 21,10 1;R 3,14 10,21 1;R 14,14 21,21 1",
    "list": "D 4,6 1.4;D 4,12 1.4;D 4,18 1.4;L 9,6 21,6;L 9,12 21,12;L 9,18 21,18",
    "filter": "P 2.5,4 21.5,4 14.5,12.5 14.5,20.5 9.5,17.5 9.5,12.5",
    "sliders": "L 3,7 21,7;L 3,17 21,17;D 9,7 2.8;D 15,17 2.8",
    "sun": "C 12,12 4.5;L 12,1.5 12,4;L 12,20 12,22.5;L 1.5,12 4,12;L 20,12 22.5,12;"
    "L 4.6,4.6 6.3,6.3;"
    "L 17.7,17.7 19.4,19.4;L 4.6,19.4 6.3,17.7;L 17.7,6.3 19.4,4.6",
    "moon": ""
    "P 20.5,14 17,15.5 12.5,14.5 9.5,11 9,7 10,3.5 6,5.5 3.5,9.5 3.5,14.5 6.5,19 11.5,21 17,19.5",
    "bolt": "P 13.5,2 4,14 11,14 10,22 20,9.5 13,9.5",
    "play": "P 6,3.5 20,12 6,20.5",
    "pause": "R 5.5,4 9.5,20 .5;R 14.5,4 18.5,20 .5",
    "music": "L 9,18 9,5 20,3 20,16;D 6.5,18 2.8;D 17.5,16 2.8",
    "info": "C 12,12 9;-L 12,11 12,17;-D 12,7.5 1.3",
    "warning": "P 12,3 22.5,21 1.5,21;-L 12,9.5 12,15;-D 12,18 1.2",
    "help": "C 12,12 9;-L 9.3,9.5 10,7.6 12,7 14,7.8 14.5,9.6 12,12 12,13.6;-D 12,17 1.2",
    "shield": "P 12,2.5 20,5.5 20,12 17,17.5 12,21.5 7,17.5 4,12 4,5.5;-L 8.5,12 11,14.5 15.5,9.5",
    "power": "L 12,3 12,11;A 4,5 20,21 305,235",
    "refresh": "A 4,4 20,20 30,300;L 20.5,3.5 20.5,9 15,9",
    "send": "P 2.5,11 21.5,3 14.5,21.5 11,13.5;-L 11,13.5 16,8.5",
    "bookmark": "P 6,3 18,3 18,21.5 12,17 6,21.5",
    "bold": "L 7,4 7,20;L 7,4 13,4 15.8,6 15.8,9.6 13,11.6 7,11.6;"
    "L 13,11.6 17,13.6 17,18 14,20 7,20",
    "italic": "L 10,4 18,4;L 6,20 14,20;L 14,4 10,20",
    "underline": "L 6,3.5 6,11.5 9,16 15,16 18,11.5 18,3.5;L 5,21 19,21",
    "align-left": "L 3,5 21,5;L 3,10 14,10;L 3,15 21,15;L 3,20 12,20",
    "align-center": "L 3,5 21,5;L 7,10 17,10;L 3,15 21,15;L 7,20 17,20",
    "undo": "L 9,4 3.5,9.5 9,15;L 3.5,9.5 15,9.5 19.5,12 20,16 17.5,19.5 12,20",
    "code": "L 8,6 2,12 8,18;L 16,6 22,12 16,18",
    "wifi": "A 1,4 23,26 220,320;A 5,9 19,23 220,320;D 12,18.5 1.8",
    "cloud": "P 6,19 2.5,16 3,12 6.5,10.5 8,7 12,5.5 16,7 17.5,10.5 21,12 21.5,16 18.5,19",
}
STYLES = ("line", "thin", "bold", "solid", "duo", "blocky")
_WIDTHS = {"line": 2.0, "thin": 1.4, "bold": 2.8, "solid": 2.2, "duo": 1.7, "blocky": 2.6}
_ZOOM = 5


@lru_cache(maxsize=1024)
def icon_mask(name: str, size: int, style: str) -> Image.Image:
    """Coverage (mode L, ``size`` by ``size`` pixels) of a glyph; do not write into it."""
    if style == "blocky" and size > 12:
        # Twelve cells a side, like the bitmaps of old.
        cells = icon_mask(name, 12, style).point([255 * (v > 110) for v in range(256)])
        return cells.resize((size, size), Image.Resampling.NEAREST)
    side = size * _ZOOM
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    unit = side / 24
    width = max(1, round(_WIDTHS[style] * unit))
    for stroke in GLYPHS[name].split(";"):
        _stroke(pen, stroke, unit, width, solid=style == "solid")
    if style == "duo":
        faint = icon_mask(name, size, "solid").point([v // 4 for v in range(256)])
        return ImageChops.lighter(mask.resize((size, size), Image.Resampling.BOX), faint)
    return mask.resize((size, size), Image.Resampling.BOX)


def _stroke(pen: ImageDraw.ImageDraw, stroke: str, unit: float, width: int, solid: bool) -> None:
    sign = stroke[0] if stroke[0] in "~-" else ""
    if sign == "~" and solid:
        return
    ink = 0 if sign == "-" and solid else 255
    kind, *words = stroke.removeprefix(sign).split()
    values = [[float(v) * unit for v in word.split(",")] for word in words]
    closed = solid and ink == 255
    if kind in "LP":
        points = [(x, y) for x, y in values]
        if kind == "P":
            if closed:
                pen.polygon(points, fill=ink)
            points = [*points, points[0], points[1]]
        _polyline(pen, points, width, ink)
    elif kind == "D":
        (x, y), (radius,) = values
        _dot(pen, x, y, max(radius, width / 2), ink)
    elif kind == "C":
        (x, y), (radius,) = values
        if solid:
            _dot(pen, x, y, radius, ink)
        else:
            edge = radius + width / 2
            pen.ellipse((x - edge, y - edge, x + edge, y + edge), outline=ink, width=width)
    elif kind == "R":
        (x0, y0), (x1, y1), (radius,) = values
        half = width / 2
        box = (x0 - half, y0 - half, x1 + half, y1 + half)
        if closed:
            pen.rounded_rectangle(box, radius, fill=ink)
        else:
            pen.rounded_rectangle(box, radius + half, outline=ink, width=width)
    else:
        (x0, y0), (x1, y1), (start, end) = values
        pen.arc((x0, y0, x1, y1), start / unit, end / unit, fill=ink, width=width)


def _polyline(
    pen: ImageDraw.ImageDraw, points: list[tuple[float, float]], width: int, ink: int
) -> None:
    pen.line(points, fill=ink, width=width, joint="curve")
    for x, y in (points[0], points[-1]):
        _dot(pen, x, y, width / 2, ink)


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, ink: int) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
