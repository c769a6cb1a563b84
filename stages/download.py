"""Fetch, verify and unpack every source: data.sources -> data/raw/<source>.tar."""

from pathlib import Path

from _run import run, scratch

from reprise.params import Params
from reprise.sources.download import download_all
from reprise.sources.pack import pack_sources


def main(params: Params) -> None:
    download_all(
        params.data.sources,
        params.data.limits,
        out=Path("data/raw"),
        base=Path(),
        scratch=scratch("download"),
    )
    pack_sources(Path("data/raw"))


if __name__ == "__main__":
    run(main)
