"""Train a network: data/processed -> models/ and reports/training/."""

from functools import partial
from pathlib import Path

from _run import logs, run, scratch

from reprise.params import Params
from reprise.training.config import TrainSettings
from reprise.training.launch import launch
from reprise.training.train import TrainFolders, train


def main(params: Params) -> None:
    settings = TrainSettings(
        model=params.model,
        training=params.training,
        validation=params.validation,
        augmentation=params.augmentation,
        image_size=params.data.image_size,
        jpeg_quality=params.data.encoding.jpeg_quality,
    )
    folders = TrainFolders(
        dataset=Path("data/processed"),
        weights=Path("data/weights"),
        models=Path("models"),
        reports=Path("reports/training"),
        scratch=scratch("train"),
        logs=logs(),
    )
    # The run's name reaches the loggers and logs/, and no out: dvc.yaml does not declare it here.
    work = partial(
        train, settings=settings, machine=params.machine, folders=folders, named=params.run
    )
    launch(params.training.devices, params.training.threads, work)


if __name__ == "__main__":
    run(main)
