"""Pages of the rendered screens: words, pictures, templates, and the plan of what to render."""

from __future__ import annotations

from reprise.synthesis.web_pages.blocks import BLOCKS, Block, Shot, plan
from reprise.synthesis.web_pages.document import document, page_body

__all__ = ["BLOCKS", "Block", "Shot", "document", "page_body", "plan"]
