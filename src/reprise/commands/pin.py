"""``reprise pin URL``: the params.yaml entry of a source, with the SHA-256 of what is there."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reprise.commands import limits, scratch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Fetch a source once and print its entry for data.sources in params.yaml, with the\n"
        "SHA-256 by which every later run tells whether it is still the same. Of a repository\n"
        "it is pinned to the commit."
    )
    parser.add_argument("url", metavar="URL", help="as in data.sources: a URL or a local path")
    parser.add_argument(
        "--revision", help="of a repository: a commit, tag or branch (default the newest commit)"
    )
    parser.add_argument("--path", help="a folder or file inside a repository (default all of it)")


def run(options: argparse.Namespace) -> int:
    """Print the entry.

    Raises:
        RepriseError: The source is missing, unreadable or over a limit of data.limits.
    """
    from reprise.sources.source_entry import pin

    with _downloads() as folder:
        entry = pin(options.url, limits(), Path(), folder, options.revision, options.path)
    print(entry, end="")
    return 0


@contextmanager
def _downloads() -> Iterator[Path]:
    """The download stage's own folder, so that it need not fetch the same again."""
    kept = scratch("download")
    if kept is not None:
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="reprise-pin-") as folder:
            yield Path(folder)
