"""The library's loss as sums and counts.

The library divides its parts by what it counts in the batch: the scores that its assigner gives
to anchors and, for masks, the anchors themselves.
"""

from __future__ import annotations

from typing import Any

import torch

from reprise.models.loss import LossPart


class Criterion:
    """A detector's loss.

    Args:
        detector: A network of the library, on the device that it trains on.

    Attributes:
        library: The library's own criterion.
    """

    def __init__(self, detector: Any) -> None:
        self.library = detector.init_criterion()
        # YOLO26 learns with two heads, and moves the weight from one to the other.
        self._two_heads = hasattr(self.library, "one2one")
        self._counts: dict[str, torch.Tensor] = {}
        heads = (
            (self.library.one2many, self.library.one2one) if self._two_heads else (self.library,)
        )
        for head in heads:
            head.assigner.register_forward_hook(self._count)

    def __call__(self, output: Any, batch: dict[str, Any]) -> list[LossPart]:
        """Loss parts of a batch: ``box``, ``cls`` and ``dfl`` or ``l1``; for masks also ``seg``
        and ``sem``."""
        library = self.library
        if not self._two_heads:
            return self._parts(library, library.parse_output(output), batch)
        outputs = library.one2many.parse_output(output)
        return [
            *self._parts(library.one2many, outputs["one2many"], batch, library.o2m),
            *self._parts(library.one2one, outputs["one2one"], batch, library.o2o),
        ]

    def _parts(
        self, head: Any, output: Any, batch: dict[str, Any], weight: float = 1.0
    ) -> list[LossPart]:
        total, named = head.loss(output, batch)
        images = len(batch["images"])
        counts: dict[str, torch.Tensor | int] = {"seg": self._counts["anchors"], "sem": images}
        names = [name.removesuffix("_loss") for name in named]
        # The library multiplies by the batch size; the training loop does so, once for all.
        return [
            LossPart.of_mean(name, part.double() / images, counts.get(name, self._counts["scores"]))
            for name, part in zip(names, total * weight, strict=True)
        ]

    def _count(self, module: Any, inputs: Any, assigned: Any) -> None:  # noqa: ARG002 - a hook's
        _, _, scores, anchors, _ = assigned
        self._counts = {"scores": scores.sum().float(), "anchors": anchors.sum()}
