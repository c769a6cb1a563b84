"""Fetch and verify the file that training starts from: -> data/weights/."""

from pathlib import Path

from _run import run, scratch

from reprise.params import Params
from reprise.sources.weights import download_weights


def main(params: Params) -> None:
    # A state to go on from holds all weights.
    state = params.training.resume
    download_weights(
        family=params.model.type,
        config=state or params.model.weights.get(params.model.type),
        limits=params.data.limits,
        out=Path("data/weights"),
        base=Path(),
        scratch=scratch("download"),
        name="training.resume" if state else "",
    )


if __name__ == "__main__":
    run(main)
