"""Run the trained model over val and test: models/ -> reports/predictions/."""

from pathlib import Path

from _run import logs, run

from reprise.models.predict import predict
from reprise.params import Params


def main(params: Params) -> None:
    predict(
        dataset=Path("data/processed"),
        model=Path("models"),
        config=params.prediction,
        out=Path("reports/predictions"),
        logs=logs(),
    )


if __name__ == "__main__":
    run(main)
