"""Count the images: data/processed -> reports/census.json."""

from pathlib import Path

from _run import run
from reprise.census.census import census

from reprise.params import Params


def main(params: Params) -> None:
    census(Path("data/processed"), params.census, Path("reports/census.json"))


if __name__ == "__main__":
    run(main)
