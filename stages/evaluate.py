"""Score the predictions: reports/predictions/ -> reports/evaluation/."""

from pathlib import Path

from _run import run

from reprise.evaluation.evaluate import evaluate
from reprise.params import Params


def main(params: Params) -> None:
    evaluate(
        Path("data/processed"),
        Path("reports/predictions"),
        Path("models"),
        params.evaluation,
        Path("reports/evaluation"),
    )


if __name__ == "__main__":
    run(main)
