"""Score the predictions: reports/predictions/ -> reports/evaluation/."""

from pathlib import Path

from _run import run

from reprise.evaluation.evaluate import evaluate
from reprise.params import Params


def main(params: Params) -> None:
    evaluate(
        dataset=Path("data/processed"),
        predictions=Path("reports/predictions"),
        model=Path("models"),
        config=params.evaluation,
        out=Path("reports/evaluation"),
    )


if __name__ == "__main__":
    run(main)
