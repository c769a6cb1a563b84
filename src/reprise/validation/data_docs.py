"""Data Docs: Great Expectations' own pages in a frame that needs no network and no script."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from reprise.dataset import Dataset
from reprise.validation.failure_message import NAMED, causes_first, offenders
from reprise.validation.leaks import LeakReport
from reprise.validation.runner import LISTED, TableResult

TEMPLATES = Path(__file__).parent / "templates"


def write_docs(
    folder: Path, dataset: Dataset, results: list[TableResult], findings: LeakReport
) -> None:
    """Write ``data_docs/index.html``, a page for each table there, and ``leaks.html``.

    Each page is complete in itself.

    Args:
        folder: An existing folder.
        dataset: The dataset, for the pictures of ``leaks.html``.
        results: What :func:`reprise.validation.runner.check` returned.
        findings: What :func:`reprise.validation.leaks.find_leaks` returned.
    """
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    from reprise.validation.leak_page import leak_context

    docs = folder / "data_docs"
    docs.mkdir()
    view = _view()
    pages = [{"title": item.table.capitalize(), "file": f"{item.table}.html"} for item in results]
    # Where the pages lie, seen from the one that is written.
    within = {"pages": pages, "docs": "", "leaks": "../leaks.html", "findings": findings}
    for page, result in zip(pages, results, strict=True):
        document = ValidationResultsPageRenderer().render(result.result)
        # The first section repeats the counts beside the time and the names of internals.
        document.sections = document.sections[1:]
        failures = _failures(result, LISTED)
        html = view.render(document, page=page, result=result, failures=failures, **within)
        (docs / page["file"]).write_text(_tidy(html), encoding="utf-8")
    index = view.env.get_template("index.html").render(
        page={"title": "Overview", "file": "index.html"},
        results=list(zip(pages, results, strict=True)),
        failures=[failure for item in causes_first(results) for failure in _failures(item, NAMED)],
        **within,
    )
    (docs / "index.html").write_text(_tidy(index), encoding="utf-8")
    leaks = view.env.get_template("leaks.html").render(
        page={"title": "Leaks", "file": "leaks.html"},
        pages=pages,
        docs="data_docs/",
        leaks="leaks.html",
        **leak_context(dataset, findings),
    )
    (folder / "leaks.html").write_text(_tidy(leaks), encoding="utf-8")


def _failures(result: TableResult, limit: int) -> list[dict[str, Any]]:
    """The failed expectations of a table, each with its first offenders as text."""
    return [
        {"outcome": outcome, "lines": offenders(result, outcome, limit)}
        for outcome in result.failed
    ]


def _view() -> Any:
    """Great Expectations' page view with our templates before its own."""
    from great_expectations.render.view.view import DefaultJinjaPageView
    from jinja2 import ChoiceLoader, FileSystemLoader

    class OfflineView(DefaultJinjaPageView):
        _template = "page.html"

        def __init__(self) -> None:
            super().__init__()
            loaders = [FileSystemLoader(TEMPLATES), self.env.loader]
            self.env.loader = ChoiceLoader([loader for loader in loaders if loader])
            numbers = itertools.count(1)
            self.env.filters["generate_html_element_uuid"] = lambda prefix="": (
                f"{prefix}{next(numbers)}"
            )

    return OfflineView()


def _tidy(html: str) -> str:
    """Without the blank lines and the indentation that the templates leave behind."""
    lines = (line.strip() for line in html.splitlines())
    return "\n".join(line for line in lines if line) + "\n"
