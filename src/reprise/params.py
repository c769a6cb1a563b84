"""params.yaml, typed: the first of the three contracts.

Each package owns the schema of its own section (``<package>/config.py``); this module only
composes them. They are imported when a file is checked, so that a stage's import graph holds
its own schema and no other: editing the evaluator's parameters must not train again.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from reprise.errors import RepriseError
from reprise.section import Section

if TYPE_CHECKING:
    from reprise.evaluation.config import EvaluationConfig
    from reprise.export.config import ExportConfig
    from reprise.machine import MachineConfig
    from reprise.models.config import AugmentationConfig, ModelConfig, PredictionConfig
    from reprise.models.family import Family
    from reprise.preprocessing.config import DataConfig
    from reprise.reporting.config import ReportConfig
    from reprise.runs.config import RunConfig
    from reprise.synthesis.config import SyntheticConfig
    from reprise.training.config import TrainingConfig, ValidationConfig
    from reprise.validation.config import ExpectationsConfig

# Where the sections' schemas are.
SCHEMAS = {
    "RunConfig": "reprise.runs.config",
    "ModelConfig": "reprise.models.config",
    "DataConfig": "reprise.preprocessing.config",
    "SyntheticConfig": "reprise.synthesis.config",
    "ExpectationsConfig": "reprise.validation.config",
    "TrainingConfig": "reprise.training.config",
    "ValidationConfig": "reprise.training.config",
    "AugmentationConfig": "reprise.models.config",
    "PredictionConfig": "reprise.models.config",
    "EvaluationConfig": "reprise.evaluation.config",
    "ExportConfig": "reprise.export.config",
    "ReportConfig": "reprise.reporting.config",
    "MachineConfig": "reprise.machine",
}


class Params(Section):
    """All parameters: one section for each question that the pipeline asks, in its order."""

    run: RunConfig
    model: ModelConfig
    data: DataConfig
    synthetic: SyntheticConfig
    expectations: ExpectationsConfig
    training: TrainingConfig
    validation: ValidationConfig
    augmentation: AugmentationConfig
    prediction: PredictionConfig
    evaluation: EvaluationConfig
    export: ExportConfig
    report: ReportConfig
    machine: MachineConfig


def schema() -> type[Params]:
    """:class:`Params` with its sections imported; ``params.schema.json`` is made from it."""
    namespace = {name: getattr(importlib.import_module(m), name) for name, m in SCHEMAS.items()}
    Params.model_rebuild(_types_namespace=namespace)
    return Params


def load(path: Path | str = "params.yaml", check_weights: bool = True) -> Params:
    """Read and check a parameter file.

    Args:
        path: The YAML file. It is read as YAML 1.2, in which ``3e-4`` is a number.
        check_weights: Refuse published weights of another network, or of other data.

    Returns:
        A frozen model with one typed attribute for each section.

    Raises:
        RepriseError: The file is missing, is not YAML, or a key or value is wrong; the
            message names each key, the nearest known name, and what is allowed.
    """
    path = Path(path)
    raw = _read_yaml(path)
    try:
        params = schema().model_validate(raw)
    except ValidationError as error:
        problems = _problems(error.errors(), raw)
        lines = "\n".join(f"  - {line}" for line in problems)
        raise RepriseError(
            f"{path.name} has {len(problems)} problem(s):\n{lines}",
            f"edit {path.name}; each key is described in it and in the README. Results that "
            "DVC has removed come back with dvc checkout.",
        ) from None
    if check_weights:
        _check_weights(params)
    return params


def _check_weights(params: Params) -> None:
    """Refuse published weights of another network, or of other data, before any work."""
    from reprise.weights.published import Network, check_name

    model = params.model
    network = Network.chosen(model.type, model.architecture, model.task, model.variant)
    urls = [source.url for source in params.data.sources.values()]
    check_name(network, model.weights.get(model.type), urls)


def _read_yaml(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RepriseError(
            f"{path} does not exist.",
            "run from the repository's top folder, or restore it: git checkout params.yaml",
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise RepriseError(
            f"{path.name} is not valid YAML: {error}", "correct the line that is named."
        ) from None
    if not isinstance(raw, dict):
        raise RepriseError(f"{path.name} holds no sections.", "restore it from Git.")
    return raw


def _problems(errors: Sequence[Any], raw: Any) -> list[str]:
    """What is wrong, a line each, at the keys as the file has them.

    A value that may be of several types is refused once for each; where the error of one lies
    inside the value, as in an entry of a list, that type was meant, and the others are silent.
    """
    lines: list[str] = []
    unions: dict[tuple[Any, ...], list[tuple[Any, tuple[Any, ...]]]] = {}
    for item in errors:
        keys, left_at = _keys(item, raw)
        if left_at is not None and item["loc"][-1] != "[key]":
            unions.setdefault(keys[:left_at], []).append((item, keys))
        else:
            lines.append(_explain(item, keys))
    for root, members in unions.items():
        inside = [(item, keys) for item, keys in members if len(keys) > len(root)]
        if inside:
            lines += [_explain(item, keys) for item, keys in inside]
        else:
            first, *others = dict.fromkeys(_message(item, root) for item, _ in members)
            rest = [other.removeprefix("Input should ").removeprefix("be ") for other in others]
            lines.append(f"{_dotted(root)}: {', or '.join([first, *rest])}{_got(members[0][0])}.")
    return list(dict.fromkeys(lines))


def _keys(item: Any, raw: Any) -> tuple[tuple[Any, ...], int | None]:
    """The keys that an error's location names, and how many precede pydantic's own words.

    These are the types of a union, and ``[key]`` for an error in a key itself.
    """
    keys: list[Any] = []
    left_at, value = None, raw
    for place, part in enumerate(item["loc"], start=1):
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if in_list or (isinstance(value, dict) and part in value):
            value = value[part]
            keys.append(part)
        elif item["type"] == "missing" and place == len(item["loc"]):
            keys.append(part)
        elif left_at is None:
            left_at = len(keys)
    return tuple(keys), left_at


def _explain(item: Any, keys: tuple[Any, ...]) -> str:
    """One validation error as a line a person can act on."""
    if item["loc"][-1:] == ("[key]",):
        return f"{_dotted(keys[:-1])}: {_message(item, keys)} (got {keys[-1]!r})."
    if item["type"] == "extra_forbidden":
        known = _known_keys(keys[:-1])
        close = difflib.get_close_matches(str(keys[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}."
        return f"{_dotted(keys)}: unknown parameter; {hint}"
    if item["type"] == "missing":
        return f"{_dotted(keys)}: missing."
    return f"{_dotted(keys)}: {_message(item, keys)}{_got(item)}."


def _message(item: Any, keys: tuple[Any, ...]) -> str:
    """What a value should be."""
    value = item.get("input")
    if item["type"] == "list_type":
        # Of several types the list need not be the one that was meant.
        only = isinstance(value, str) and len(item["loc"]) == len(keys)
        return f"Input should be a list{f', such as [{value}]' if only else ''}"
    if item["type"] == "too_short":
        return f"Input should hold at least {item['ctx']['min_length']} value(s)"
    if item["type"] == "string_type" and isinstance(value, int | float):
        return "Input should be text; write it in quotes"
    if item["type"] == "model_type":
        return f"Input should be a section with parameters: {', '.join(_known_keys(keys))}"
    return str(item["msg"]).removeprefix("Value error, ")


def _got(item: Any) -> str:
    """The value, unless it is a whole section, or a url, which may hold a password."""
    value = item.get("input")
    return "" if "://" in str(value) or (value and isinstance(value, dict)) else f" (got {value!r})"


def _dotted(keys: tuple[Any, ...]) -> str:
    return ".".join(map(str, keys))


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    """Field names of the (nested) model that an error's location points into."""
    model: type[BaseModel] = Params
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            nested = _nested_model(model.model_fields[part].annotation)
            if nested is not None:
                model = nested
    return sorted(model.model_fields)


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _nested_model(argument)
        if found is not None:
            return found
    return None


