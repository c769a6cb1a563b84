"""Benchmarks run for minutes, so that tests only see to it that what they import is there."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).resolve().parent.parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_benchmark_imports_what_there_is(file: Path) -> None:
    imports = [
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reprise")
    ]
    missing = []
    for node in imports:
        try:
            module = importlib.import_module(str(node.module))
        except ModuleNotFoundError as error:
            # The library of an optional family.
            assert error.name == "detectron2"
            continue
        missing += [
            f"{node.module}.{n.name}"
            for n in node.names
            # A module of a package is its attribute only once somebody has imported it.
            if not hasattr(module, n.name) and not _is_module(f"{node.module}.{n.name}")
        ]
    assert not missing


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is no package
        return False
