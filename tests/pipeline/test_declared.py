"""dvc.yaml tells the truth: the code and the parameters that each stage really uses."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from reprise import params


def load_stages(repository: Path) -> dict:
    stages = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"]
    # Of a stage for each entry of a list, what they all do.
    return {name: stage.get("do", stage) for name, stage in stages.items()}


STAGES = load_stages(Path(__file__).resolve().parents[2])


def module_file(source: Path, name: str) -> Path | None:
    path = source / Path(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def imports_of(file: Path, registries: bool) -> set[str]:
    """Names of project modules that a file imports anywhere, also inside functions.

    Args:
        file: Its source.
        registries: Also the modules that it names as text.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif registries and isinstance(node, ast.Constant):
            # Registries name their modules as text: "reprise.models.yolo.family:Yolo".
            match = re.fullmatch(r"((?:reprise|gui_screens)(?:\.\w+)+):\w+", str(node.value))
            found |= {match[1]} if match else set()
    return {name for name in found if name.split(".")[0] in ("reprise", "gui_screens")}


def reachable(script: Path, source: Path) -> set[Path]:
    """Every project file that a stage script can import, registries followed.

    params.py is followed no further: its registry serves checking, which stops a run or
    lets it go on and changes no out. A schema, config.py, reads a registry for its names alone.
    The package's own file is none of a stage's: what it offers to those who import `reprise` is
    imported when they ask for it.
    """
    package = source / "reprise" / "__init__.py"
    seen: set[tuple[Path, bool]] = set()
    waiting = [(script, True), (script.parent / "_run.py", True)]
    while waiting:
        file, registries = waiting.pop()
        registries = registries and file.name != "config.py"
        if (file, registries) in seen:
            continue
        seen.add((file, registries))
        if file == source / "reprise" / "params.py":
            continue
        for name in imports_of(file, registries):
            if (target := module_file(source, name)) not in (None, package):
                waiting.append((target, registries))
    return {file for file, _ in seen if file.name != "__init__.py" or file.stat().st_size}


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_depends_on_the_code_it_imports_and_no_other(
    repository: Path, name: str
) -> None:
    used = reachable(repository / "stages" / f"{name}.py", repository / "src")
    declared = [
        repository / path for path in STAGES[name]["deps"] if path.startswith(("src/", "stages/"))
    ]
    missing = {
        file.relative_to(repository).as_posix()
        for file in used
        if not any(file == path or path in file.parents for path in declared)
    }
    assert missing == set(), f"{name} imports these without declaring them"
    idle = {
        path.relative_to(repository).as_posix()
        for path in declared
        if not any(file == path or path in file.parents for file in used)
    }
    assert idle == set(), f"{name} declares these without importing them"


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_declares_the_sections_it_reads(repository: Path, name: str) -> None:
    """``params.section`` in the script against ``params:`` in dvc.yaml."""
    script = (repository / "stages" / f"{name}.py").read_text()
    read = set(re.findall(r"params\.(\w+(?:\.\w+)?)", script))
    # Training tells the run's name to loggers and logs/, which are no outs: a new name must not
    # train again. The report, which shows it, declares it.
    free = {"machine", "run"} if name == "train" else {"machine"}
    sections = {entry.split(".")[0] for entry in read} - free
    declared = {entry.split(".")[0] for entry in STAGES[name].get("params", [])}
    assert sections == declared


def test_no_stage_depends_on_how_the_machine_works() -> None:
    for name, stage in STAGES.items():
        assert not any(p.startswith("machine") for p in stage.get("params", [])), name


def test_every_section_but_machine_belongs_to_a_stage() -> None:
    owned = {p.split(".")[0] for stage in STAGES.values() for p in stage.get("params", [])}
    assert owned == set(params.Params.model_fields) - {"machine"}


@pytest.mark.parametrize("name", STAGES)
def test_stages_are_thin_and_described(repository: Path, name: str) -> None:
    assert STAGES[name]["desc"]
    assert STAGES[name]["cmd"].startswith(f"exec python stages/{name}.py")
    assert len((repository / "stages" / f"{name}.py").read_text().splitlines()) < 60


def test_the_published_schema_is_the_one_in_the_code(repository: Path) -> None:
    published = json.loads((repository / "params.schema.json").read_text())
    assert published == params.schema().model_json_schema(), "run: make schema"


def test_the_published_parameters_are_valid(repository: Path) -> None:
    assert params.load(repository / "params.yaml").model.type == "yolo"
