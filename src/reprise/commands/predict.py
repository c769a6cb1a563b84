"""``reprise predict PATH…``: a trained model on new pictures."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.commands import check_new_folder, limits, printable
from reprise.commands.model_choice import (
    add_backend_argument,
    add_model_arguments,
    chosen_model,
)
from reprise.errors import RepriseError
from reprise.formats.registry import FORMATS

if TYPE_CHECKING:
    from reprise.commands.predicting.inputs import Input
    from reprise.commands.predicting.stream import Found, Refused
    from reprise.inference.model import Model

# Formats that hold neither boxes nor labels.
_UNLABELLED = ("images",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    formats = [name for name in FORMATS if name not in _UNLABELLED]
    parser.description = (
        "Run the trained model on pictures: image files, folders, archives, videos, and patterns\n"
        "such as 'new/**/*.jpg'. They are decoded and resized as the dataset's were, and what\n"
        "scores less than the threshold that was chosen on val is left out.\n\n"
        "Without --out it prints a line a picture. --out DIR holds predictions.json (COCO\n"
        "results, in pixels of the upright picture), images.json (which picture each id is) and\n"
        "predictions.csv; with --save-pictures pictures/; with --as FORMAT a folder of that name\n"
        "with pictures and labels to correct."
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="what to predict on")
    add_model_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="a folder to write: new, or empty")
    parser.add_argument(
        "--save-pictures", action="store_true", help="pictures and videos with predictions drawn"
    )
    parser.add_argument(
        "--as",
        dest="label_format",
        choices=formats,
        metavar="FORMAT",
        help=f"labels to correct: {', '.join(formats)}",
    )
    parser.add_argument(
        "--most-uncertain",
        type=_positive,
        metavar="N",
        help="name the N pictures that are worth labelling next, in most_uncertain.csv; drawn "
        "pictures and labels are then of these alone",
    )
    parser.add_argument(
        "--threshold",
        type=_share,
        metavar="SCORE",
        help="in [0, 1], in place of the one chosen on val; 0 gives everything",
    )
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="JSON",
        help="for sam: COCO JSON with the boxes whose masks are wanted, or a detector's "
        "predictions.json beside its images.json",
    )
    parser.add_argument(
        "--every", type=_positive, default=1, metavar="N", help="of a video each Nth frame alone"
    )
    parser.add_argument(
        "--batch-size", type=_positive, default=16, metavar="N", help="pictures at a time (16)"
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    add_backend_argument(parser)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number in [0, 1]")
    return value


def run(options: argparse.Namespace) -> int:
    """Predict, and print or write what was found.

    Raises:
        RepriseError: A path or the model cannot be read, no picture could be, or an option does
            not fit. Then nothing is left behind.
    """
    _check(options)
    from reprise.commands.predicting.inputs import open_inputs
    from reprise.commands.predicting.stream import leave_a_core

    with (
        open_inputs(options.paths, limits()) as inputs,
        chosen_model(options.weights, options.rev) as folder,
        leave_a_core(),
    ):
        model = _model(folder, options)
        found, refused = _predicted(model, inputs, options)
        threshold = _threshold(model, options)
        chosen: list[tuple[int, float]] | None = None
        if options.most_uncertain:
            from reprise.commands.predicting.uncertainty import most_uncertain

            rows = [one.rows for one in found]
            chosen = most_uncertain(rows, threshold, options.most_uncertain)
        found = [one.above(threshold) for one in found]
        if options.out is None:
            _print(found, chosen, model.class_names)
        else:
            _write(model, found, refused, chosen, options)
    if options.boxes is not None and (bare := sum(not one.prompts for one in found)):
        print(f"{bare} picture(s) have no boxes in {options.boxes}", file=sys.stderr)
    for one in refused:
        print(printable(f"left out: {one.name}: {one.reason}"), file=sys.stderr)
    print(_summary(found, refused, threshold, options))
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together, before anything is loaded."""
    if options.out is None:
        for name in ("save_pictures", "label_format"):
            if getattr(options, name):
                word = {"save_pictures": "--save-pictures", "label_format": "--as"}[name]
                raise RepriseError(
                    f"{word} writes files, and no --out says where.", "add --out DIR."
                )
        return
    check_new_folder(options.out)


def _model(folder: Path, options: argparse.Namespace) -> Model:
    """The model in ``folder``, which the options suit."""
    from reprise.inference.model import load

    model = load(folder, options.device, options.backend)
    if model.prompted and options.boxes is None:
        raise RepriseError(
            f"the model ({model.description['family']}) draws the masks of boxes that it is given.",
            "give them with --boxes: COCO JSON with a bbox for each object, or the "
            "predictions.json of a detector, beside its images.json.",
        )
    if options.boxes is not None and not model.prompted:
        raise RepriseError(
            f"--boxes: the model ({model.description['family']}) finds objects by itself.",
            "leave the option out.",
        )
    model.speed_up()
    return model


