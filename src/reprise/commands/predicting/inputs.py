"""The pictures that are named to ``reprise predict``: files, folders, globs, archives, videos."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reprise.commands.check import as_folder
from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.name_matching import IMAGE_SUFFIXES
from reprise.sources.archives import is_archive

if TYPE_CHECKING:
    from reprise.sources.config import LimitsConfig

VIDEO_SUFFIXES = frozenset(
    f".{suffix}" for suffix in "3gp avi m4v mkv mov mp4 mpeg mpg ogv ts webm wmv".split()
)


@dataclass(frozen=True)
class Input:
    """One file that is predicted on.

    Attributes:
        name: Posix path that no other input has: what the outputs call it.
        path: The file.
        video: Whether it is a video.
    """

    name: str
    path: Path
    video: bool = False


@contextmanager
def open_inputs(named: Sequence[str], allowed: LimitsConfig) -> Iterator[list[Input]]:
    """The files behind what was named, archives unpacked for the time being.

    Args:
        named: Paths of images, videos, folders and archives, and glob patterns.
        allowed: What an archive may cost.

    Yields:
        The files in the order that they were named; those of a folder sorted.

    Raises:
        RepriseError: Something named is not there or holds no picture, an archive is not safe, or
            there are pictures and videos that cannot be told apart by name.
    """
    with ExitStack() as opened:
        # Of each file the names that it may have, the shortest first.
        found: dict[Path, tuple[str, ...]] = {}
        for path in _paths(named):
            files = (
                _inside(path, opened.enter_context(as_folder(path, allowed))[0])
                if path.is_dir() or is_archive(path)
                else [((path.name, path.as_posix()), path)]
            )
            for names, file in files:
                # One file may be named in several ways, and is one picture.
                found.setdefault(Path(os.path.normpath(file.absolute())), names)
        yield [
            Input(name, path, path.suffix.lower() in VIDEO_SUFFIXES)
            for name, path in zip(_different(list(found.values())), found, strict=True)
        ]


def _paths(named: Sequence[str]) -> list[Path]:
    """What was named, with patterns as the paths that they fit."""
    paths: list[Path] = []
    for text in named:
        if "://" in text:
            raise RepriseError(
                f"{text} is not on this machine.", "fetch it first, and name the file."
            )
        if os.path.lexists(text):
            path = Path(text)
            if not (path.is_dir() or path.is_file()):
                raise RepriseError(
                    f"{text} is neither a file nor a folder.",
                    "name a picture, a video or a folder.",
                )
            paths.append(path)
            continue
        # Path.glob takes no pattern that starts at the root.
        fitting = sorted(Path(one) for one in glob.glob(text, recursive=True))  # noqa: PTH207
        if not fitting:
            problem = "fits no file" if glob.has_magic(text) else "does not exist"
            raise RepriseError(
                f"{text} {problem}.", "name a picture, a video, a folder, an archive or a pattern."
            )
        # `**` lists folders beside all that they hold; any other pattern means them whole.
        files = [path for path in fitting if path.is_file()]
        paths += files if "**" in text else fitting
    return paths


def _inside(path: Path, folder: Path) -> list[tuple[tuple[str, ...], Path]]:
    """The pictures and videos of a folder or archive with their names."""
    endings = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    index = FileIndex(folder, str(path))
    names = [name for name in index.names if PurePosixPath(name).suffix.lower() in endings]
    if not names:
        raise RepriseError(
            f"{path} holds no picture and no video among {len(index.names)} file(s).",
            f"name another; pictures end with {', '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    label = path.resolve().name
    return [
        ((name, f"{label}/{name}", f"{path.as_posix()}/{name}"), index.path(name)) for name in names
    ]


def _different(choices: list[tuple[str, ...]]) -> list[str]:
    """A name for each file: the first of its choices, or a longer one where that is not its own.

    A video's frames are named below its own name, so that no picture may lie there.
    """
    taken = [0] * len(choices)
    while True:
        names = [_relative(choice[place]) for choice, place in zip(choices, taken, strict=True)]
        used = Counter(names)
        longer = [
            index
            for index, name in enumerate(names)
            if used[name] > 1 and taken[index] + 1 < len(choices[index])
        ]
        if not longer:
            break
        for index in longer:
            taken[index] += 1
    several = sorted(name for name, count in used.items() if count > 1)
    if several:
        raise RepriseError(
            f"{several[0]} names {used[several[0]]} different files.",
            "name fewer folders at a time, or rename the files.",
        )
    return names


def _relative(name: str) -> str:
    """A path below the output folder, whatever its beginning was."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", "..", "."))
