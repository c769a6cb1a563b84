"""Train a network: data/processed -> models/ and reports/training/."""

from functools import partial
from pathlib import Path

from _run import run, scratch

from reprise.params import Params
from reprise.training.launch import launch
from reprise.training.train import train


def main(params: Params) -> None:
    work = partial(
        train,
        Path("data/processed"),
        params.model,
        params.training,
        params.validation,
        params.augmentation,
        params.data.image_size,
        params.machine,
        Path("models"),
        Path("reports/training"),
        scratch("train"),
        Path("data/weights"),
    )
    launch(params.training.devices, params.training.threads, work)


if __name__ == "__main__":
    run(main)
