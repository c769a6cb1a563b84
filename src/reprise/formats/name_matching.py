"""Which files the names in label files mean: the one place where names are matched to files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable


class NameIndex:
    """Files by their paths and their names, each with and without ending.

    Of several files that a name fits, only the likeliest are found; they are several where
    nothing tells them apart. Folders may be separated by backslashes in written names.

    Args:
        names: Posix paths inside the source folder.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_key: dict[str, list[str]] = {}
        for name in names:
            base = posixpath.basename(name)
            for key in dict.fromkeys((name, _stem(name), base, _stem(base))):
                self._by_key.setdefault(key, []).append(name)

    def find(
        self, written: str, beside: str, *, within: str = "", ending: bool = True
    ) -> list[str]:
        """The files that a name in a list of files means.

        The file at that path from the list's folder or, failing that, from the top; else all
        whose path ends so. Of several, those in a folder that the list is named after
        (``instances_train.json``, ``train/``), then those nearest to the list.

        Args:
            written: The name as the list has it.
            beside: Posix path of the list.
            within: Folder that holds the files; empty for any.
            ending: Whether the name has the ending of its file.
        """
        text = _path(written)
        whole: Callable[[str], str] = str if ending else _stem
        for start in (posixpath.dirname(beside), ""):
            exact = posixpath.normpath(posixpath.join(start, text))
            if found := [name for name in self._keyed(exact) if whole(name) == exact]:
                return _inside(found, within)
        tail = "/" + text.lstrip("/")
        words = set(re.split(r"[._ -]", posixpath.basename(beside).lower()))

        def likeliness(name: str) -> tuple[bool, tuple[int, int]]:
            return bool(words & set(name.lower().split("/")[:-1])), _nearness(beside, name)

        same = self._keyed(posixpath.basename(text))
        ending_so = [name for name in same if ("/" + whole(name)).endswith(tail)]
        return _best(_inside(ending_so, within), likeliness)

    def find_for(self, label: str, written: str) -> list[str]:
        """The images that a label file of one image can be about.

        Images of the written name count before those that are named as the label file. Of
        several, the one at the written path from the label file's folder; else those whose
        folders agree best with the written path, then with the label file's own folder, as
        ``Annotations/north`` does with ``JPEGImages/north``.

        Args:
            label: Posix path of the label file.
            written: The name as the label file has it; empty when it has none.
        """
        text = _path(written) if written else ""
        base = posixpath.basename(text)
        named = [name for name in self._keyed(base) if posixpath.basename(name) == base]
        found = named or self._keyed(_stem(posixpath.basename(label)))
        exact = posixpath.normpath(posixpath.join(posixpath.dirname(label), text))
        if exact in found:
            return [exact]
        return _best(found, lambda name: (_shared_tail(text, name), _nearness(label, name)))

    def _keyed(self, key: str) -> list[str]:
        return self._by_key.get(key, [])


def names_file(written: str, name: str) -> bool:
    """Whether a written name, with or without an ending, is the name of a file in any folder."""
    base = posixpath.basename(name)
    return posixpath.basename(_path(written)) in (base, _stem(base))


def _path(written: str) -> str:
    return posixpath.normpath(written.replace("\\", "/"))


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _inside(names: list[str], folder: str) -> list[str]:
    return [name for name in names if not folder or name.startswith(folder + "/")]


def _best(names: list[str], likeliness: Callable[[str], tuple[object, ...]]) -> list[str]:
    scores = [likeliness(name) for name in names]
    best = max(scores, default=())
    return [name for name, score in zip(names, scores, strict=True) if score == best]


def _shared_tail(one: str, other: str) -> int:
    """How many parts two paths share, counted from their ends."""
    return len(posixpath.commonprefix([one.split("/")[::-1], other.split("/")[::-1]]))


def _nearness(label: str, image: str) -> tuple[int, int]:
    """How many folders two paths share: from the top and then from the bottom, and from the top."""
    one, other = label.split("/")[:-1], image.split("/")[:-1]
    top = len(posixpath.commonprefix([one, other]))
    bottom = len(posixpath.commonprefix([one[top:][::-1], other[top:][::-1]]))
    return top + bottom, top
