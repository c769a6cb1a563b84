"""The samples of anchors and proposals that R-CNN's losses are means over, counted."""

from __future__ import annotations

from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler


class CountingSampler(BalancedPositiveNegativeSampler):
    """The library's sampler, which remembers how many it chose last.

    Attributes:
        chosen: Samples of all images, a float scalar.
        positives: Those of them that lie on an object.
    """

    chosen: Tensor
    positives: Tensor

    @classmethod
    def like(cls, other: BalancedPositiveNegativeSampler) -> CountingSampler:
        """One with the other's settings."""
        return cls(other.batch_size_per_image, other.positive_fraction)

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks (anchors,) of each image's chosen positives and negatives."""
        positives, negatives = super().__call__(matched_idxs)
        sums = [sum(mask.sum() for mask in masks).float() for masks in (positives, negatives)]
        self.positives, self.chosen = sums[0], sums[0] + sums[1]
        return positives, negatives
