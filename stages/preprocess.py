"""Decode, resize, split and pack: data/raw + data/synthetic -> data/processed/."""

from pathlib import Path

from _run import run, scratch

from reprise.params import Params
from reprise.preprocessing.preprocess import Folders, preprocess
from reprise.sources.unpack import unpack_sources


def main(params: Params) -> None:
    preprocess(
        data=params.data,
        machine=params.machine,
        synthetic=params.synthetic,
        folders=Folders(
            raw=unpack_sources(Path("data/raw"), params.data.sources, scratch("raw")),
            synthetic=Path("data/synthetic"),
            processed=Path("data/processed"),
            assignments=Path("data/splits.csv"),
            cache=scratch("preprocess"),
        ),
    )


if __name__ == "__main__":
    run(main)
