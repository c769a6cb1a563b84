"""``reprise show-batch``: the images that the model sees, drawn from the very tensors."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.commands import add_dataset_arguments, from_repository, scratch
from reprise.errors import RepriseError
from reprise.replacing import replacing_file

if TYPE_CHECKING:
    from reprise.commands.batch_picture import BatchImage
    from reprise.dataset import Dataset
    from reprise.models.family import Family
    from reprise.params import Params
    from reprise.training.plan import Plan

SPLITS = ("train", "val", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Draw the first images of an epoch as the model gets them: resized, augmented, in the\n"
        "order and with the seed of params.yaml. What is drawn is read back from the tensors of\n"
        "the batch. val and test are shown as they are evaluated, without augmentation."
    )
    parser.add_argument("--count", type=int, default=8, help="images to draw (default 8)")
    parser.add_argument(
        "--epoch", type=int, default=0, help="of train: the first epoch is 0 (default 0)"
    )
    parser.add_argument("--split", choices=SPLITS, default="train", help="default train")
    parser.add_argument(
        "--out",
        type=Path,
        help="PNG to write (default .dvc/tmp/reprise/show-batch/batch.png, unknown to Git and DVC)",
    )
    add_dataset_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the picture and name the images in it.

    Raises:
        RepriseError: The dataset or the parameters cannot be read, or an option is wrong.
    """
    from reprise import params
    from reprise.commands.batch_picture import grid
    from reprise.dataset import Dataset

    if options.count < 1:
        raise RepriseError(f"--count is {options.count}.", "ask for at least one image.")
    out = _out(options.out)
    settings = params.load(from_repository(options.params, "--params"))
    dataset = Dataset(from_repository(options.dataset, "--dataset"))
    if dataset.split(options.split).empty:
        raise RepriseError(
            f"the {options.split} split of {options.dataset} has no images.",
            "name another with --split, or change data.split.",
        )
    shown = first_batch_images(dataset, settings, options.split, options.epoch, options.count)
    with replacing_file(out) as partial:
        grid(shown, dataset.class_names).save(partial, "PNG")
    for number, image in enumerate(shown, start=1):
        print(f"{number:>3}  {image.name}: {len(image.boxes)} box(es)")
    print(f"{len(shown)} image(s) of {options.split} in {out}")
    return 0


def _out(named: Path | None) -> Path:
    """The picture's file; none that is not named lies where Git or DVC would see it."""
    if named is not None:
        return named
    folder = scratch("show-batch")
    return Path("batch.png") if folder is None else folder / "batch.png"


def first_batch_images(
    dataset: Dataset, settings: Params, split: str, epoch: int, count: int
) -> list[BatchImage]:
    """The first images of a split with their boxes, taken from the batches of the real loop.

    Args:
        dataset: A dataset with images in the split.
        settings: The parameters.
        split: train, val or test.
        epoch: Of train, from 0.
        count: Images, fewer when the split has fewer.

    Raises:
        RepriseError: Training has no such epoch.
    """
    from reprise.commands.batch_picture import BatchImage
    from reprise.models.family import family_class
    from reprise.training.check_parameters import check_parameters
    from reprise.training.plan import plan_run

    training = settings.training
    length = plan_run(training, len(dataset.split("train")))
    if not 0 <= epoch < length.epochs:
        raise RepriseError(
            f"--epoch is {epoch}, and training runs for {length.epochs} epochs.",
            f"name an epoch from 0 to {length.epochs - 1}.",
        )
    family = family_class(settings.model.type)(
        settings.model, dataset.class_names, settings.data.image_size
    )
    check_parameters(family, settings.model, training, settings.validation, settings.augmentation)
    names = [f"{row.source}/{row.name}" for row in dataset.split(split).itertuples()]
    shown: list[BatchImage] = []
    samples, batches = _batches(family, dataset, settings, split, epoch, length)
    for places in batches:
        batch = family.collate([samples[place] for place in places])
        pixels = batch["images"].permute(0, 2, 3, 1).contiguous().numpy()
        shown += [
            BatchImage(names[place if isinstance(place, int) else place[1]], image, boxes)
            for place, image, boxes in zip(places, pixels, family.target_boxes(batch), strict=True)
        ]
        if len(shown) >= count:
            break
    return shown[:count]


def _batches(
    family: Family, dataset: Dataset, settings: Params, split: str, epoch: int, length: Plan
) -> tuple[Any, Iterable[list[Any]]]:
    """The samples of a split, and which of them make each batch.

    Of train it is what ``training/loop.py`` takes from its loader in this epoch, of the others
    what validation evaluates, in its order: images of one shape together.
    """
    from reprise.models.inference import batches
    from reprise.training.loader import EpochBatchSampler

    training = settings.training
    if split != "train":
        samples: Any = family.evaluation_samples(dataset, split)
        shapes = [samples.shape(index) for index in range(len(samples))]
        return samples, batches(shapes, training.batch_size)
    family.prepare(dataset, training.label_smoothing)
    samples = family.training_samples(dataset, settings.augmentation, training.seed, length.epochs)
    order = EpochBatchSampler(len(samples), training.batch_size, training.seed)
    order.epoch, order.last_batch = epoch, length.batches_in(epoch)
    family.start_epoch(epoch, length.epochs)
    return samples, order
