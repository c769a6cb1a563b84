"""The report in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from browsing import SCHEMES, SCREENS, assert_opens_well
from reporting.test_report import make, write_inputs


@pytest.fixture(scope="module", params=["detect", "classify"])
def page_file(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    write_inputs(root, request.param)
    make(root)
    return root / "reports" / "report.html"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_it_loads_nothing_overflows_nowhere_and_is_accessible(
    browser: Any, page_file: Path, screen: str, scheme: str
) -> None:
    assert_opens_well(browser, page_file, screen, scheme)


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
