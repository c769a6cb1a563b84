"""Which files the names in label files mean: the one place where names are matched to files.

A name is compared with the files of a source in the order of STEPS, and the first step that
finds any file decides. Each step forgives what those before it do, and one thing more. Whatever
is found by more than the name as written is counted, for a note.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import unquote, urlsplit

# Also kinds that will be refused: a row of the ledger says more than silence.
IMAGE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "apng avif bmp dib gif heic heif j2k jfif jp2 jpe jpeg jpg mpo pbm pgm png pnm ppm tif "
        "tiff webp"
    ).split()
)
# Folders of masks and labels, which hold no picture that a loosely matched name could mean.
NOT_PICTURES = frozenset(
    {"annotation", "annotations", "label", "labels", "mask", "masks"}
    | {"segmentationclass", "segmentationobject", "gtfine", "gtcoarse"}
)


def _written(path: str) -> str:
    return path


def _slashed(path: str) -> str:
    return path.replace("\\", "/")


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", _slashed(path))


def folded(path: str) -> str:
    """A path in one Unicode form, one letter case and with one separator."""
    # Folding may leave a letter in another form, as of Greek with two marks.
    return unicodedata.normalize("NFC", _composed(path).casefold())


def _stemmed(path: str) -> str:
    stem, suffix = posixpath.splitext(folded(path))
    return stem if suffix in IMAGE_SUFFIXES else folded(path)


# What a step forgives, and how a path looks where it does.
STEPS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("", _written),
    ("the separators of folders", _slashed),
    ("the Unicode form", _composed),
    ("letter case", folded),
    ("the extension", _stemmed),
)
AS_WRITTEN, BY_EXTENSION, BY_TAIL, BY_ADDRESS = 0, 4, 5, 6
_HOW = {
    **{step: f"though they differ in {what}" for step, (what, _) in enumerate(STEPS)},
    BY_TAIL: "by the longest common tail of their paths",
    BY_ADDRESS: "as web addresses, in which %20 is a space",
}


@dataclass(frozen=True)
class Match:
    """What a name means.

    Attributes:
        names: The file; empty when there is none, several when nothing tells them apart.
        step: Index into STEPS, BY_TAIL and BY_ADDRESS after them: how it was found.
        whole: Whether the name is the file's whole path, not its end only.
        rival: Another name of the same list that means the same file, at least as surely.
    """

    names: tuple[str, ...] = ()
    step: int = AS_WRITTEN
    whole: bool = False
    rival: str = ""

    @property
    def name(self) -> str | None:
        """The one file that is meant, None when there is none or no telling which."""
        return self.names[0] if len(self.names) == 1 and not self.rival else None

    @property
    def unclear(self) -> str:
        """Why there is no telling, as the end of a sentence; empty where there is."""
        if self.rival:
            return f"means {self.names[0]}, as '{self.rival}' does"
        return f"fits several files: {', '.join(self.names[:4])}" if len(self.names) > 1 else ""

    @property
    def rank(self) -> tuple[int, bool]:
        """How much it forgives: the smaller, the surer."""
        return self.step, not self.whole


class NameIndex:
    """Files by their paths and their names, each with and without ending.

    Of several files that a name fits, only the likeliest are found; they are several where
    nothing tells them apart.

    Args:
        names: Posix paths inside the source folder.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._levels: dict[int, _Level] = {}
        self._told: dict[int, dict[str, str]] = {}

    def find(
        self, written: str, beside: str, *, within: str = "", ending: bool = True
    ) -> list[str]:
        """The files that one name in a list of files means; :meth:`match_all` of one name."""
        match = self.match_all([written], beside, within=within, ending=ending)[written]
        return [] if match.rival else list(match.names)

    def match_all(
        self, written: Iterable[str], beside: str, *, within: str = "", ending: bool = True
    ) -> dict[str, Match]:
        """The files that the names in a list of files mean; no file is that of two names.

        In each step, the file at that path from the list's folder or, failing that, from the
        top; else all whose path ends so. Of several, those in a folder that the list is named
        after (``instances_train.json``, ``train/``), then those nearest to the list. The last
        step is the longest common tail of both paths, on the terms of the steps before it; a
        name that finds nothing so is tried again as a web address. A file that several names
        mean is that of the name that needs the least forgiveness.

        Args:
            written: The names as the list has them.
            beside: Posix path of the list.
            within: Folder that holds the files; empty for any.
            ending: Whether names have the ending of their files.
        """
        found = {name: self._match(name, beside, within, ending) for name in dict.fromkeys(written)}
        _settle_rivals(found)
        for name, match in found.items():
            self._tell(name, match)
        return found

    def _match(self, written: str, beside: str, within: str, ending: bool) -> Match:
        # Some write a space after each comma.
        for text in dict.fromkeys((written, written.strip())):
            before: object = None
            for step, (_, form) in enumerate(STEPS):
                path = posixpath.normpath(form(text))
                level = self._level(step)
                same = level.keyed(posixpath.basename(path))
                compared = path, [level.path(name) for name in same]
                if not same or compared == before:
                    continue  # nothing else than in the step before
                if match := self._at(step, path, same, beside, within, ending):
                    return match
                before = compared
        match = self._by_tail(written.strip(), beside, within, ending)
        address = "" if match.names else _address(written)
        if not address:
            return match
        return replace(self._match(address, beside, within, ending), step=BY_ADDRESS, whole=False)

    def _at(
        self, step: int, path: str, same: list[str], beside: str, within: str, ending: bool
    ) -> Match | None:
        """What one step finds among the files of one name."""
        level, form = self._level(step), STEPS[step][1]
        whole = level.path if ending else level.stem
        for start in dict.fromkeys((posixpath.dirname(beside), "")):
            exact = posixpath.normpath(posixpath.join(form(start + "/")[:-1], path))
            at = [name for name in same if whole(name) == exact]
            if found := self._pictures(step, _inside(at, within)):
                return Match(tuple(found), step, whole=True)
        tail = "/" + path.lstrip("/")
        ending_so = [name for name in same if ("/" + whole(name)).endswith(tail)]
        found = self._pictures(step, _inside(ending_so, within))
        return Match(tuple(_likeliest(found, beside)), step) if found else None

    def _by_tail(self, text: str, beside: str, within: str, ending: bool) -> Match:
        """The files whose path shares the longest end with the name."""
        level, form = self._level(BY_EXTENSION), STEPS[BY_EXTENSION][1]
        path = posixpath.normpath(form(text)) if text else ""
        whole = level.path if ending else level.stem
        base = posixpath.basename(path)
        same = [name for name in level.keyed(base) if posixpath.basename(whole(name)) == base]
        found = self._pictures(BY_TAIL, _inside(same, within))
        found = _best(found, lambda name: (_shared_tail(path, whole(name)),))
        if not found or (_shared_tail(path, whole(found[0])) == 1 and self._elsewhere(path)):
            return Match()
        strict = _best(found, lambda name: (-_base_step(text, name, ending),))
        return Match(tuple(_likeliest(strict, beside)), BY_TAIL)

    def _elsewhere(self, path: str) -> bool:
        """Whether there is a folder named as the path's last: then its file is missing from it."""
        folder = posixpath.basename(posixpath.dirname(path))
        return folder in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        places = {posixpath.dirname(name) for name in self._names}
        return frozenset(folded(posixpath.basename(place)) for place in places) - {""}

    def find_for(self, label: str, written: str) -> Match:
        """The images that a label file of one image can be about.

        Images of the written name count before those that are named as the label file. Of
        several, the one at the written path from the label file's folder; else those whose
        folders agree best with the written path, then with the label file's own folder, as
        ``Annotations/north`` does with ``JPEGImages/north``.

        Args:
            label: Posix path of the label file.
            written: The name as the label file has it; empty when it has none.
        """
        found = self._of_written(label, written)
        if found is None and (address := _address(written)):
            found = self._of_written(label, address)
            found = found and replace(found, step=BY_ADDRESS)
        return found or self.named_as(label)

    def named_as(self, label: str) -> Match:
        """The images that have a label file's own name, nearest to it."""
        own = _stem(posixpath.basename(label))
        for step in range(BY_EXTENSION):
            found = self._level(step).keyed(STEPS[step][1](own))
            if found:
                return Match(tuple(_best(found, lambda name: _nearness(label, name))), step)
        return Match()

    def _of_written(self, label: str, written: str) -> Match | None:
        """The images of a name in a label file, None without any."""
        for step in range(len(STEPS)) if written else ():
            form, level = STEPS[step][1], self._level(step)
            path = posixpath.normpath(form(written))
            base = posixpath.basename(path)
            same = [
                name
                for name in level.keyed(base)
                if base in map(posixpath.basename, (level.path(name), level.stem(name)))
            ]
            found = self._pictures(step, same)
            if found:
                return self._of_label(step, found, label, path)
        return None

    def _of_label(self, step: int, found: list[str], label: str, path: str) -> Match:
        form, whole = STEPS[step][1], self._level(step).path
        exact = posixpath.normpath(posixpath.join(posixpath.dirname(form(label)), path))
        if at := [name for name in found if whole(name) == exact]:
            return Match(tuple(at), step, whole=True)
        best = _best(found, lambda n: (_shared_tail(path, whole(n)), _nearness(label, n)))
        ends_so = all(_shared_tail(path, whole(name)) >= path.count("/") for name in best)
        return Match(tuple(best), step if ends_so or "/" not in path else BY_TAIL)

    def match_labels(self, labels: dict[str, str]) -> dict[str, Match]:
        """The images that label files of one image each are about.

        Two files that are about one image both get it where neither names it better.

        Args:
            labels: Posix path of each label file -> the name as it has it.
        """
        found = {label: self.find_for(label, written) for label, written in labels.items()}
        claims: dict[str, list[str]] = {}
        for label, match in found.items():
            if len(match.names) == 1:
                claims.setdefault(match.names[0], []).append(label)
        for claimants in claims.values():
            least = min(found[label].step for label in claimants)
            for label in claimants:
                if found[label].step > least:
                    surer = next(other for other in claimants if found[other].step == least)
                    found[label] = replace(found[label], rival=surer)
        for label, match in found.items():
            self._tell(labels[label] or label, match)
        return found

    def notes(self) -> list[str]:
        """Notes on names that were matched by more than what is written, since the last call."""
        notes = []
        for step, names in sorted(self._told.items()):
            written, name = next(iter(names.items()))
            notes.append(
                f"{len(names)} image name(s) were matched {_HOW[step]}: {written!r} is taken for "
                f"{name}"
            )
        self._told = {}
        return notes

    def _tell(self, written: str, match: Match) -> None:
        if match.step != AS_WRITTEN and match.name:
            self._told.setdefault(match.step, {})[written] = match.name

    def _level(self, step: int) -> _Level:
        if step not in self._levels:
            self._levels[step] = _Level(self._names, step)
        return self._levels[step]

    @staticmethod
    def _pictures(step: int, names: list[str]) -> list[str]:
        """Without what lies in a folder of masks, where the name says little."""
        if step < BY_EXTENSION:
            return names
        return [name for name in names if not set(folded(name).split("/")[:-1]) & NOT_PICTURES]


