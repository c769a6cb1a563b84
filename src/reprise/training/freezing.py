"""Parts of a network that are held still, for a while or for the whole run."""

from __future__ import annotations

import torch


class Frozen:
    """The backbone of a network, frozen until an epoch.

    Args:
        modules: What is held still: weights, and the running statistics of batch norms.
        until: The first epoch, from 0, in which all is trained; None for never.
    """

    def __init__(self, modules: list[torch.nn.Module], until: int | None) -> None:
        self._modules = modules
        self._until = until
        # Constants of the network were never trainable and stay so.
        self._weights = [p for module in modules for p in module.parameters() if p.requires_grad]

    def holds(self, epoch: int) -> bool:
        """Whether the modules are frozen in an epoch."""
        return bool(self._modules) and (self._until is None or epoch < self._until)

    def apply(self, epoch: int) -> bool:
        """Freeze or release for an epoch; after ``network.train()``, which wakes batch norms.

        Returns:
            Whether that changed which weights are trained.
        """
        frozen = self.holds(epoch)
        changed = any(weight.requires_grad == frozen for weight in self._weights)
        for weight in self._weights:
            weight.requires_grad_(not frozen)
        if frozen:
            for module in self._modules:
                module.eval()
        return changed

    def never_trained(self) -> set[int]:
        """``id`` of the weights that no step will change: an optimizer need not know them."""
        return {id(p) for p in self._weights} if self._modules and self._until is None else set()
