"""Drawn screens as a generator: ``synthetic.generator: gui``."""

from __future__ import annotations

from random import Random

import numpy as np

from gui_screens.drawn.canvas import CLASSES
from gui_screens.drawn.draw import draw_screen
from reprise.synthesis.generator import GeneratedImage, Generator, LabelledObject


class GuiScreens(Generator):
    """Screens of graphical user interfaces with a box around every widget."""

    classes = CLASSES

    def generate(self, rng: Random) -> GeneratedImage:
        """Draw one screen; ``rng`` alone decides what is on it."""
        screen = draw_screen(rng, self.longest_side)
        return GeneratedImage(
            np.asarray(screen.image),
            [LabelledObject(name, box) for name, box in screen.widgets],
            {"template": screen.template, "look": screen.look},
        )
