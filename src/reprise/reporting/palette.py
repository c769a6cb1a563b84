"""Colours of classes: the same in every picture and chart of a report."""

from __future__ import annotations

# Ten hues that stay apart on light and on dark ground, then lighter ones of the same.
COLOURS = (
    *("#3b82f6", "#f97316", "#10b981", "#e11d8f", "#8b5cf6"),
    *("#eab308", "#06b6d4", "#b45309", "#84cc16", "#64748b"),
    *("#93c5fd", "#fdba74", "#6ee7b7", "#f9a8d4", "#c4b5fd"),
    *("#fde047", "#67e8f9", "#d6a77a", "#bef264", "#94a3b8"),
)
WRONG = "#dc2626"


def class_colours(names: list[str]) -> dict[str, str]:
    """A colour for each class, by its place in the list; they repeat after twenty."""
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
