"""The looks of the rendered screens: how each CSS framework writes each widget."""

from __future__ import annotations

from reprise.synthesis.web_looks.look import Look
from reprise.synthesis.web_looks.registry import LOOKS

__all__ = ["LOOKS", "Look"]
