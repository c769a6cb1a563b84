"""The gate: expectations over data/processed -> reports/validation/, or a clear refusal."""

from pathlib import Path

from _run import run

from reprise.params import Params
from reprise.validation.validate import validate


def main(params: Params) -> None:
    validate(
        Path("data/processed"),
        params.expectations,
        Path("reports/validation"),
        max(params.machine.workers, 1),
    )


if __name__ == "__main__":
    run(main)
