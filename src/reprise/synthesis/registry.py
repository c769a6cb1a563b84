"""Every generator by name: what ``synthetic.generator`` may say.

A new one is one line here. Your own generator needs none: it is named ``module:Class``.
"""

from __future__ import annotations

COPY_PASTE = "copy_paste"
NONE = "none"

#: Name to ``module:Class``; None where the synthesize stage draws nothing. Copy-paste needs the
#: images of train, which the preprocess stage is the first to know, so that stage runs it.
GENERATORS: dict[str, str | None] = {
    "gui": "gui_screens.generator:GuiScreens",
    COPY_PASTE: None,
    NONE: None,
}
