"""Charts as inline SVG that takes its text and line colours from the page.

Matplotlib lays the chart out; its ink colour is then replaced by a CSS variable, so that one
chart is legible on a light and on a dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.reporting.inputs import Series
from reprise.reporting.palette import COLOURS, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = Path(__file__).parent / "templates" / "charts.mplstyle"
# Stand-ins which matplotlib draws with (the style too) and the page replaces.
INK, FAINT, ACCENT = "#010203", "#040506", "#0a0b0c"
VARIABLES = {INK: "var(--ink)", FAINT: "var(--rule)", ACCENT: "var(--accent)"}
ALL_CLASSES = "all classes"
SPLIT_COLOURS = {"train": "#64748b", "val": "#f97316", "test": "#3b82f6"}
LEGEND_LIMIT = 20
CELL_TEXT_LIMIT = 26


@contextmanager
def _figure(name: str, width: float, height: float) -> Iterator[tuple[Axes, list[str]]]:
    """Axes in the report's style; their SVG text is appended to the list on leaving."""
    import matplotlib
    import matplotlib.style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    rendered: list[str] = []
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a person's own matplotlibrc must not show
        matplotlib.style.use(STYLE)
        matplotlib.rcParams["svg.hashsalt"] = name  # ids differ between the charts of one page
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure.subplots(), rendered
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    rendered.append(_inline(buffer.getvalue(), name))


def _inline(svg: str, label: str) -> str:
    """The ``svg`` element alone, scaled by the page, with the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)
    opening = rf'<svg class="chart" role="img" aria-label="{label}" \1>'
    svg = re.sub(r"^<svg [^>]*?(viewBox=\"[^\"]+\")[^>]*>", opening, svg)
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    return re.sub(r"\n\s*", "\n", svg)


def class_shares(counts: Mapping[str, Mapping[str, int]], counted: str) -> str:
    """Share of each class among the boxes of each split: do the splits look alike?

    Args:
        counts: Split -> class -> number of boxes, or of labels.
        counted: Which of the two, for the axis.
    """
    splits = [split for split, classes in counts.items() if sum(classes.values())]
    names = list(next(iter(counts.values())))
    bar = 0.8 / max(len(splits), 1)
    with _figure("class shares", 6.2, 0.9 + 0.36 * len(names)) as (axes, rendered):
        for place, split in enumerate(splits):
            total = sum(counts[split].values())
            shares = [100 * counts[split][name] / total for name in names]
            rows = [index + (place - (len(splits) - 1) / 2) * bar for index in range(len(names))]
            axes.barh(rows, shares, height=bar * 0.92, color=SPLIT_COLOURS[split], label=split)
        axes.set_yticks(range(len(names)), [_plain(name) for name in names])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.tick_params(length=0)
        axes.set_xlabel(f"share of the split's {counted}, %")
        if splits:
            # Above the bars, which may end anywhere.
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(splits))
    return rendered[0]


def curves_by_epoch(title: str, series: Sequence[Series]) -> str:
    """Logged values against the epoch, which is the logger's step."""
    from matplotlib.ticker import MaxNLocator

    with _figure(title, 3.9, 2.9) as (axes, rendered):
        for place, item in enumerate(series):
            axes.plot(
                item.steps,
                item.values,
                color=COLOURS[place % len(COLOURS)],
                # Its folder is in the chart's title.
                label=_plain(item.name.rsplit("/", 1)[-1]),
                marker="o",
                markersize=2.4,
            )
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(series) > 1:
            axes.legend()
    return rendered[0]


def precision_recall(
    rows: Sequence[Mapping[str, str]],
    colours: Mapping[str, str],
    point: tuple[float, float],
    threshold: float,
    overlap: str,
) -> str:
    """Precision against recall, with the working point marked.

    Args:
        rows: Table ``pr_curve`` of the evaluation.
        colours: Class -> colour.
        point: (recall, precision) of all classes at the chosen threshold.
        threshold: The chosen threshold.
        overlap: What the title adds about the overlap asked for.
    """
    with _figure("precision and recall", 4.6, 4.2) as (axes, rendered):
        _class_lines(axes, rows, "recall", "precision", colours)
        marker = axes.plot(*point, "o", color=INK, markersize=6, zorder=5)
        marker[0].set_label(f"at the chosen threshold, {threshold:.2f}")
        axes.legend(loc="best")
        axes.set(xlim=(0, 1.01), ylim=(0, 1.03), xlabel="recall", ylabel="precision")
        axes.set_title(f"Precision against recall{overlap}")
    return rendered[0]


