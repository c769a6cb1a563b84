"""Images with the same pixels: one stays, and labels that contradict each other are told."""

from __future__ import annotations

from typing import Literal

from reprise.preprocessing import rules
from reprise.preprocessing.finish import Finished


class Copies:
    """Finds images whose upright pixels are those of an earlier one.

    Args:
        policy: ``remove`` drops the later image; ``keep`` keeps both.

    Attributes:
        removed: Key of an image that stays to the file digests of its copies that went.
    """

    def __init__(self, policy: Literal["remove", "keep"]) -> None:
        self._policy = policy
        self.removed: dict[str, list[str]] = {}
        # By digest; key and labelling in one, as there is an entry for every image.
        self._first: dict[bytes, str] = {}

    def start_over(self) -> None:
        """Compare only what comes from now on; what was removed stays known."""
        self._first.clear()

    def admits(self, image: Finished) -> bool:
        """Whether an image stays; the ledger row about a copy is added to it."""
        mine = f"{image.labelling} {image.key}"
        found = self._first.setdefault(bytes.fromhex(image.stored.sha256), mine)
        labels, _, first = found.partition(" ")
        if first == image.key:
            return True
        if self._policy == "keep":
            image.note(rules.IMAGE_COPY_KEPT, f"same pixels as {first}")
            return True
        # What has no labels contradicts none: labelled images come first, so they stay.
        agree = labels == image.labelling or not image.labelled
        rule = rules.IMAGE_DUPLICATE if agree else rules.IMAGE_CONFLICT
        image.note(rule, f"same pixels as {first}")
        self.removed.setdefault(first, []).append(image.stored.file_sha256)
        return False
