"""Decodes every stored image once, to prove that training will not stumble on one."""

from __future__ import annotations

import os
from functools import partial
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from reprise.dataset import Dataset
from reprise.errors import RepriseError

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 32


def decode_all(dataset: Dataset, workers: int | None = None) -> pd.DataFrame:
    """Decode all images of a dataset.

    Threads serve as well as processes, since OpenCV decodes without holding the
    interpreter's lock, and they neither start slowly nor copy the tables.

    Args:
        dataset: The dataset to read.
        workers: Number of threads; by default one for each core. It does not change the
            result.

    Returns:
        One row an image, in the order of ``dataset.images``: ``problem`` (str, None when the
        image decodes), ``decoded_width`` and ``decoded_height`` (int64 pixels, 0 when it
        does not).
    """
    import pandas as pd
    from tqdm import tqdm

    columns = dataset.images[["shard", "offset", "length"]]
    places = list(columns.itertuples(index=False, name=None))
    with ThreadPool(workers or os.cpu_count() or 1) as pool:
        decoded = pool.imap(partial(_decode, dataset), places, chunksize=CHUNK)
        progress = tqdm(decoded, total=len(places), desc="decode", unit="image", disable=None)
        rows = list(progress)
    frame = pd.DataFrame(rows, columns=["problem", "decoded_width", "decoded_height"])
    return frame.astype({"problem": object, "decoded_width": "int64", "decoded_height": "int64"})


def _decode(dataset: Dataset, place: tuple[str, int, int]) -> tuple[str | None, int, int]:
    shard, offset, length = place
    try:
        # A decoder fills what is missing of a cut-off image with grey and reports nothing, and
        # OpenCV raises its own error for no bytes at all: both are caught by the last bytes.
        if length <= 0 or offset < 0 or not _is_whole(dataset.encoded(*place)):
            return f"the image at byte {offset} of {shard} is cut off or is no image.", 0, 0
        height, width = dataset.pixels(*place).shape[:2]
    except RepriseError as error:
        return error.problem, 0, 0
    except OSError as error:
        return f"{shard} cannot be read: {error.strerror}", 0, 0
    return None, width, height


def _is_whole(data: bytes) -> bool:
    """Whether encoded bytes end as their format says; other formats are left to the decoder."""
    if data.startswith(b"\xff\xd8"):
        return data.endswith(b"\xff\xd9")
    if data.startswith(b"\x89PNG"):
        return data.endswith(b"IEND\xaeB`\x82")
    return len(data) > 0
