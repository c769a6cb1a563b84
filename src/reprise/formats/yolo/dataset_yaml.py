"""What stands beside YOLO labels: class names, and which images are train, val and test."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import yaml

from reprise.errors import RepriseError
from reprise.formats.encodings import decode_text, in_utf8
from reprise.formats.file_index import FileIndex
from reprise.formats.json_files import parse_problem
from reprise.formats.name_matching import NameIndex
from reprise.formats.split_names import SplitLists, list_split, named_split

MAX_BYTES = 1_000_000  # of a YAML file
MAIN_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


@dataclass
class DatasetYaml:
    """What the files beside the labels say.

    Attributes:
        names: Class names by index; None when no file has any.
        keypoints: Whether lines hold keypoints after the box.
        task: ``detect``, ``segment``, ``obb`` or ``pose``, where it is said; else empty.
        splits: Splits of the images that a YAML file or a list names.
        notes: What is to be said about it.
        used: Class numbers that labels have; whoever reads these adds to them.
    """

    names: dict[int, str] | None = None
    keypoints: bool = False
    task: str = ""
    splits: SplitLists = field(default_factory=SplitLists)
    notes: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)


def read_dataset_yaml(files: FileIndex, labels: set[str]) -> DatasetYaml:
    """Read the YAML file, or else the lists of classes and images.

    Args:
        files: The files of the source.
        labels: Names of the label files of images, which are no lists.

    Raises:
        RepriseError: A file cannot be read, or two of them name the classes differently.
    """
    config = DatasetYaml()
    named_images = _NamedImages(files)
    named: dict[str, dict[int, str]] = {}
    for name, content in _yaml_files(files).items():
        if content.get("names"):
            named[name] = _yaml_names(content["names"], f"source '{files.source}': {name}")
        config.keypoints |= "kpt_shape" in content
        config.task = config.task or _text(content.get("task")).strip().lower()
        for word, split, entry in _entries(content):
            if not named_images.add(split, entry, name, _text(content.get("path"))):
                config.notes.append(f"{name}: {word} '{entry}' is no part of the source")
    if not named:
        for name in files.names:
            if posixpath.basename(name) == "classes.txt" or name.lower().endswith(".names"):
                lines = map(str.strip, files.read_text(name).split("\n"))
                if names := {place: line for place, line in enumerate(lines) if line}:
                    named[name] = names
    if not named_images.splits:
        for name in files.with_suffix(".txt"):
            listed = list_split(name, files.names)
            if listed and name not in labels and "labels" not in name.lower().split("/"):
                named_images.add_list(listed, name)
    config.names = _agreed(named, files.source)
    config.splits = named_images.splits
    config.notes += named_images.notes()
    return config


class _NamedImages:
    """Collects the splits of images from folders and lists, inside the source only."""

    def __init__(self, files: FileIndex) -> None:
        self._files = files
        self._images = files.images()
        self._index = NameIndex(self._images)
        self._lists = set(files.with_suffix(".txt"))
        self.splits = SplitLists()
        self._unknown: Counter[str] = Counter()

    def add(self, split: str, entry: str, beside: str, root: str) -> bool:
        """Take what a YAML file names; False when it is not in the source.

        Paths are often those of another machine, so the longest end of one counts that is
        there, seen from the YAML file's folder.
        """
        full = posixpath.join(root, entry.replace("\\", "/"))
        for place in _tails(full, posixpath.dirname(beside)):
            if place in self._lists:
                self.add_list(split, place)
                return True
            top = place.rstrip("/") + "/" if place else ""
            if inside := [name for name in self._images if name.startswith(top)]:
                self.splits.add(inside, split)
                return True
        return False

    def add_list(self, split: str, name: str) -> None:
        """Take the images that a list names, one a line."""
        data = in_utf8(self._files.path(name).read_bytes(), self._files.encoding)
        lines = [line for line in map(str.strip, decode_text(data, "replace").split("\n")) if line]
        matches = self._index.match_all(lines, name)
        found = [matches[line].name for line in lines]
        self.splits.add([image for image in found if image], split)
        self._unknown[name] += found.count(None)

    def notes(self) -> list[str]:
        """What is to be said about overlaps and about lines that name nothing."""
        notes = [f"{n} line(s) of {name} name no image" for name, n in (+self._unknown).items()]
        return notes + self._index.notes() + self.splits.notes("splits")


def _tails(path: str, folder: str) -> list[str]:
    """A path from a folder, then its ends below it, the longest first, without any ``..``."""
    text = path.replace("\\", "/")
    exact = posixpath.normpath(posixpath.join(folder, text))
    parts = [part for part in posixpath.normpath(text).split("/") if part not in ("", ".", "..")]
    ends = [posixpath.join(folder, *parts[start:]) for start in range(len(parts))]
    return ["" if exact == "." else exact, *ends]


def _split_word(text: str) -> str | None:
    return named_split(text) if re.fullmatch("[A-Za-z]+", text) else None


def _entries(content: dict[Any, Any]) -> list[tuple[str, str, str]]:
    """Key, split and path of everything that a YAML file names as train, val or test."""
    found = []
    for word, value in content.items():
        split = _split_word(_text(word))
        texts = map(_text, _items(value)) if split else ()
        found += [(word, split, text) for text in texts if split and text]
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _yaml_files(files: FileIndex) -> dict[str, dict[Any, Any]]:
    """data.yaml or dataset.yaml; where there is none, any YAML file that names classes."""
    names = [*files.with_suffix(".yaml"), *files.with_suffix(".yml")]
    main = [name for name in names if posixpath.basename(name).lower() in MAIN_FILES]
    found = {}
    for name in sorted(main or names):
        content = _parse_yaml(files, name, strict=bool(main))
        if isinstance(content, dict) and (main or content.get("names")):
            found[name] = content
    return found


def _parse_yaml(files: FileIndex, name: str, strict: bool) -> Any:
    path = files.path(name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        # All scalars stay text: a class may be named `no`, which YAML 1.1 takes for False.
        # This loader makes texts, lists and mappings only, whatever tags the file has.
        return yaml.load(files.read_text(name), yaml.BaseLoader)  # noqa: S506
    except RepriseError:
        if strict:
            raise
        return None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if not strict:
            return None
        raise files.source_error(
            f"{name} cannot be read as YAML: {parse_problem(error)}.",
            "correct the file, or remove it from the source.",
        ) from None


def _yaml_names(value: Any, where: str) -> dict[int, str]:
    pairs = value.items() if isinstance(value, dict) else enumerate(_items(value))
    names: dict[int, str] = {}
    for key, name in pairs:
        if not re.fullmatch("[0-9]{1,9}", str(key)) or not isinstance(name, str) or not name:
            raise RepriseError(
                f"{where}: names is neither a list of texts nor a mapping from numbers to texts.",
                "write names as a list, in the order of the class numbers.",
            )
        names[int(key)] = name
    return names


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _agreed(named: dict[str, dict[int, str]], source: str) -> dict[int, str] | None:
    if not named:
        return None
    first, *others = named
    for other in others:
        if named[other] != named[first]:
            raise RepriseError(
                f"source '{source}': {first} and {other} name the classes differently.",
                "keep one of them, or make each folder a source of its own.",
            )
    return named[first]
