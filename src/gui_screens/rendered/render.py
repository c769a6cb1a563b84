"""Renders the embedded dataset: pages in a headless Chromium, boxes from the DOM.

    python -m gui_screens.rendered.render --out data/seed/gui-screens.zip --seed 0

Needs the ``web`` extra, a Chromium, and the frameworks that ``npm install`` puts into
``src/gui_screens/rendered/looks``. No page can reach a network.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from tqdm import tqdm

from gui_screens.rendered import pages
from gui_screens.rendered.archive import Screen, coco, update_card, write_zip
from gui_screens.rendered.pages import Shot, document, plan
from reprise.errors import RepriseError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Stored pixels of the longest side, at most: room to train at 640 pixels and above,
#: within what keeps the archive small enough for Git.
LONGEST_SIDE = 800
#: WebP quality; text stays sharp, and 40 screens of each block fit.
QUALITY = 80
#: A box smaller than this, in stored pixels, cannot be drawn by hand either.
SMALLEST_SIDE = 3.0
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-color-profile=srgb", "--font-render-hinting=none",
)  # fmt: skip


def find_chromium() -> str:
    """The path of an installed Chromium.

    Raises:
        RepriseError: There is none, or ``REPRISE_CHROMIUM`` names no file.
    """
    named = os.environ.get("REPRISE_CHROMIUM")
    if named and not Path(named).is_file():
        raise RepriseError(
            f"REPRISE_CHROMIUM names {named}, which is no file",
            "point it at a Chromium binary",
        )
    found = named or next((path for n in _CHROMIUM_NAMES if (path := shutil.which(n))), None)
    if found is None:
        raise RepriseError(
            "no Chromium on this machine",
            "install one with the system's packages, or set REPRISE_CHROMIUM to its binary",
        )
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running headless browser without a network.

    Raises:
        RepriseError: Playwright or Chromium is missing.
    """
    path = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise RepriseError(
            "rendering needs Playwright, which is not installed",
            "pip install playwright",
        ) from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def render(browser: Browser, shot: Shot, modules: Path) -> Screen:
    """Render one screenshot and read its widgets.

    Args:
        browser: A browser from :func:`chromium`.
        shot: What to render.
        modules: The ``node_modules`` folder with frameworks and icons.

    Raises:
        RepriseError: The page shows a widget that its template did not label.
    """
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=shot.scale,
        offline=True,
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        page.route("**/*", lambda route: route.abort())
        page.set_content(document(shot, modules))
        page.evaluate("() => document.fonts.ready")
        page.evaluate("() => Promise.all([...document.images].map((image) => image.decode()))")
        script = resources.files(pages).joinpath("measure.js").read_text(encoding="utf-8")
        measured = page.evaluate(script)
        png = page.screenshot(animations="disabled")
    finally:
        context.close()
    if measured["forgotten"]:
        raise RepriseError(
            f"{shot.template} in {shot.look} shows a widget without a label: "
            f"{measured['forgotten'][0]}",
            "give the element data-w with its class, or data-g when it is part of one that has it",
        )
    return _stored(shot, png, measured["boxes"])


def _stored(shot: Shot, png: bytes, measured: list[list[Any]]) -> Screen:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    factor = min(1.0, LONGEST_SIDE / max(image.size))
    size = (round(image.width * factor), round(image.height * factor))
    image = image.resize(size, Image.Resampling.LANCZOS) if factor < 1 else image
    to_x, to_y = size[0] / shot.width, size[1] / shot.height
    boxes: set[tuple[float, float, str, float, float]] = set()
    for name, x, y, w, h in measured:
        x0, y0 = max(0.0, x * to_x), max(0.0, y * to_y)
        x1, y1 = min(size[0], (x + w) * to_x), min(size[1], (y + h) * to_y)
        if min(x1 - x0, y1 - y0) >= SMALLEST_SIDE:
            left, top = round(x0, 1), round(y0, 1)
            boxes.add((top, left, name, round(x1 - left - 0.05, 1), round(y1 - top - 0.05, 1)))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=QUALITY, method=6)
    ordered = [(name, [x, y, w, h]) for y, x, name, w, h in sorted(boxes)]
    return Screen(shot, stream.getvalue(), size, ordered)


def main(arguments: list[str] | None = None) -> int:
    """Command line: render the plan of a seed and write the archive."""
    looks = Path(str(resources.files("gui_screens.rendered.looks")))
    parser = argparse.ArgumentParser(description="Render the embedded dataset.")
    parser.add_argument("--out", type=Path, default=Path("data/seed/gui-screens.zip"))
    parser.add_argument("--seed", type=int, default=0, help="changes words, layouts and choices")
    parser.add_argument("--per-block", type=int, default=40, help="screenshots of each block")
    parser.add_argument(
        "--looks-dir",
        type=Path,
        default=looks,
        help="where `npm install` put node_modules",
    )
    chosen = parser.parse_args(arguments)
    try:
        with chromium() as browser:
            shots = plan(chosen.seed, chosen.per_block)
            modules = chosen.looks_dir / "node_modules"
            screens = [render(browser, s, modules) for s in tqdm(shots, desc="render", unit="page")]
        write_zip(screens, chosen.out)
        update_card(chosen.out.with_name("README.md"), coco(screens))
    except RepriseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
