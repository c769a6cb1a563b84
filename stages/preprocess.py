"""Decode, resize, split and pack: data/raw + data/synthetic -> data/processed/."""

from pathlib import Path

from _run import run

from reprise.preprocessing.preprocess import preprocess


def main(params) -> None:
    preprocess(
        params.data,
        Path("data/raw"),
        Path("data/synthetic"),
        Path("data/processed"),
        params.machine.workers,
    )


if __name__ == "__main__":
    run(main)
