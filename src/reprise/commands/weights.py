"""``reprise weights``: the published weights that a name stands for, and what fits params.yaml."""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path

from reprise.errors import RepriseError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "List the published weights that training can start from by name: what they fit, their\n"
        "size, licence and source; first those that fit the network of params.yaml. A name is\n"
        "written at model.weights.<family>; the weights stage fetches the file."
    )
    parser.add_argument(
        "family",
        metavar="FAMILY",
        nargs="?",
        help="list those of one model.type alone, such as yolo",
    )


def run(options: argparse.Namespace) -> int:
    """Print the list.

    Raises:
        RepriseError: params.yaml is here and wrong (the list is printed all the same), or there
            is no such family.
    """
    from reprise.weights.config import NAMES

    if options.family not in (None, *NAMES):
        raise RepriseError(
            f"there is no model.type '{options.family}'.", f"choose among {', '.join(NAMES)}."
        )
    problem = None
    if Path("params.yaml").is_file():
        try:
            _print_fitting()
        except RepriseError as error:
            problem = error
    _print_all(options.family)
    if problem is not None:
        raise problem
    return 0


def _print_fitting() -> None:
    """What fits the network of params.yaml, the best start first."""
    from reprise import params
    from reprise.weights.config import NO_WEIGHTS, WeightsConfig
    from reprise.weights.published import Network, fitting

    # Weights that do not fit are what one comes here to replace.
    model = params.load(check_weights=False).model
    network = Network.chosen(model.type, model.architecture, model.task, model.variant)
    entry = model.weights.get(model.type)
    chosen = entry.url if isinstance(entry, WeightsConfig) else entry or NO_WEIGHTS
    key = f"model.weights.{model.type}"
    print(f"params.yaml: {network}, {key}: {chosen}. What fits it:")
    for one in fitting(network):
        part = "" if one.whole else ", its backbone alone"
        part += ", for the embedded data alone" if one.name == "screens" else ""
        print(f"  {key}: {one.name:<9} {one.megabytes:>6.1f} MB  {one.licence}  {one.url}{part}")
    print(f"  {key}: {NO_WEIGHTS:<9} random weights\n")


def _print_all(family: str | None) -> None:
    """A line for each name of each network, with its variants and their megabytes."""
    from reprise.weights.published import ARCHITECTURES, PUBLISHED, Published

    names = list(ARCHITECTURES)

    def sort_key(one: Published) -> tuple[int, tuple[str, ...]]:
        return names.index(one.network.family), place(one)

    def place(one: Published) -> tuple[str, ...]:
        network = one.network
        return (network.family, network.architecture, network.task, one.name, one.licence)

    rows: list[tuple[str, ...]] = [
        ("model.type", "architecture", "task", "name", "licence", "source", "variants (MB)")
    ]
    for key, group in groupby(sorted(PUBLISHED, key=sort_key), key=place):
        found = list(group)
        if family in (None, key[0]):
            sizes = [f"{one.network.variant} {one.megabytes:.0f}" for one in found]
            sources = ", ".join(dict.fromkeys(one.source for one in found))
            rows.append((*key, sources, ", ".join(sizes)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())