def f1_by_threshold(
    rows: Sequence[Mapping[str, str]], colours: Mapping[str, str], threshold: float
) -> str:
    """F1 against the score threshold, with the chosen one marked."""
    with _figure("F1 by threshold", 4.6, 4.2) as (axes, rendered):
        _class_lines(axes, rows, "threshold", "f1", colours)
        axes.axvline(threshold, color=INK, linewidth=1.1, linestyle=(0, (3, 2)))
        left = threshold > 0.7
        axes.annotate(
            f"{threshold:.2f}", (threshold, 1.0), xytext=(-5 if left else 5, 0),
            textcoords="offset points", fontsize=8, color=INK, ha="right" if left else "left",
            va="top",
        )  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="score threshold", ylabel="F1")
        axes.set_title("F1 against the score threshold")
    return rendered[0]


def confusion_matrix(rows: Sequence[Mapping[str, str]], names: Sequence[str], nothing: str) -> str:
    """Counts of actual (rows) against predicted (columns), shaded by share of the row.

    Args:
        rows: Table ``confusion`` of the evaluation.
        names: The classes.
        nothing: What the table calls no class at all; it comes last.
    """
    counts = {(row["actual"], row["predicted"]): int(row["count"]) for row in rows}
    labels = [*names, nothing]
    size = max(3.4, min(1.5 + 0.38 * len(labels), 9.5))
    with _figure("confusion matrix", size, size * 0.94) as (axes, rendered):
        for y, actual in enumerate(labels):
            total = sum(counts.get((actual, predicted), 0) for predicted in labels)
            for x, predicted in enumerate(labels):
                count = counts.get((actual, predicted), 0)
                if count:
                    right = actual == predicted
                    _cell(axes, x, y, count, count / total, right, len(labels))
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xticks(range(len(labels)), [_plain(name) for name in labels], rotation=45,
                        ha="right", rotation_mode="anchor")  # fmt: skip
        axes.set_yticks(range(len(labels)), [_plain(name) for name in labels])
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")
        axes.tick_params(length=0)
        axes.set_aspect("equal")
    return rendered[0]


def error_costs(rows: Sequence[Mapping[str, str]]) -> str:
    """What each kind of error costs, as bars, the most expensive on top.

    Args:
        rows: ``kind`` and ``cost`` of each.
    """
    ranked = sorted(rows, key=lambda row: -float(row["cost"]))
    with _figure("error costs", 4.6, 0.9 + 0.34 * len(ranked)) as (axes, rendered):
        costs = [float(row["cost"]) for row in ranked]
        bars = axes.barh(range(len(ranked)), costs, height=0.7, color=WRONG, alpha=0.75)
        axes.bar_label(bars, [f"{cost:.3f}" for cost in costs], padding=3, fontsize=8, color=INK)
        axes.set_yticks(range(len(ranked)), [row["kind"] for row in ranked])
        axes.invert_yaxis()
        axes.margins(x=0.14)
        axes.grid(axis="y", visible=False)
        axes.tick_params(length=0)
        axes.set_xlabel("mAP50 would rise by")
        axes.set_title("What each kind of error costs")
    return rendered[0]


def _cell(axes: Axes, x: int, y: int, count: int, share: float, right: bool, labels: int) -> None:
    from matplotlib.patches import Rectangle

    # The alpha of a stand-in survives its replacement, as fill-opacity.
    colour = ACCENT if right else WRONG
    square = Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=colour, alpha=0.1 + 0.7 * share)
    axes.add_patch(square)
    if labels <= CELL_TEXT_LIMIT:
        axes.text(x, y, str(count), ha="center", va="center", fontsize=8, color=INK)


def _class_lines(
    axes: Axes, rows: Sequence[Mapping[str, str]], x: str, y: str, colours: Mapping[str, str]
) -> None:
    by_class: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row[x] and row[y]:
            by_class.setdefault(row["class"], []).append((float(row[x]), float(row[y])))
    for name, points in by_class.items():
        if name == ALL_CLASSES:
            axes.plot(*zip(*points, strict=True), color=INK, linewidth=2.6, zorder=4)
        else:
            axes.plot(*zip(*points, strict=True), color=colours[name], linewidth=1.1, alpha=0.85)


def _plain(text: str) -> str:
    """Text that matplotlib does not read as mathematics, of bounded length."""
    text = text if len(text) <= 24 else text[:23] + "…"
    return text.replace("$", r"\$")
