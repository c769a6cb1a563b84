"""Procedural pictures: small SVG scenes, products, faces, charts, maps."""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Callable


def _hsl(rng: random.Random, light: tuple[int, int], hue: float | None = None) -> str:
    hue = rng.uniform(0, 360) if hue is None else hue
    return f"hsl({hue % 360:.0f},{rng.randint(25, 75)}%,{rng.randint(*light)}%)"


def _gradient(name: str, first: str, second: str, slope: float) -> str:
    return (
        f'<linearGradient id="{name}" x1="0" y1="0" x2="{slope:.2f}" y2="1">'
        f'<stop stop-color="{first}"/><stop offset="1" stop-color="{second}"/></linearGradient>'
    )


def _scene(rng: random.Random, w: int, h: int) -> str:
    hue = rng.uniform(0, 360)
    parts = [_gradient("s", _hsl(rng, (45, 70), hue), _hsl(rng, (75, 92), hue + 40), 0)]
    parts.append(f'<rect width="{w}" height="{h}" fill="url(#s)"/>')
    radius = min(w, h) * rng.uniform(0.08, 0.16)
    parts.append(
        f'<circle cx="{rng.uniform(0.2, 0.8) * w:.1f}" cy="{h * 0.3:.1f}" r="{radius:.1f}" '
        f'fill="{_hsl(rng, (80, 95))}"/>'
    )
    for layer in range(3):
        base = h * (0.5 + 0.17 * layer)
        points = [f"0,{h}"]
        for step in range(9):
            y = base - rng.uniform(0, 0.22) * h
            points.append(f"{w * step / 8:.1f},{y:.1f}")
        points.append(f"{w},{h}")
        colour = _hsl(rng, (50 - 14 * layer, 58 - 14 * layer), hue + 100 + 20 * layer)
        parts.append(f'<polygon points="{" ".join(points)}" fill="{colour}"/>')
    return "".join(parts)


