"""Seeds of single training samples."""

from __future__ import annotations

import hashlib


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """A 32-bit seed that depends on nothing but its three arguments."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
