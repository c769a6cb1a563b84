"""The report as a person opens it: in a browser, on a phone and a desk, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gui_screens.rendered.render import chromium, find_chromium
from reporting.test_report import make, write_inputs
from reprise.errors import RepriseError

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install -e .[dev]")
SCREENS = {"phone": (360, 780), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        find_chromium()
    except RepriseError as error:
        pytest.skip(str(error))
    with chromium() as found:
        yield found


@pytest.fixture(scope="module", params=["detect", "classify"])
def page_file(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    write_inputs(root, request.param)
    make(root)
    return root / "reports" / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_it_loads_nothing_overflows_nowhere_and_is_accessible(
    browser: Any, page_file: Path, screen: str, scheme: str
) -> None:
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height}, offline=True, color_scheme=scheme
    )
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page).response["violations"]
    assert {(item["id"], item["impact"]) for item in found} == set()
    context.close()


def test_the_filters_leave_what_was_chosen(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    figures = "#error-list > figure"
    before = page.locator(f"{figures}:visible").count()
    kinds = page.locator("#errors [data-facet=kind]")
    assert kinds.locator("option").first.inner_text() == "all"
    kinds.select_option("missed")
    left = page.locator(f"{figures}:visible")
    assert 0 < left.count() < before
    assert {tag.inner_text() for tag in left.locator(".tag").all()} == {"missed"}
    status = page.locator("#errors [role=status]").inner_text()
    assert status == f"{left.count()} of {before} pictures"
    page.locator("#errors summary").click()
    rows = page.locator("#error-rows tr:visible")
    assert {row.locator("td").first.inner_text() for row in rows.all()} == {"missed"}
    page.close()
