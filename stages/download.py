"""Fetch, verify and unpack every source: data.sources -> data/raw/<source>.tar."""

from pathlib import Path

from _run import run, scratch

from reprise.params import Params
from reprise.sources.download import download_all


def main(params: Params) -> None:
    download_all(
        sources=params.data.sources,
        limits=params.data.limits,
        out=Path("data/raw"),
        base=Path(),
        scratch=scratch("download"),
    )


if __name__ == "__main__":
    run(main)
