"""Write the run up: everything above -> reports/report.html, report.md, results.json."""

from pathlib import Path

from _run import logs, run

from reprise.params import Params
from reprise.reporting.report import report


def main(params: Params) -> None:
    report(
        dataset=Path("data/processed"),
        reports=Path("reports"),
        model=Path("models"),
        config=params.report,
        named=params.run,
        sources=params.data.sources,
        logs=logs(),
    )


if __name__ == "__main__":
    run(main)
