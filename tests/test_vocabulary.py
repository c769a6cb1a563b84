"""The code and the docs use the words of the field, not those that once stood in their place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
# A word that no name holds, and what takes its place. Parameters of params.yaml keep theirs.
REPLACED = {
    "patience": "retry",
    "kept": "download_cache",
    "deal": "group_split",
    "bridges": "conflicts",
    "memo": "image_cache",
    "finish": "process_images",
    "order": "sampler",
    "processes": "distributed",
    "continuing": "resume",
    "progress": "train_state",
    "trackers": "loggers",
    "honours": "supported_parameters",
    "tiles": "target_boxes",
    "own_names": "remap_state_dict",
    "refuse": "check or validate",
}
# Plain words of any program: wrong as a whole name only, and not of what a screen shows.
COMMON = {"kept", "deal", "finish", "order", "progress", "tiles"}
FOLDERS = ("src", "stages", "benchmarks", "data/seed", "docs")
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (REPOSITORY / folder).rglob("*")
    if path.suffix in {".py", ".md"} and "__pycache__" not in path.parts
)
DOCUMENTS = [REPOSITORY / "README.md", *(path for path in FILES if path.suffix == ".md")]


def replaced_words(name: str, common: bool = True) -> set[str]:
    """The replaced words that a name of a file, a class or a function holds."""
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    whole = "_".join(words)
    return {
        old
        for old in REPLACED
        if (whole == old and common)
        or (old not in COMMON and re.search(rf"(^|_){old}(_|$)", whole))
    }


def names_in(code: str) -> set[str]:
    """Classes and functions that Python code defines."""
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse(code)) if isinstance(node, kinds)}


def test_names_of_files() -> None:
    found = {
        str(path.relative_to(REPOSITORY)): words
        for path in FILES
        if (words := replaced_words(path.stem) | replaced_words(path.parent.name))
    }
    assert not found


def test_names_of_classes_and_functions() -> None:
    code = [path for path in FILES if path.suffix == ".py"]
    assert len(code) > 100
    found = {
        f"{path.relative_to(REPOSITORY)}: {name}": words
        for path in code
        for name in names_in(path.read_text(encoding="utf-8"))
        if (words := replaced_words(name, common="gui_screens" not in path.parts))
    }
    assert not found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_no_old_module(document: Path) -> None:
    spans = re.findall(r"`([\w./]+\.py)`", document.read_text(encoding="utf-8"))
    assert not {span for span in spans if replaced_words(Path(span).stem)}


def test_a_replaced_word_is_found() -> None:
    assert replaced_words("open_trackers") == {"trackers"}
    assert replaced_words("MemoPlace") == {"memo"}
    assert replaced_words("_refuse_links") == {"refuse"}
    assert replaced_words("own_names") == {"own_names"}
    assert not replaced_words("in_order")
    assert replaced_words("order") == {"order"}