def _city(rng: random.Random, w: int, h: int) -> str:
    hue = rng.uniform(0, 360)
    parts = [_gradient("s", _hsl(rng, (20, 45), hue), _hsl(rng, (60, 85), hue + 60), 0.2)]
    parts.append(f'<rect width="{w}" height="{h}" fill="url(#s)"/>')
    x = 0.0
    while x < w:
        width, tall = rng.uniform(0.06, 0.14) * w, rng.uniform(0.25, 0.75) * h
        colour = _hsl(rng, (12, 40), hue + 180)
        parts.append(
            f'<rect x="{x:.1f}" y="{h - tall:.1f}" width="{width:.1f}" height="{tall:.1f}" '
            f'fill="{colour}"/>'
        )
        for row in range(int(tall // (h * 0.12))):
            y = h - tall + h * (0.04 + 0.12 * row)
            parts.append(
                f'<rect x="{x + width * 0.25:.1f}" y="{y:.1f}" width="{width * 0.5:.1f}" '
                f'height="{h * 0.04:.1f}" fill="#ffe9a8" opacity="{rng.choice([0.2, 0.9])}"/>'
            )
        x += width * rng.uniform(1.0, 1.15)
    return "".join(parts)


def _product(rng: random.Random, w: int, h: int) -> str:
    back, body, trim = _hsl(rng, (82, 95)), _hsl(rng, (30, 60)), _hsl(rng, (20, 80))
    cx, cy, r = w / 2, h / 2, min(w, h) * 0.32
    shapes = [
        (
            f'<rect x="{cx - r:.1f}" y="{cy - r * 0.6:.1f}" width="{2 * r:.1f}" '
            f'height="{1.5 * r:.1f}" rx="{r * 0.2:.1f}" fill="{body}"/>'
            f'<path d="M{cx - r * 0.5:.1f} {cy - r * 0.5:.1f}a{r * 0.5:.1f} {r * 0.6:.1f} 0 0 1 '
            f'{r:.1f} 0" fill="none" stroke="{trim}" stroke-width="{r * 0.14:.1f}"/>'
        ),
        (
            f'<ellipse cx="{cx}" cy="{cy}" rx="{r * 0.6:.1f}" ry="{r * 1.1:.1f}" fill="{body}"/>'
            f'<rect x="{cx - r * 0.25:.1f}" y="{cy - r * 1.3:.1f}" width="{r * 0.5:.1f}" '
            f'height="{r * 0.5:.1f}" fill="{trim}"/>'
        ),
        (
            f'<circle cx="{cx}" cy="{cy}" r="{r:.1f}" fill="{body}"/>'
            f'<circle cx="{cx}" cy="{cy}" r="{r * 0.68:.1f}" fill="{trim}"/>'
            f'<circle cx="{cx}" cy="{cy}" r="{r * 0.2:.1f}" fill="{body}"/>'
        ),
        (
            f'<path d="M{cx - r:.1f} {cy + r * 0.5:.1f}q{r * 0.2:.1f} -{r * 1.2:.1f} {r * 0.8:.1f} '
            f"-{r:.1f}q{r * 0.4:.1f} {r * 0.7:.1f} {r * 1.2:.1f} {r * 0.6:.1f}v{r * 0.4:.1f}z"
            f'" fill="{body}"/><rect x="{cx - r:.1f}" y="{cy + r * 0.5:.1f}" width="{r * 2:.1f}" '
            f'height="{r * 0.2:.1f}" fill="{trim}"/>'
        ),
        (
            f'<path d="M{cx - r * 0.8:.1f} {cy + r * 0.1:.1f}l{r * 0.4:.1f} -{r:.1f}h{r * 0.8:.1f}'
            f'l{r * 0.4:.1f} {r:.1f}z" fill="{body}"/><rect x="{cx - r * 0.08:.1f}" '
            f'y="{cy + r * 0.1:.1f}" width="{r * 0.16:.1f}" height="{r:.1f}" fill="{trim}"/>'
        ),
    ]
    shadow = (
        f'<ellipse cx="{cx}" cy="{cy + r * 1.15:.1f}" rx="{r:.1f}" ry="{r * 0.12:.1f}" '
        'fill="#000" opacity=".15"/>'
    )
    return f'<rect width="{w}" height="{h}" fill="{back}"/>{shadow}{rng.choice(shapes)}'


def _avatar(rng: random.Random, w: int, h: int) -> str:
    skin = rng.choice(["#f1c9a5", "#d9a066", "#a86b3c", "#6b4226", "#f7dcc4"])
    hair, shirt = _hsl(rng, (10, 50)), _hsl(rng, (30, 60))
    cx, r = w / 2, w * 0.2
    return (
        f'<rect width="{w}" height="{h}" fill="{_hsl(rng, (65, 90))}"/>'
        f'<ellipse cx="{cx}" cy="{h}" rx="{w * 0.38:.1f}" ry="{h * 0.34:.1f}" fill="{shirt}"/>'
        f'<circle cx="{cx}" cy="{h * 0.36:.1f}" r="{r * 1.15:.1f}" fill="{hair}"/>'
        f'<circle cx="{cx}" cy="{h * 0.43:.1f}" r="{r:.1f}" fill="{skin}"/>'
    )


def _chart(rng: random.Random, w: int, h: int) -> str:
    colours = [_hsl(rng, (40, 62)) for _ in range(4)]
    frame = f'<rect width="{w}" height="{h}" fill="{rng.choice(["#fff", "#f4f6fa", "#1f2430"])}"/>'
    lines = "".join(
        f'<path d="M{w * 0.06:.1f} {h * y:.1f}H{w * 0.96:.1f}" stroke="#999" stroke-opacity=".35"/>'
        for y in (0.2, 0.4, 0.6, 0.8)
    )
    kind = rng.choice(["bars", "line", "pie"])
    if kind == "bars":
        count = rng.randint(6, 11)
        body = "".join(
            f'<rect x="{w * (0.08 + 0.86 * i / count):.1f}" y="{h * (0.9 - v):.1f}" '
            f'width="{w * 0.55 / count:.1f}" height="{h * v:.1f}" fill="{colours[i % 2]}"/>'
            for i, v in ((i, rng.uniform(0.1, 0.75)) for i in range(count))
        )
        return frame + lines + body
    if kind == "line":
        body = ""
        for colour in colours[:2]:
            points = " ".join(
                f"{w * (0.07 + 0.88 * i / 9):.1f},{h * rng.uniform(0.15, 0.85):.1f}"
                for i in range(10)
            )
            body += f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="3"/>'
        return frame + lines + body
    return frame + _pie(rng, w, h, colours)


def _pie(rng: random.Random, w: int, h: int, colours: list[str]) -> str:
    r, start, body = min(w, h) * 0.4, 0.0, ""
    for index, colour in enumerate(colours):
        end = 2 * math.pi if index == 3 else start + rng.uniform(0.6, 1.7)
        x0, y0 = w / 2 + r * math.cos(start), h / 2 + r * math.sin(start)
        x1, y1 = w / 2 + r * math.cos(end), h / 2 + r * math.sin(end)
        body += (
            f'<path d="M{w / 2} {h / 2}L{x0:.1f} {y0:.1f}A{r:.1f} {r:.1f} 0 '
            f'{int(end - start > math.pi)} 1 {x1:.1f} {y1:.1f}z" fill="{colour}"/>'
        )
        start = end
    return body


def _map(rng: random.Random, w: int, h: int) -> str:
    parts = [f'<rect width="{w}" height="{h}" fill="{_hsl(rng, (86, 93), 70)}"/>']
    parts.append(
        f'<path d="M0 {h * rng.uniform(0.2, 0.8):.1f}Q{w * 0.5:.1f} {h * rng.uniform(0, 1):.1f} '
        f'{w} {h * rng.uniform(0.2, 0.8):.1f}" stroke="#9cc9e8" stroke-width="{h * 0.1:.1f}" '
        'fill="none"/>'
    )
    for _ in range(7):
        x, y = rng.uniform(0, w), rng.uniform(0, h)
        parts.append(
            f'<path d="M{x:.1f} 0L{w - x:.1f} {h}M0 {y:.1f}L{w} {rng.uniform(0, h):.1f}" '
            f'stroke="#fff" stroke-width="{rng.choice([2, 4, 6])}"/>'
        )
    return "".join(parts)


def _art(rng: random.Random, w: int, h: int) -> str:
    parts = [_gradient("s", _hsl(rng, (30, 65)), _hsl(rng, (40, 75)), rng.random())]
    parts.append(f'<rect width="{w}" height="{h}" fill="url(#s)"/>')
    for _ in range(rng.randint(4, 8)):
        x, y, r = (
            rng.uniform(0, w),
            rng.uniform(0, h),
            rng.uniform(0.08, 0.35) * min(w, h),
        )
        colour = _hsl(rng, (30, 85))
        parts.append(
            rng.choice(
                [
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{colour}"/>',
                    (
                        f'<rect x="{x:.1f}" y="{y:.1f}" width="{r:.1f}" height="{2 * r:.1f}" '
                        f'transform="rotate({rng.randint(0, 90)} {x:.1f} {y:.1f})" '
                        f'fill="{colour}"/>'
                    ),
                ]
            )
        )
    return "".join(parts)


def _grain(rng: random.Random, w: int, h: int) -> str:
    """A cloudy texture over a gradient: the nearest thing here to a photograph."""
    base = f"{rng.uniform(0.004, 0.014):.3f}"
    return (
        f"{_gradient('s', _hsl(rng, (25, 60)), _hsl(rng, (55, 85)), rng.random())}"
        f'<filter id="n"><feTurbulence type="fractalNoise" baseFrequency="{base}" '
        f'numOctaves="3" seed="{rng.randint(1, 999)}"/><feColorMatrix values="1.4 0 0 0 -.2 0 1.3 '
        f'0 0 -.2 0 0 1.2 0 -.1 0 0 0 0 .6"/></filter><rect width="{w}" height="{h}" '
        f'fill="url(#s)"/><rect width="{w}" height="{h}" filter="url(#n)"/>'
    )


_KINDS: dict[str, Callable[[random.Random, int, int], str]] = {
    "scene": _scene, "city": _city, "product": _product, "avatar": _avatar,
    "chart": _chart, "map": _map, "art": _art, "grain": _grain,
}  # fmt: skip


def picture(rng: random.Random, kind: str, width: int, height: int) -> str:
    """Draw one picture.

    Args:
        rng: Source of every choice.
        kind: scene, city, product, avatar, chart, map, art, grain; ``photo`` takes one of
            scene, city, art and grain.
        width: Width of the drawing, CSS pixels.
        height: Height of the drawing, CSS pixels.

    Returns:
        A ``data:`` URI of an SVG, to be the ``src`` of an ``<img>``.
    """
    if kind == "photo":
        kind = rng.choice(["scene", "city", "art", "grain", "scene"])
    body = _KINDS[kind](rng, width, height)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'preserveAspectRatio="xMidYMid slice" width="{width}" height="{height}">{body}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
