"""Charts in the colours of a theme."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from gui_screens.drawn.canvas import Color
from gui_screens.drawn.text import Ui
from gui_screens.drawn.theme import Theme, mix


def chart(ui: Ui, width: int, height: int) -> Image.Image:
    """A bar, line, area or ring chart in the theme's colours."""
    theme, rng = ui.theme, ui.rng
    k = 2
    ground = ui.ground
    image = Image.new("RGB", (width * k, height * k), ground)
    pen = ImageDraw.Draw(image)
    kind = rng.choice(("bars", "bars", "line", "area", "ring", "pair"))
    if kind == "ring":
        _ring(pen, theme, rng, width * k, height * k, ground)
    else:
        left, bottom = int(width * k * 0.06), int(height * k * 0.92)
        for step in range(5):
            y = bottom * step // 4
            pen.line((left, y, width * k, y), fill=mix(ground, theme.border, 0.5), width=k)
        _series(pen, theme, rng, kind, (left, bottom, width * k), ground)
    return image.resize((width, height), Image.Resampling.BOX)


def _series(
    pen: ImageDraw.ImageDraw,
    theme: Theme,
    rng: Random,
    kind: str,
    frame: tuple[int, int, int],
    ground: Color,
) -> None:
    left, bottom, right = frame
    count = rng.randint(5, 14)
    step = (right - left) / count
    colors = (theme.accent, mix(theme.accent, ground, 0.55))
    for color in colors[: 2 if kind == "pair" else 1]:
        level = rng.uniform(0.3, 0.7)
        heights = []
        for _ in range(count):
            level = min(0.95, max(0.08, level + rng.uniform(-0.22, 0.22)))
            heights.append(level * bottom)
        tops = [(left + step * (i + 0.5), bottom - value) for i, value in enumerate(heights)]
        if kind == "bars":
            for x, y in tops:
                pen.rectangle((x - step * 0.32, y, x + step * 0.32, bottom), fill=color)
            continue
        if kind == "area":
            shade = mix(ground, color, 0.3)
            pen.polygon([(tops[0][0], bottom), *tops, (tops[-1][0], bottom)], fill=shade)
        pen.line(tops, fill=color, width=4, joint="curve")


def _ring(
    pen: ImageDraw.ImageDraw, theme: Theme, rng: Random, width: int, height: int, ground: Color
) -> None:
    r = min(width, height) * 0.46
    box = (width / 2 - r, height / 2 - r, width / 2 + r, height / 2 + r)
    colors = (
        theme.accent,
        theme.success,
        (240, 170, 50),
        mix(theme.accent, ground, 0.6),
        theme.danger,
    )
    start = -90.0
    for color in colors[: rng.randint(3, 5)]:
        turn = rng.uniform(40, 130)
        pen.pieslice(box, start, min(270, start + turn), fill=color)
        start = min(270.0, start + turn)
    if start < 270:
        pen.pieslice(box, start, 270, fill=mix(ground, theme.border, 0.6))
    if rng.random() < 0.7:
        r *= 0.6
        pen.ellipse((width / 2 - r, height / 2 - r, width / 2 + r, height / 2 + r), fill=ground)