class _Level:
    """The files of an index as one step sees them."""

    def __init__(self, names: list[str], step: int) -> None:
        self._has_ending = step < BY_EXTENSION
        self._paths = {name: STEPS[step][1](name) for name in names}
        self._by_key: dict[str, list[str]] = {}
        for name in names:
            whole, stem = self.path(name), self.stem(name)
            bases = posixpath.basename(whole), posixpath.basename(stem)
            for key in dict.fromkeys((whole, stem, *bases)):
                self._by_key.setdefault(key, []).append(name)

    def keyed(self, key: str) -> list[str]:
        return self._by_key.get(key, [])

    def path(self, name: str) -> str:
        return self._paths[name]

    def stem(self, name: str) -> str:
        return _stem(self._paths[name]) if self._has_ending else self._paths[name]


def _settle_rivals(found: dict[str, Match]) -> None:
    """Leave each file to one name: the one that needs the least forgiveness."""
    claims: dict[str, dict[str, list[str]]] = {}
    for written, match in found.items():
        if len(match.names) == 1:
            # Signed addresses of one file differ behind the question mark.
            text = ("://" in written and _address(written)) or written.strip()
            same_path = posixpath.normpath(_slashed(text))
            claims.setdefault(match.names[0], {}).setdefault(same_path, []).append(written)
    for paths in claims.values():
        if len(paths) == 1:
            continue
        ranks = {path: min(found[name].rank for name in names) for path, names in paths.items()}
        least = min(ranks.values())
        first = [path for path, rank in ranks.items() if rank == least]
        for path, names in paths.items():
            rival = next(other for other in (*first, *paths) if other != path)
            if [path] != first:
                found.update((name, replace(found[name], rival=rival)) for name in names)


