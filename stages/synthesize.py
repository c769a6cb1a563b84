"""Draw synthetic training images: synthetic -> data/synthetic/."""

from pathlib import Path

from _run import run

from reprise.params import Params
from reprise.synthesis.generate import synthesize


def main(params: Params) -> None:
    synthesize(
        config=params.synthetic,
        out=Path("data/synthetic"),
        workers=params.machine.workers,
    )


if __name__ == "__main__":
    run(main)
