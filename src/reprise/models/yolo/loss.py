"""The library's losses over a batch that several processes share.

They are divided by sums over the batch: the assigned scores and, for masks, the assigned
places. Each process counts its share of those.
"""

from __future__ import annotations

from typing import Any

import torch

from reprise.models.family import Weigh


class SharedCriterion:
    """A detector's loss, all of whose divisors can be those of the whole batch.

    Args:
        detector: A network of the library, on the device that it trains on.

    Attributes:
        library: The library's own criterion.
        weigh: Applied to what each process counted; changes nothing at first.
    """

    def __init__(self, detector: Any) -> None:
        self.library = detector.init_criterion()
        self.weigh: Weigh = torch.ones_like
        # YOLO26 has one for each of its heads.
        heads = [getattr(self.library, name, None) for name in ("one2many", "one2one")]
        for loss in heads if all(heads) else [self.library]:
            self._share(loss)

    def __call__(self, output: Any, batch: dict[str, Any], weigh: Weigh) -> tuple[Any, Any]:
        """Loss parts and their names, as the library's criterion."""
        self.weigh = weigh
        return self.library(output, batch)

    def _share(self, loss: Any) -> None:
        factors: list[torch.Tensor] = []

        def count(module: Any, inputs: Any, assigned: Any) -> None:  # noqa: ARG001 - a hook's
            scores, places = assigned[2:4]
            counts = torch.stack([scores.sum().float(), places.sum().float()])
            factors[:] = self.weigh(counts)

        detect: Any = loss.get_assigned_targets_and_loss
        segment: Any = getattr(loss, "calculate_segmentation_loss", None)

        def detected(*values: Any, **named: Any) -> Any:
            found, parts, names = detect(*values, **named)
            return found, parts * factors[0], names

        def segmented(*values: Any, **named: Any) -> Any:
            return segment(*values, **named) * factors[1]

        loss.assigner.register_forward_hook(count)
        loss.get_assigned_targets_and_loss = detected
        if segment is not None:
            loss.calculate_segmentation_loss = segmented
