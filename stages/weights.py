"""Fetch and verify the file that training starts from: -> data/weights/."""

from pathlib import Path

from _run import run, scratch

from reprise.params import Params, check_weights_file
from reprise.weights.fetch import Folders, fetch_weights
from reprise.weights.published import Network


def main(params: Params) -> None:
    model = params.model
    # A state to go on from holds all weights.
    state = params.training.resume
    fetch_weights(
        network=Network.chosen(model.type, model.architecture, model.task, model.variant),
        entry=state or model.weights.get(model.type),
        limits=params.data.limits,
        folders=Folders(
            out=Path("data/weights"),
            base=Path(),
            scratch=scratch("download"),
            pins=Path("data/weights.csv"),
        ),
        name="training.resume" if state else "",
    )
    if state is None:
        check_weights_file(params, Path("data/weights"))


if __name__ == "__main__":
    run(main)
