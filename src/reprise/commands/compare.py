"""``reprise compare``: is one run better than another, or can nobody tell?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from reprise.commands import printable
from reprise.commands.comparing.comparison import ALIKE, Comparison, Difference, compare
from reprise.commands.comparing.runs import WORKSPACE, Pair, opened_run, paired
from reprise.dataset import write_json
from reprise.errors import RepriseError
from reprise.replacing import replacing_file
from reprise.scoring import headline_metric


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Compare the predictions of two runs on the images that both were tested on. The images\n"
        "(by group, where there are enough groups) are drawn again many times, the same for both:\n"
        "B is better or worse where the 95% interval of the difference leaves out 0. Nothing is\n"
        "predicted again; predictions come from DVC's cache or remote."
    )
    parser.add_argument("first", metavar="A", help=f"a Git revision, an experiment or {WORKSPACE}")
    parser.add_argument("second", metavar="B", help="likewise; B is judged against A")
    parser.add_argument("--split", choices=("test", "val"), default="test", help="default test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers as JSON too")
    parser.add_argument("--resamples", type=int, default=1000, help="default 1000")
    parser.add_argument("--seed", type=int, default=0, help="of the draws, default 0")


def run(options: argparse.Namespace) -> int:
    """Print the comparison.

    Raises:
        RepriseError: A run has no predictions, or the two cannot be compared.
    """
    if options.resamples < 100 or options.seed < 0:
        raise RepriseError(
            "--resamples is less than 100, or --seed less than 0.",
            "leave them out, or ask for more.",
        )
    split = options.split
    with opened_run(options.first, split) as first, opened_run(options.second, split) as second:
        pair = paired(first, second, split)
        headline = headline_metric(first.task, first.description)
    if not any(pair.first.truth_counts.values()):
        raise RepriseError(
            f"the {split} images of both runs hold nothing to find.", "name the other --split."
        )
    found = compare(pair, headline, options.resamples, options.seed)
    if options.json:
        told = {"a": options.first, "b": options.second, "split": split, **found.as_json()}
        with replacing_file(options.json) as path:
            write_json(path, told)
    print(printable("\n".join(in_words(found, pair, options.first, options.second, headline))))
    return 0


def in_words(
    found: Comparison, pair: Pair, first: str, second: str, headline: str
) -> Iterator[str]:
    """The lines that are printed.

    Args:
        found: The numbers.
        pair: Both runs.
        first: Name of A.
        second: Name of B.
        headline: The metric that comes first.
    """
    main = found.metrics.get(headline)
    if main:
        yield f"{second} is {_verdict(main)} {first} by {headline}: {_change(main)}"
        yield _why(main, found.images, headline)
    counts = {why: count for why, count in pair.left_out.items() if count}
    if counts:
        yield "left out: " + ", ".join(f"{count} images {why}" for why, count in counts.items())
    if found.warning:
        yield f"WARNING: intervals of {pair.split}: {found.warning}"
    yield from _table("metric", found.metrics)
    yield from _table(f"class, by {found.class_metric}", found.classes)
    judged = len(found.metrics) + len(found.classes)
    yield ""
    yield f"Of {judged} such intervals, {judged / 20:.0f} or so would leave out 0 by chance alone."
    if found.changed:
        yield f"\nimages that changed most: errors in {first}, in {second}"
    for image in found.changed:
        yield f"  {image.first:4d} {image.second:4d}  {image.image}"


def _verdict(main: Difference) -> str:
    return "not distinguishable from" if main.verdict == ALIKE else f"{main.verdict} than"


def _change(value: Difference) -> str:
    return (
        f"{value.first:.3f} to {value.second:.3f}, {value.difference:+.3f} "
        f"[{value.low:+.3f}, {value.high:+.3f}]"
    )


def _why(main: Difference, images: int, headline: str) -> str:
    if main.verdict != ALIKE:
        return f"The 95% interval of the difference over {images} images leaves out 0."
    least = (main.high - main.low) / 2
    return (
        f"Other images like these {images} could as well have turned it round: the 95% interval "
        f"holds 0. A difference of {headline} under about {least:.3f} cannot be seen on them."
    )


def _table(title: str, rows: Mapping[str, Difference]) -> Iterator[str]:
    wide = max(len(title), *map(len, rows)) if rows else 0
    if rows:
        yield f"\n{title:<{wide}}       A       B    B - A  95% interval        B is"
    for name, value in rows.items():
        bounds = f"[{value.low:+.3f}, {value.high:+.3f}]"
        yield (
            f"{name:<{wide}}  {value.first:6.3f}  {value.second:6.3f}  {value.difference:+7.3f}  "
            f"{bounds:<18}  {value.verdict}"
        )
