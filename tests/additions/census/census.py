"""How many images there are of each split or source."""

from __future__ import annotations

import json
from pathlib import Path

from reprise.census.config import CensusConfig

from reprise.dataset import Dataset
from reprise.replacing import replacing_file


def census(processed: Path, config: CensusConfig, out: Path) -> None:
    counts = Dataset(processed).images[config.by].value_counts().sort_index()
    with replacing_file(out) as partial:
        partial.write_text(json.dumps(counts.to_dict()))
