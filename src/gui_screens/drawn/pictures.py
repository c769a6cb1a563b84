"""Pictures made by rule: photographs of sorts, portraits, products, charts, marks."""

from __future__ import annotations

import math
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gui_screens.drawn.canvas import Canvas
from gui_screens.drawn.charts import chart
from gui_screens.drawn.layout import Node
from gui_screens.drawn.picture_subjects import logo, portrait, product, shade_down
from gui_screens.drawn.text import Ui
from gui_screens.drawn.theme import hsv, mix, random_tone

PHOTOS = ("blur", "hills", "city", "still", "shapes", "sea")


def picture(ui: Ui, width: int, height: int, kind: str = "", radius: int | None = None) -> Node:
    """A picture of ``width`` by ``height`` pixels, labelled image.

    Args:
        ui: The screen's look.
        width: Width in pixels.
        height: Height in pixels.
        kind: One of ``PHOTOS``, portrait, product, chart or logo; empty draws a photo.
        radius: Of its corners; None takes the theme's.
    """
    kind = kind or ui.rng.choice(PHOTOS)
    painter = {
        "portrait": portrait,
        "product": product,
        "hills": _hills,
        "city": _city,
        "still": _still,
        "shapes": _shapes,
        "sea": _sea,
        "logo": logo,
    }.get(kind)
    if kind == "chart":
        image = chart(ui, width, height)
    elif painter is None:
        image = _blur(ui.rng, width, height)
    else:
        image = Image.new("RGB", (width * 2, height * 2))
        painter(image, ImageDraw.Draw(image), ui.rng)
        image = image.resize((width, height), Image.Resampling.BOX)
    if kind not in ("chart", "logo") and ui.chance(0.4):
        image = _grain(image, ui.rng)
    corner = ui.theme.radius if radius is None else radius

    def paint(canvas: Canvas, x: int, y: int) -> None:
        canvas.paste(x, y, image, corner)
        canvas.label("image", x, y, width, height)

    return Node(width, height, paint)


def avatar(ui: Ui, css: float) -> Node:
    """A portrait, mostly round."""
    side = ui.px(css)
    kind = "portrait" if ui.chance(0.75) else ""
    return picture(ui, side, side, kind, side // 2 if ui.chance(0.85) else ui.theme.radius)


def _generator(rng: Random) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(rng.getrandbits(64)))


def _grain(image: Image.Image, rng: Random) -> Image.Image:
    noise = _generator(rng).integers(-9, 10, (image.height, image.width, 1), dtype=np.int16)
    pixels = np.asarray(image).astype(np.int16) + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _blur(rng: Random, width: int, height: int) -> Image.Image:
    """Soft patches of light, like a photograph out of focus."""
    base = np.array(random_tone(rng), dtype=np.int16)
    cells = (rng.randint(3, 7), rng.randint(3, 9))
    spread = rng.choice((40, 70, 110))
    patches = base + _generator(rng).integers(-spread, spread, (*cells, 3), dtype=np.int16)
    small = Image.fromarray(np.clip(patches, 0, 255).astype(np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def _hills(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    w, h = image.size
    hue = rng.random() if rng.random() < 0.3 else rng.uniform(0.5, 0.62)
    shade_down(image, hsv(hue, 0.6, 0.9), hsv(hue + 0.45, 0.25, 1.0))
    r = h * rng.uniform(0.05, 0.12)
    x, y = w * rng.uniform(0.1, 0.9), h * rng.uniform(0.15, 0.4)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 244, 214))
    ground = rng.choice((rng.uniform(0.2, 0.4), rng.random()))
    for layer in range(rng.randint(2, 4)):
        level = h * (0.45 + 0.15 * layer)
        phase, waves = rng.uniform(0, 6.3), rng.uniform(1.0, 4.0)
        jag = rng.uniform(0, h * 0.06)
        points = [
            (w * i / 24, level + h * 0.1 * math.sin(phase + waves * i / 4) + rng.uniform(-jag, jag))
            for i in range(25)
        ]
        color = hsv(ground + 0.02 * layer, 0.35 + 0.12 * layer, 0.75 - 0.16 * layer)
        pen.polygon([(0, h), *points, (w, h)], fill=color)


def _sea(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    w, h = image.size
    hue = rng.uniform(0.0, 0.12) if rng.random() < 0.5 else rng.uniform(0.5, 0.6)
    shade_down(image, hsv(hue, 0.5, 0.75), hsv(hue + 0.05, 0.3, 1.0))
    line = int(h * rng.uniform(0.45, 0.65))
    pen.rectangle((0, line, w, h), fill=hsv(0.55, 0.65, 0.55))
    for _ in range(rng.randint(8, 24)):
        x, y = rng.uniform(0, w), rng.uniform(line, h)
        pen.line((x, y, x + w * 0.12, y), fill=hsv(0.55, 0.3, rng.uniform(0.6, 0.9)), width=2)


def _city(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    w, h = image.size
    night = rng.random() < 0.5
    shade_down(
        image, *(((16, 20, 48), (80, 60, 110)) if night else ((140, 180, 220), (235, 225, 210)))
    )
    x = 0.0
    while x < w:
        wide, tall = w * rng.uniform(0.07, 0.18), h * rng.uniform(0.25, 0.75)
        shade = hsv(
            rng.uniform(0.55, 0.7), 0.2, rng.uniform(0.1, 0.3) if night else rng.uniform(0.35, 0.7)
        )
        pen.rectangle((x, h - tall, x + wide, h), fill=shade)
        for i in range(3):
            for j in range(5):
                if rng.random() < 0.6:
                    left, top = x + wide * (0.15 + 0.28 * i), h - tall + h * (0.05 + 0.1 * j)
                    glow = (250, 220, 140) if night else mix(shade, (255, 255, 255), 0.35)
                    pen.rectangle((left, top, left + wide * 0.14, top + h * 0.04), fill=glow)
        x += wide + w * 0.01


def _still(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    """Round things on a table: food, flowers, stones."""
    w, h = image.size
    shade_down(image, random_tone(rng, 0.2), random_tone(rng, 0.5))
    for _ in range(rng.randint(5, 12)):
        r = min(w, h) * rng.uniform(0.08, 0.3)
        x, y = rng.uniform(0, w), rng.uniform(h * 0.2, h)
        color = random_tone(rng)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=mix(color, (0, 0, 0), 0.3))
        pen.ellipse((x - r * 0.9, y - r * 0.95, x + r * 0.8, y + r * 0.8), fill=color)
        pen.ellipse(
            (x - r * 0.5, y - r * 0.6, x, y - r * 0.2), fill=mix(color, (255, 255, 255), 0.4)
        )
    image.paste(image.filter(ImageFilter.GaussianBlur(rng.choice((0, 1, 3)))))


def _shapes(image: Image.Image, pen: ImageDraw.ImageDraw, rng: Random) -> None:
    """A flat illustration."""
    w, h = image.size
    hue = rng.random()
    pen.rectangle((0, 0, w, h), fill=hsv(hue, rng.uniform(0.1, 0.5), 0.95))
    for _ in range(rng.randint(4, 9)):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), min(w, h) * rng.uniform(0.08, 0.35)
        color = hsv(hue + rng.uniform(-0.2, 0.2), rng.uniform(0.3, 0.8), rng.uniform(0.5, 1.0))
        shape = rng.randrange(3)
        if shape == 0:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=color)
        elif shape == 1:
            pen.rounded_rectangle((x - r, y - r / 2, x + r, y + r / 2), r / 5, fill=color)
        else:
            pen.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], fill=color)
