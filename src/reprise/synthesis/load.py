"""From the name of a generator to the generator, and whether DVC knows its code."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from reprise.code_digest import stage_deps
from reprise.errors import RepriseError
from reprise.synthesis.generator import Generator
from reprise.synthesis.registry import GENERATORS

_STAGE = "synthesize"
# Of these the repository's own tests know that dvc.yaml lists them.
_OWN_PACKAGES = ("reprise", "gui_screens")


def load_generator(name: str, longest_side: tuple[int, int], repository: Path) -> Generator:
    """Import and set up a generator.

    Args:
        name: A name of :data:`GENERATORS`, or ``module:Class``.
        longest_side: As of :class:`Generator`.
        repository: The checkout whose ``src/`` holds the module and whose ``dvc.yaml`` lists it.

    Raises:
        RepriseError: There is no such module or class, it is not a generator, its code fails,
            or ``dvc.yaml`` does not list it.
    """
    where = f"synthetic.generator {name}"
    module_name, _, class_name = (GENERATORS.get(name) or name).partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{module_name}.".startswith(f"{missing}."):
            raise failure(error, f"{where}: cannot be imported") from error
        raise RepriseError(
            f"{where}: there is no module {missing}.",
            f"put it into src/{module_name.replace('.', '/')}.py, or correct the name.",
        ) from None
    generator = getattr(module, class_name, None)
    if not (inspect.isclass(generator) and issubclass(generator, Generator)):
        raise RepriseError(
            f"{where}: there is no generator {class_name} in the module {module_name}.",
            f"write a class {class_name}(Generator) there, as docs/generators.md shows, or "
            "correct the name.",
        )
    if name not in GENERATORS:
        _check_place(module, where, repository)
        check_declared(where, repository)
    classes = getattr(generator, "classes", None)
    listed = classes if isinstance(classes, tuple) else ()
    names = {item for item in listed if isinstance(item, str) and item}
    if not names or len(names) < len(listed):
        raise RepriseError(
            f"{where}: its attribute classes is {classes!r}.",
            'set it to a tuple of class names, each once, such as classes = ("cat", "dog").',
        )
    try:
        return generator(longest_side)
    except Exception as error:
        raise failure(error, f"{where}: cannot be set up") from error


def failure(error: Exception, what: str) -> RepriseError:
    """An error of a generator's own code, with the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError):
        place = ""  # Its message says where.
    return RepriseError(
        f"{what}: {type(error).__name__}: {error}{place}.",
        "correct the generator's code; docs/generators.md shows how to run it alone.",
    )


def check_declared(where: str, repository: Path) -> None:
    """Check that DVC runs the stage again when the generator's code is edited.

    Args:
        where: Names the generator.
        repository: The checkout.

    Raises:
        RepriseError: A module below ``src/`` is loaded that ``dvc.yaml`` does not list.
    """
    root = repository.resolve()
    declared = [root / dep for dep in stage_deps(_STAGE, root)]
    missing = []
    for name, module in sorted(sys.modules.items()):
        file = _file(module)
        if name.split(".")[0] in _OWN_PACKAGES or file is None or root / "src" not in file.parents:
            continue
        if not any(file == path or path in file.parents for path in declared):
            missing.append(file.relative_to(root).as_posix())
    if missing:
        lines = "".join(f"\n      - {path}" for path in dict.fromkeys(missing))
        raise RepriseError(
            f"{where} runs code that is not among the deps of {_STAGE} in dvc.yaml: after an edit "
            "to it, dvc repro would go on with the old images.",
            f"add this under deps: of the stage {_STAGE} in dvc.yaml, then dvc repro:{lines}",
        )


def _check_place(module: ModuleType, where: str, repository: Path) -> None:
    file = _file(module)
    if file is None or repository.resolve() / "src" not in file.parents:
        raise RepriseError(
            f"{where}: the module {module.__name__} is {file or 'built in'}, outside this "
            "repository's src/: no edit to it would be noticed.",
            "move it into src/, or give it a name that no installed package has.",
        )


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None