def _network(params: Params) -> Family:
    """The network that the parameters ask for, of two classes."""
    from reprise.models.family import family_class

    family = family_class(params.model.type)
    return family(params.model, ["first", "second"], params.data.image_size)


def check_network(params: Params) -> None:
    """Build the network; check that its family uses what is set, and that a weights file that
    is here fits: nothing of it needs data.

    Raises:
        RepriseError: There is no such network, a parameter has no effect on it, or the file is
            of another one.
    """
    import tempfile

    from reprise.export.graph import check_exportable
    from reprise.sources.urls import local_path
    from reprise.training.check_parameters import check_parameters
    from reprise.weights.config import WeightsConfig, is_file
    from reprise.weights.fetch import Folders, fetch_weights
    from reprise.weights.published import Network

    family, model = _network(params), params.model
    check_parameters(family, model, params.training, params.validation, params.augmentation)
    for format_name in params.export.formats:
        check_exportable(family, format_name)
    entry = model.weights.get(model.type)
    url = entry.url if isinstance(entry, WeightsConfig) else entry
    if url is None or not is_file(entry) or local_path(url, Path()) is None:
        return
    network = Network.chosen(model.type, model.architecture, model.task, model.variant)
    with tempfile.TemporaryDirectory(prefix="reprise-check-") as name:
        scratch = Path(name)
        folders = Folders(scratch / "weights", Path(), scratch, scratch / "weights.csv")
        fetch_weights(network, entry, params.data.limits, folders)
        check_weights_file(params, folders.out)


def check_weights_file(params: Params, folder: Path) -> None:
    """Check that a weights file fits the network, before there is any data.

    Of published weights the table says so (:mod:`reprise.weights.published`), and nothing is
    read here. What this finds stops a run and changes no out, as all checks of this module.

    Args:
        params: All parameters.
        folder: What the weights stage wrote.

    Raises:
        RepriseError: It is damaged, or of another network.
    """
    from reprise.models.starting_weights import load_starting_weights
    from reprise.weights.config import is_file

    entry = params.model.weights.get(params.model.type)
    if entry is not None and is_file(entry):
        family = _network(params)
        load_starting_weights(family.network, entry, folder, family.remap_state_dict)


def main(arguments: list[str] | None = None) -> int:
    """``python -m reprise.params``: the JSON schema; with ``--check``, check params.yaml."""
    import argparse
    import json
    import sys

    parser = argparse.ArgumentParser(description="Print the JSON schema of params.yaml.")
    parser.add_argument("--check", action="store_true", help="check ./params.yaml instead")
    if not parser.parse_args(arguments).check:
        print(json.dumps(schema().model_json_schema(), indent=2, ensure_ascii=False))
        return 0
    try:
        check_network(load())
    except RepriseError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
