"""torch.compile, and what to say when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch

from reprise.errors import RepriseError


def compiled(network: torch.nn.Module) -> torch.nn.Module:
    """The network through torch.compile, sharing its weights."""
    return cast(torch.nn.Module, torch.compile(network))


@contextmanager
def compile_errors_told(asked: bool) -> Iterator[None]:
    """Turn torch.compile's errors, which come with the first batch, into a sentence.

    Args:
        asked: ``training.compile``; its error classes take seconds to import.

    Raises:
        RepriseError: The network cannot be compiled here.
    """
    if not asked:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RepriseError(
            f"training.compile: the network cannot be compiled here: {reason}",
            "set training.compile: false; on a CPU it needs a C++ compiler (g++).",
        ) from None
