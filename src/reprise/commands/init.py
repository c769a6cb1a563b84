"""``reprise init PATH|URL…``: params.yaml for the data at hand, each choice with its reason."""

from __future__ import annotations

import argparse
import difflib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.commands import add_format_argument, printable, scratch
from reprise.errors import RepriseError
from reprise.models.registry import FAMILIES
from reprise.replacing import replacing_file

if TYPE_CHECKING:
    from reprise.commands.initializing.choice import Choice, Wishes
    from reprise.commands.initializing.fingerprint import Fingerprint

PARAMS = Path("params.yaml")
NEXT = """
next:
  dvc repro validate      reads and checks the data, before any training
  reprise show-batch      draws what the network will see, boxes included
  dvc repro               trains, evaluates and writes reports/report.html
  reprise predict PATH    shows what the trained model finds in new pictures
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Look at a dataset and at this machine, and write the parameters that follow from them\n"
        "into params.yaml: data.sources and classes, split, network and weights, image size,\n"
        "batch size, length, flips, expectations. Each is printed with its reason. A parameter\n"
        "that it chooses is written over, also where it was set by hand, and the line says what\n"
        "it was; --keep leaves it. All others, and all comments, stay. Nothing else is changed,\n"
        "and the same command again changes nothing."
    )
    parser.add_argument(
        "sources", nargs="+", metavar="PATH|URL", help="folders or archives, here or elsewhere"
    )
    add_format_argument(parser)
    parser.add_argument(
        "--model",
        choices=list(FAMILIES),
        default="",
        metavar="FAMILY",
        help=f"the network: {', '.join(FAMILIES)} (default: what the labels can teach)",
    )
    parser.add_argument(
        "--weights",
        default="",
        metavar="NAME",
        help="published weights to start from, as reprise weights lists them, or none",
    )
    parser.add_argument(
        "--keep",
        nargs="+",
        default=[],
        action="extend",
        metavar="KEY",
        help="leave these parameters as they are, such as training.epochs or expectations",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the difference only, and write nothing"
    )


def run(options: argparse.Namespace) -> int:
    """Write params.yaml and print what was chosen.

    Raises:
        RepriseError: This is no repository, params.yaml is not valid, or a source cannot be
            used. params.yaml is as it was.
    """
    from ruamel.yaml import YAML

    from reprise import params
    from reprise.commands.initializing.choice import Wishes
    from reprise.commands.initializing.choices import choose
    from reprise.commands.initializing.fingerprint import take_fingerprint
    from reprise.commands.initializing.machine import this_machine
    from reprise.commands.initializing.writing import with_choices
    from reprise.preprocessing.config import SplitConfig

    if not Path("dvc.yaml").is_file():
        raise RepriseError(
            "this folder is not the top folder of a Reprise repository: it has no dvc.yaml.",
            "change to the folder that holds dvc.yaml and params.yaml, and name the data from "
            "there.",
        )
    # Weights that do not fit are among what is replaced.
    present = params.load(PARAMS, check_weights=False)
    data = take_fingerprint(
        options.sources, options.format, present.data.limits, scratch("download") or Path()
    )
    machine = this_machine()
    before = PARAMS.read_text(encoding="utf-8")
    split = present.data.split
    wishes = Wishes(
        options.model,
        options.weights,
        options.keep,
        YAML(typ="safe", pure=True).load(before),
        split if isinstance(split, SplitConfig) else None,
    )
    choices = choose(data, machine, wishes)
    after = with_choices(before, [one for one in choices if not wishes.keeps(one.key)])
    _check(after, data)
    print(printable(_found(data) + f"this machine: {machine}\n\n" + _table(choices, wishes)))
    changed = before != after
    if options.dry_run:
        lines = difflib.unified_diff(
            before.splitlines(True), after.splitlines(True), str(PARAMS), f"{PARAMS} (new)"
        )
        print(printable("".join(lines)) or f"{PARAMS} would stay as it is.", end="")
        return 0
    if changed:
        with replacing_file(PARAMS) as file:
            file.write_text(after, encoding="utf-8")
    print(f"{PARAMS} is {'written' if changed else 'as it was: there was nothing to change'}.")
    print(NEXT, end="")
    return 0


def _check(text: str, data: Fingerprint) -> None:
    """Check a parameter file as the stages will, before it takes the place of the present one.

    Raises:
        RepriseError: What a person has set does not go with what is chosen, or a class has a
            name that cannot be used.
    """
    from reprise import params
    from reprise.preprocessing.labels.read_labels import SourceLabels, choose_classes

    with tempfile.TemporaryDirectory(prefix="reprise-init-") as folder:
        file = Path(folder, PARAMS)
        file.write_text(text, encoding="utf-8")
        checked = params.load(file)
    params.check_network(checked)
    choose_classes([SourceLabels("init", Path(), 0, data.classes)], checked.data)


def _found(data: Fingerprint) -> str:
    """What the sources hold."""
    count = sum(image.classes.total() for image in data.images)
    total = f"{count:,} {'objects' if data.object_sides else 'labels'}"
    masks = f", {data.masks:,} of them with masks" if data.masks else ""
    lines = [f"{len(data.images):,} images, {total}{masks}, in {len(data.classes)} class(es)"]
    for source in data.sources:
        lines += [f"  {source.name}: {note}" for note in source.notes]
        lines += [
            f"  {source.name}: {n} image(s) dropped: {why}" for why, n in source.dropped.items()
        ]
    return "\n".join(lines) + "\n"


def _table(choices: Sequence[Choice], wishes: Wishes) -> str:
    """A line for each choice: key, value, what it was where that differs, and the reason."""
    from reprise.commands.initializing.choice import value_of

    wide = max(len(choice.key) for choice in choices)
    lines = []
    for choice in choices:
        new, old = _shown(choice.value), _shown(value_of(wishes.present, choice.key))
        if choice.key == "model.first_stage" and new == old:
            continue  # of a family that has none
        was = f" (was {old})" if new != old else ""
        lines.append(f"{choice.key:<{wide}}  {new}{was}: {choice.reason}")
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    """A value in few words."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        if "url" in value:
            return str(value["url"])
        if len(value) > 3 and not any(isinstance(one, dict) for one in value.values()):
            return f"a section of {len(value)}"
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items()) or "empty"
    if isinstance(value, list):
        more = f", and {len(value) - 6} more" if len(value) > 6 else ""
        return f"[{', '.join(map(str, value[:6]))}{more}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
