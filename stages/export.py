"""The trained model for another runtime: models/ -> exports/<format>/."""

import sys
from pathlib import Path

from _run import run

from reprise.export.export import export_model
from reprise.export.registry import FOLDER
from reprise.params import Params


def main(params: Params) -> None:
    format_name = sys.argv[1]
    account = export_model(
        format_name=format_name,
        dataset=Path("data/processed"),
        model=Path("models"),
        config=params.export,
        out=FOLDER / format_name,
    )
    print(
        f"mAP on {account['split']}: {account['exported']['mAP']}; torch {account['torch']['mAP']}"
    )


if __name__ == "__main__":
    run(main)
