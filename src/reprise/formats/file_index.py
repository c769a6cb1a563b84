"""The files of a source folder: found by name, read as text, named in errors."""

from __future__ import annotations

import os
import posixpath
from functools import cached_property
from pathlib import Path

from reprise.errors import RepriseError
from reprise.formats.encodings import decode_text
from reprise.formats.name_matching import IMAGE_SUFFIXES, NameIndex

_CORRECT = "correct the label file or export it again, then update its sha256."


class FileIndex:
    """All visible files of a folder, found by name; nothing outside it can be named.

    Args:
        folder: The source folder. Hidden entries and ``__MACOSX`` are left out.
        source: Name of the source, for messages.
        encoding: Code page of label files that are not UTF-8 and do not say what they are.

    Attributes:
        names: Posix paths inside the folder, sorted.

    Raises:
        RepriseError: A file's name is not valid UTF-8.
    """

    def __init__(self, folder: Path, source: str, encoding: str | None = None) -> None:
        self.folder = folder
        self.encoding = encoding
        self.source = source
        self.names: list[str] = []
        for where, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if _visible(name)]
            inside = Path(where).relative_to(folder).as_posix()
            prefix = "" if inside == "." else f"{inside}/"
            for name in filter(_visible, files):
                relative = prefix + name
                if not encodable(relative):
                    raise RepriseError(
                        f"source '{source}': the file name {relative!r} is not valid UTF-8.",
                        "rename the file.",
                    )
                self.names.append(relative)
        self.names.sort()

    @cached_property
    def index(self) -> NameIndex:
        """Finds the files by the names that label files give them."""
        return NameIndex(self.names)

    def path(self, name: str) -> Path:
        """Where a listed file is."""
        return self.folder / name

    def with_suffix(self, suffix: str) -> list[str]:
        """Names that end so, in any case of letters; sorted."""
        return [name for name in self.names if name.lower().endswith(suffix)]

    def images(self) -> list[str]:
        """Names that end like an image's; sorted."""
        return [
            name for name in self.names if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES
        ]

    def read_text(self, name: str) -> str:
        """The text of a file, as of :func:`decode_text`, else in the source's code page.

        Raises:
            RepriseError: It is no text in UTF-8, nor in UTF-16 with a byte order mark, nor in
                the code page.
        """
        data = self.path(name).read_bytes()
        try:
            return decode_text(data)
        except UnicodeDecodeError as error:
            problem = f"{name} is not UTF-8 text: {error.reason} at byte {error.start}"
        try:
            if self.encoding is not None:
                return data.decode(self.encoding)
        except UnicodeError:
            problem += f", nor is it {self.encoding}"
        raise self.source_error(
            f"{problem}.",
            "save it as UTF-8, name its code page (data.sources."
            f"{self.source}.encoding: gb18030, say), or remove it from the source.",
        )

    def source_error(self, problem: str, fix: str) -> RepriseError:
        """An error about the source as a whole."""
        return RepriseError(f"source '{self.source}': {problem}", fix)

    def error(self, name: str, where: str, problem: str, fix: str = _CORRECT) -> RepriseError:
        """An error about a place in a label file."""
        return self.source_error(f"{name}, {where}: {problem}.", fix)

    def several(self, written: str, beside: str, where: str, found: list[str]) -> RepriseError:
        """An error about a name that fits several files."""
        return self.error(beside, where, f"'{written}' fits several files: {', '.join(found[:4])}")

    def no_label_file(self, kind: str, looked_for: str, *endings: str) -> RepriseError:
        """An error for a source that has no label file of the format that is to be read.

        Args:
            kind: What the format's files are called.
            looked_for: What such a file is, as the end of a sentence.
            endings: How the names of such files end.
        """
        seen = [name for ending in endings for name in self.with_suffix(ending)]
        found = ", ".join(seen[:5]) if seen else f"no {' or '.join(endings)} file at all"
        return self.source_error(
            f"no {kind} file was found. Looked, in all folders, for {looked_for}; found {found}.",
            "put the label file into the source, or correct its format in data.sources.",
        )


def encodable(text: str) -> bool:
    """Whether text can be written as UTF-8; JSON escapes and file names may hold other."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"
