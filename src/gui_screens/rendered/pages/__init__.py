"""Pages of the rendered screens: words, pictures, templates, and the plan of what to render."""

from __future__ import annotations

from gui_screens.rendered.pages.blocks import BLOCKS, Block, Shot, plan
from gui_screens.rendered.pages.document import document, page_body

__all__ = ["BLOCKS", "Block", "Shot", "document", "page_body", "plan"]
