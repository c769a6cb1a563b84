"""Pictures of one thing: a face, a product, a mark."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from gui_screens.drawn.canvas import Color
from gui_screens.drawn.theme import hsv, mix, random_tone

_SKIN = ((245, 213, 190), (224, 178, 142), (190, 138, 100), (136, 92, 64), (92, 62, 44))


def shade_down(image: Image.Image, top: Color, bottom: Color) -> None:
    """Fill an image with a blend from one colour at the top to another below."""
    ramp = Image.new("RGB", (1, 2))
    ramp.putpixel((0, 0), top)
    ramp.putpixel((0, 1), bottom)
    image.paste(ramp.resize(image.size, Image.Resampling.BILINEAR))


def portrait(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    """Paint a head and shoulders over the whole image."""
    w, h = image.size
    shade_down(image, random_tone(rng, 0.5), random_tone(rng, 0.5))
    skin, hair, shirt = rng.choice(_SKIN), random_tone(rng, 0.08, 0.5), random_tone(rng)
    c, side = w / 2 + rng.uniform(-0.05, 0.05) * w, min(w, h)
    top = h * rng.uniform(0.2, 0.28)
    head = side * rng.uniform(0.2, 0.25)
    if rng.random() < 0.5:
        pen.ellipse((c - head * 1.3, top - head * 0.4, c + head * 1.3, top + head * 2.9), fill=hair)
    pen.rectangle(
        (c - head * 0.4, top + head, c + head * 0.4, top + head * 2.8),
        fill=mix(skin, (0, 0, 0), 0.12),
    )
    pen.ellipse((c - side * 0.42, top + head * 2.4, c + side * 0.42, h * 1.5), fill=shirt)
    pen.ellipse((c - head, top, c + head, top + head * 2.5), fill=skin)
    pen.pieslice(
        (c - head * 1.05, top - head * 0.2, c + head * 1.05, top + head * 1.7), 180, 360, fill=hair
    )
    for side_x in (-0.4, 0.4):
        x, y, r = c + head * side_x, top + head * 1.2, head * 0.1
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(40, 34, 32))
    pen.arc(
        (c - head * 0.4, top + head * 1.4, c + head * 0.4, top + head * 2.0),
        20,
        160,
        fill=mix(skin, (120, 20, 20), 0.6),
        width=max(1, int(head * 0.09)),
    )


def product(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    """Paint one object in the middle of a plain ground."""
    w, h = image.size
    paper = rng.choice(
        ((244, 244, 242), (255, 255, 255), hsv(rng.random(), 0.12, 0.95), (52, 54, 60))
    )
    pen.rectangle((0, 0, w, h), fill=paper)
    s = min(w, h) * rng.uniform(0.3, 0.4)
    c, m = w / 2, h / 2
    color, dark = random_tone(rng), random_tone(rng, 0.1, 0.5)
    light = mix(color, (255, 255, 255), 0.35)
    pen.ellipse((c - s, m + s * 0.8, c + s, m + s * 1.1), fill=mix(paper, (0, 0, 0), 0.15))
    shape = rng.randrange(6)
    if shape == 0:  # bottle
        pen.rounded_rectangle((c - s * 0.4, m - s * 0.4, c + s * 0.4, m + s), s * 0.12, fill=color)
        pen.rectangle((c - s * 0.15, m - s, c + s * 0.15, m - s * 0.3), fill=dark)
        pen.rectangle((c - s * 0.4, m, c + s * 0.4, m + s * 0.5), fill=light)
    elif shape == 1:  # mug
        pen.ellipse(
            (c + s * 0.2, m - s * 0.4, c + s, m + s * 0.6),
            outline=dark,
            width=max(2, int(s * 0.12)),
        )
        pen.rounded_rectangle((c - s * 0.7, m - s * 0.7, c + s * 0.5, m + s), s * 0.1, fill=color)
        pen.ellipse((c - s * 0.7, m - s * 0.85, c + s * 0.5, m - s * 0.5), fill=dark)
    elif shape == 2:  # shirt
        outline: tuple[tuple[float, float], ...] = (
            (-0.4, -0.8),
            (0.4, -0.8),
            (1, -0.3),
            (0.75, 0.1),
            (0.5, -0.1),
            (0.5, 1),
            (-0.5, 1),
            (-0.5, -0.1),
            (-0.75, 0.1),
            (-1, -0.3),
        )
        pen.polygon([(c + s * x, m + s * y) for x, y in outline], fill=color)
        pen.ellipse((c - s * 0.25, m - s, c + s * 0.25, m - s * 0.6), fill=paper)
    elif shape == 3:  # lamp
        pen.polygon(
            [(c - s * 0.3, m - s), (c + s * 0.3, m - s), (c + s * 0.7, m), (c - s * 0.7, m)],
            fill=color,
        )
        pen.rectangle((c - s * 0.05, m, c + s * 0.05, m + s * 0.9), fill=dark)
        pen.rounded_rectangle((c - s * 0.4, m + s * 0.85, c + s * 0.4, m + s), 4, fill=dark)
    elif shape == 4:  # watch
        pen.rectangle((c - s * 0.3, m - s, c + s * 0.3, m + s), fill=dark)
        pen.ellipse((c - s * 0.6, m - s * 0.6, c + s * 0.6, m + s * 0.6), fill=color)
        pen.ellipse((c - s * 0.48, m - s * 0.48, c + s * 0.48, m + s * 0.48), fill=(250, 250, 250))
        pen.line((c, m, c, m - s * 0.35), fill=dark, width=3)
        pen.line((c, m, c + s * 0.25, m), fill=dark, width=3)
    else:  # shoe
        outline = (
            (-1, -0.3),
            (-0.6, -0.5),
            (-0.4, -0.1),
            (0.3, 0.2),
            (1, 0.35),
            (1, 0.7),
            (-1, 0.7),
        )
        pen.polygon([(c + s * x, m + s * y) for x, y in outline], fill=color)
        pen.rounded_rectangle((c - s, m + s * 0.6, c + s, m + s * 0.85), s * 0.1, fill=light)


def logo(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    """Paint a simple mark."""
    w, h = image.size
    first, second = random_tone(rng, 0.5), random_tone(rng, 0.6)
    pen.rectangle((0, 0, w, h), fill=first)
    shape = rng.randrange(3)
    if shape == 0:
        pen.ellipse((w * 0.2, h * 0.2, w * 0.8, h * 0.8), outline=second, width=max(2, w // 8))
    elif shape == 1:
        pen.polygon([(w * 0.5, h * 0.12), (w * 0.88, h * 0.8), (w * 0.12, h * 0.8)], fill=second)
    else:
        pen.pieslice((w * 0.15, h * 0.15, w * 0.85, h * 0.85), 40, 290, fill=second)
