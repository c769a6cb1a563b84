"""``reprise check PATH``: what a dataset holds and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.commands import add_format_argument, limits, printable
from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.records import ReadOptions
from reprise.formats.source_labels import detect_format

if TYPE_CHECKING:
    from reprise.commands.check_dataset import DatasetSummary
    from reprise.sources.config import LimitsConfig

ARCHIVE_ENDINGS = re.compile(r"\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
TEMPLATES = Path(__file__).parent / "templates"
MOST_CLASSES = 100  # that are listed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Read a dataset the way the preprocess stage would and say what it holds: format,\n"
        "classes, splits, sizes, and what would be dropped or repaired. Images are not\n"
        "decoded, only their headers are read. It ends with the entry for params.yaml.\n"
        "Exit status 1 when no image is usable."
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder or an archive")
    add_format_argument(parser)
    parser.add_argument(
        "--version",
        default="latest",
        type=_version,
        help="of labels that are kept in versions: latest (the default) or a stamp YYMMDDHHmmss",
    )
    parser.add_argument(
        "--encoding",
        default=None,
        type=_encoding,
        help="code page of file names in an archive, and of label files, that are not Unicode",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(options: argparse.Namespace) -> int:
    """Print what was found.

    Raises:
        RepriseError: The path or its labels cannot be read, or no image is usable.
    """
    from reprise.commands.check_dataset import check_dataset

    path, name = options.path, source_name(options.path.resolve().name)
    allowed, notes = _limits()
    with as_folder(path, allowed, options.encoding) as (folder, told):
        format_name, reason = options.format, "it was named"
        if format_name == "auto":
            format_name, reason = _detected(FileIndex(folder, name, options.encoding), path)
        found = check_dataset(
            folder,
            name,
            format_name,
            reason,
            ReadOptions(version=options.version, encoding=options.encoding),
            int(allowed.max_image_megapixels * 1e6),
        )
    found.notes += notes + told
    found.notes += _packed(path)
    entry = _entry(name, path, found.format, options)
    if options.json:
        content = {**asdict(found), "params_entry": entry}
        print(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        print(printable(_as_text(found, entry)), end="")
    if not found.usable:
        raise RepriseError(
            f"{path} has no usable image.", "see above why each image would be dropped."
        )
    return 0


def _limits() -> tuple[LimitsConfig, list[str]]:
    """The limits to check by, and a note where they are not the repository's."""
    from reprise.sources.config import LimitsConfig

    try:
        return limits(), []
    except RepriseError:
        # People check a dataset while they are editing params.yaml for it.
        return LimitsConfig(), ["params.yaml is not valid at present: default limits were taken"]


def _version(text: str) -> str:
    if not re.fullmatch("latest|[0-9]{12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither latest nor a stamp YYMMDDHHmmss")
    return text


def _encoding(text: str) -> str:
    from reprise.sources.config import known_encoding

    try:
        return known_encoding(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no code page that Python knows") from None


@contextmanager
def as_folder(
    path: Path, allowed: LimitsConfig, encoding: str | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """The dataset as a folder, and notes: an archive is unpacked for the time being, as for the
    pipeline."""
    from reprise.sources.archives import extract_archive
    from reprise.sources.nested import extract_nested
    from reprise.sources.quota import Quota
    from reprise.sources.safe_names import check_name_clashes

    if path.is_dir():
        yield path, []
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="reprise-check-") as folder:
            quota = Quota(allowed.max_files, int(allowed.max_unpacked_gb * 1e9))
            try:
                notes = extract_archive(path, Path(folder), quota, encoding)
                notes += extract_nested(Path(folder), quota, encoding)
                check_name_clashes(Path(folder))
            except RepriseError as error:
                raise RepriseError(f"{path}: {error.problem}", error.fix) from None
            yield Path(folder), notes
    else:
        raise RepriseError(
            f"{path} does not exist.",
            "name a folder or an archive on this machine; fetch a URL first.",
        )


def _packed(path: Path) -> list[str]:
    """A note on archives inside a folder, which is not changed by looking at it."""
    inside = packed_archives(path)
    if not inside:
        return []
    some = ", ".join(inside[:3])
    return [f"{len(inside)} archive(s) in it were not looked into, the pipeline will: {some}"]


def packed_archives(path: Path) -> list[str]:
    """The archives inside a folder; none of a file."""
    if not path.is_dir():
        return []
    return [name for name in FileIndex(path, path.name).names if ARCHIVE_ENDINGS.search(name)]


def _detected(files: FileIndex, path: Path) -> tuple[str, str]:
    """The format that the files speak for, and why."""
    try:
        name, reason = detect_format(files)
    except RepriseError as error:
        raise RepriseError(
            error.problem, f"{error.fix}\n  Here: reprise check {path} --format NAME"
        ) from None
    return name, f"it has {reason}"


def source_name(file: str) -> str:
    """A name for ``data.sources`` made of the name of a file or folder."""
    from reprise.sources.source_entry import yaml_text

    words = ARCHIVE_ENDINGS.sub("", file).lower()
    name = re.sub("[^a-z0-9]+", "_", words).strip("_")[:41]
    # The synthesize stage has the one name for itself, and YAML must read it as text.
    free = name != "synthetic" and name[:1].isalpha() and yaml_text(name) == name
    return name if free else f"my_{name}"[:41].rstrip("_")


def _entry(name: str, path: Path, format_name: str, options: argparse.Namespace) -> list[str]:
    """The lines below ``data.sources`` in params.yaml."""
    from reprise.sources.folders import digest
    from reprise.sources.source_entry import yaml_text

    absolute, here = path.resolve(), Path.cwd()
    url = absolute.relative_to(here) if absolute.is_relative_to(here) else absolute
    entry = {"url": url.as_posix(), "format": format_name}
    if path.is_file():
        entry["sha256"] = digest(path)
    if options.encoding is not None:
        entry["encoding"] = options.encoding
    if options.version != "latest":
        entry["version"] = options.version
    return [f"{name}:", *(f"  {key}: {yaml_text(value)}" for key, value in entry.items())]


def _as_text(found: DatasetSummary, entry: list[str]) -> str:
    """The whole report for a terminal."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    template = environment.get_template("check.txt.j2")
    return template.render(found=found, entry=entry, most_classes=MOST_CLASSES)