def _threshold(model: Model, options: argparse.Namespace) -> float:
    return model.threshold if options.threshold is None else float(options.threshold)


def _predicted(
    model: Model, inputs: Sequence[Input], options: argparse.Namespace
) -> tuple[list[Found], list[Refused]]:
    """What is found in each picture, under a bar, and the pictures that cannot be read.

    Raises:
        RepriseError: None of them can be read.
    """
    from tqdm import tqdm

    from reprise.commands.predicting.stream import How, Refused, predict_inputs, read_prompts
    from reprise.commands.predicting.uncertainty import LEAST_SHARE
    from reprise.commands.predicting.videos import describe

    prompts = {}
    if options.boxes is not None:
        prompts = read_prompts(options.boxes, model.class_names, [one.name for one in inputs])
    least = _threshold(model, options) * (LEAST_SHARE if options.most_uncertain else 1.0)
    how = How(least, options.batch_size, options.every, prompts)
    lengths = [-(-describe(one.path).frames // options.every) if one.video else 1 for one in inputs]
    found: list[Found] = []
    refused: list[Refused] = []
    # A video that does not say how long it is leaves the end of the bar open.
    total = sum(lengths) if all(lengths) else None
    results = predict_inputs(model, inputs, how)
    for one in tqdm(results, total=total, unit=" pictures", disable=None, leave=False):
        if isinstance(one, Refused):
            refused.append(one)
        else:
            found.append(one)
    if not found:
        first = refused[0]
        raise RepriseError(
            f"none of the {len(refused)} picture(s) can be read; {first.name}: {first.reason}.",
            "name pictures that open, or convert these.",
        )
    return found, refused


def _write(
    model: Model,
    found: Sequence[Found],
    refused: Sequence[Refused],
    chosen: list[tuple[int, float]] | None,
    options: argparse.Namespace,
) -> None:
    """Fill the folder of ``--out``, which takes its place whole."""
    from reprise.commands.predicting.drawing import Drawer
    from reprise.commands.predicting.outputs import write_csv, write_tables
    from reprise.commands.predicting.prelabels import write_prelabels
    from reprise.preprocessing.decode.decoder import BadImageError
    from reprise.replacing import replacing_folder

    max_pixels = model.settings.max_pixels
    shown = list(found) if chosen is None else [found[place] for place, _ in sorted(chosen)]
    out = options.out.resolve()
    with (
        replacing_folder(out) as folder,
        tempfile.TemporaryDirectory(prefix=f".{out.name}.pictures-", dir=out.parent) as scratch,
    ):
        write_tables(folder, found, refused, model.class_names)
        if chosen is not None:
            rows = [[found[place].name, round(value, 4)] for place, value in chosen]
            write_csv(folder / "most_uncertain.csv", [["file_name", "uncertainty"], *rows])
        try:
            if options.save_pictures:
                drawer = Drawer(model.class_names, max_pixels)
                # Of a video some frames alone are pictures, and no video.
                drawer.save(shown, folder / "pictures", options.every, videos=chosen is None)
            if options.label_format:
                to_write = (shown, model.class_names, options.label_format)
                labels = folder / options.label_format
                labels.mkdir()
                write_prelabels(*to_write, labels, max_pixels, Path(scratch))
        except BadImageError as bad:
            raise RepriseError(
                f"a picture could be read at first, and now cannot be: {bad.detail}.",
                "leave the pictures as they are while the command runs.",
            ) from None


def _print(
    found: Sequence[Found], chosen: list[tuple[int, float]] | None, class_names: Sequence[str]
) -> None:
    """A line a picture: what is in it, with the scores; or the pictures to label next."""
    if chosen is not None:
        for place, value in chosen:
            print(printable(f"{value:.3f}  {found[place].name}"))
        return
    for one in found:
        scores: dict[str, list[str]] = {}
        for row in one.rows:
            scores.setdefault(class_names[row["category_id"] - 1], []).append(f"{row['score']:.2f}")
        parts = [
            f"{len(values)} {name} ({', '.join(values[:5])}{', …' if len(values) > 5 else ''})"
            for name, values in scores.items()
        ]
        print(printable(f"{one.name}: {'; '.join(parts) or 'nothing'}"))


def _summary(
    found: Sequence[Found],
    refused: Sequence[Refused],
    threshold: float,
    options: argparse.Namespace,
) -> str:
    count = sum(len(one.rows) for one in found)
    parts = [f"{len(found)} picture(s), {count} prediction(s) scoring at least {threshold:g}"]
    if refused:
        parts.append(f"{len(refused)} picture(s) could not be read")
    if options.out is not None:
        parts.append(f"written to {options.out}")
    return "; ".join(parts)
