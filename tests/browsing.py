"""Pages as a person opens them: in a browser, on a phone and a desk, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gui_screens.rendered.render import chromium, find_chromium
from reprise.errors import RepriseError

SCREENS = {"phone": (360, 780), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")


@contextmanager
def browser_or_skip() -> Iterator[Any]:
    """A headless browser; tests are skipped where there is none."""
    pytest.importorskip("axe_playwright_python", reason="pip install -e .[dev]")
    try:
        find_chromium()
    except RepriseError as error:
        pytest.skip(str(error))
    with chromium() as found:
        yield found


def assert_opens_well(browser: Any, file: Path, screen: str, scheme: str) -> None:
    """It loads nothing, says nothing, overflows nowhere, and breaks no rule of axe-core."""
    from axe_playwright_python.sync_playwright import Axe

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
    page.goto(file.as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert {(item["id"], item["impact"]) for item in found} == set()
    context.close()
