"""Fetch and verify the weights that training starts from: model.weights -> data/weights/."""

from pathlib import Path

from _run import run, scratch

from reprise.sources.weights import bring_weights


def main(params) -> None:
    bring_weights(
        params.model.type,
        params.model.weights.get(params.model.type),
        params.data.limits,
        out=Path("data/weights"),
        base=Path(),
        scratch=scratch("download"),
    )


if __name__ == "__main__":
    run(main)