def _address(written: str) -> str:
    """The path in a web address, or in a name that is written like one; empty in any other.

    A path that ends with a slash is that of a program, and the first value behind it names the
    file, as in Label Studio's ``/data/local-files/?d=photos/a.jpg``.
    """
    text = written.strip()
    if "://" not in text:
        return unquote(text) if unquote(text) != text else ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    program = parts.path.endswith("/") or not parts.path
    return unquote(parts.query.partition("=")[2].partition("&")[0] if program else parts.path)


def same_name(written: str, name: str) -> bool:
    """Whether a written name is that of a file in any folder, however it is spelled."""
    form = STEPS[BY_EXTENSION][1]
    base = posixpath.basename(form(name))
    return posixpath.basename(posixpath.normpath(form(written))) == base


def _base_step(text: str, name: str, ending: bool) -> int:
    """The first step at which the last part of a written path is that of a file's."""
    for step, (_, form) in enumerate(STEPS):
        base = posixpath.basename(form(name))
        written = base if ending or step == BY_EXTENSION else _stem(base)
        if posixpath.basename(form(text)) == written:
            return step
    return len(STEPS)


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _inside(names: list[str], folder: str) -> list[str]:
    return [name for name in names if not folder or name.startswith(folder + "/")]


def _likeliest(names: list[str], beside: str) -> list[str]:
    """Of several files those that a list beside them means."""
    words = set(re.split(r"[._ -]", posixpath.basename(beside).lower()))
    return _best(
        names,
        lambda name: (bool(words & set(name.lower().split("/")[:-1])), _nearness(beside, name)),
    )


def _best(names: list[str], likeliness: Callable[[str], tuple[object, ...]]) -> list[str]:
    if len(names) < 2:
        return names
    scores = [likeliness(name) for name in names]
    best = max(scores)
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
