"""Decode, resize, split and pack: data/raw + data/synthetic -> data/processed/."""

from pathlib import Path

from _run import run, scratch

from reprise.params import Params
from reprise.preprocessing.preprocess import preprocess
from reprise.preprocessing.workplace import Workplace
from reprise.sources.unpack import unpack_sources


def main(params: Params) -> None:
    machine = params.machine
    preprocess(
        params.data,
        unpack_sources(Path("data/raw"), params.data.sources, scratch("raw")),
        Path("data/synthetic"),
        Path("data/processed"),
        params.synthetic,
        Path("data/splits.csv"),
        Workplace(
            machine.workers, machine.engine, scratch("preprocess"), int(machine.memo_gb * 1e9)
        ),
    )


if __name__ == "__main__":
    run(main)
