"""The gate: expectations over data/processed -> reports/validation/, or a clear refusal."""

from pathlib import Path

from _run import run

from reprise.params import Params
from reprise.validation.validate import validate


def main(params: Params) -> None:
    validate(
        dataset=Path("data/processed"),
        config=params.expectations,
        out=Path("reports/validation"),
        workers=max(params.machine.workers, 1),
    )


if __name__ == "__main__":
    run(main)
