"""Imports run in one direction, that of the pipeline: no circle, and nothing from further down.

Imports inside functions and under TYPE_CHECKING count too. Registries that name modules as text
do not: what they name is loaded by a caller that knows the name alone.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
# No module imports one of a later line. `params` composes the schemas of all sections, and only
# what is above all packages may import it.
LAYERS = (
    ("errors",),
    ("section", "replacing", "hamming", "code_digest", "distributed", "machine", "optional"),
    ("dataset", "predictions"),
    ("runs",),
    ("masks",),
    ("formats",),
    ("sources",),
    ("weights",),
    ("synthesis",),
    ("preprocessing",),
    ("validation",),
    ("scoring",),
    ("models",),
    ("export",),
    ("inference",),
    ("training",),
    ("evaluation",),
    ("reporting",),
    ("label_errors",),
    ("params",),
    ("commands",),
    ("cli",),
)


def module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph() -> dict[str, set[str]]:
    """Of each module of ``reprise``, those of ``reprise`` that it imports anywhere."""
    modules = {module_name(file): file for file in (SOURCE / "reprise").rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for name, file in modules.items():
        graph[name] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names if alias.name in modules}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                found = inside & modules.keys()
                # `from package import module` needs nothing of the package itself.
                graph[name] |= found or {node.module} & modules.keys()
    return graph


def test_no_module_imports_itself_through_others() -> None:
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_no_package_imports_one_that_comes_later_in_the_pipeline() -> None:
    rank = {name: place for place, names in enumerate(LAYERS) for name in names}
    assert rank.keys() == {
        path.stem
        for path in (SOURCE / "reprise").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file()) and path.stem != "__init__"
    }
    upward = [
        f"{name} imports {other}"
        for name, others in import_graph().items()
        for other in sorted(others)
        if name.count(".")
        and other.count(".")
        and rank[name.split(".")[1]] < rank[other.split(".")[1]]
    ]
    assert upward == []
