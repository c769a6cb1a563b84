"""Dots of one colour on grey, as synthetic training images."""

from __future__ import annotations

from random import Random

import numpy as np

from reprise.synthesis.generator import GeneratedImage, Generator, LabelledObject

COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220)}


class Dots(Generator):
    classes = tuple(COLOURS)

    def generate(self, rng: Random) -> GeneratedImage:
        side = rng.randint(*self.longest_side)
        dot = side // 2
        x, y = rng.randrange(side - dot), rng.randrange(side - dot)
        colour = rng.choice(self.classes)
        pixels = np.full((side, side, 3), 128, dtype=np.uint8)
        pixels[y : y + dot, x : x + dot] = COLOURS[colour]
        return GeneratedImage(pixels, [LabelledObject(colour, (x, y, dot, dot))])
