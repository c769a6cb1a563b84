"""The looks of the rendered screens: how each CSS framework writes each widget."""

from __future__ import annotations

from gui_screens.rendered.looks.look import Look
from gui_screens.rendered.looks.registry import LOOKS

__all__ = ["LOOKS", "Look"]
