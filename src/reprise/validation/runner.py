"""Great Expectations, driven from our rules and made deterministic."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.validation.expectation import Expectation

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.types.base import DataContextConfig

# Offending rows that results and documents list; the count is always complete.
LISTED = 20


@dataclass(frozen=True)
class Outcome:
    """What became of one rule.

    Attributes:
        rule: The rule.
        passed: Whether the data fulfils it.
        count: Number of offending rows; 0 also for a failed rule about a whole table.
        of: Number of rows checked.
        rows: Places in the table of the first offending rows.
    """

    rule: Expectation
    passed: bool
    count: int
    of: int
    rows: list[int]


@dataclass(frozen=True)
class TableResult:
    """All outcomes on one table, with Great Expectations' own result for its documents."""

    table: str
    rows: int
    outcomes: list[Outcome]
    result: ExpectationSuiteValidationResult

    def as_json(self) -> dict[str, Any]:
        """Great Expectations' result as plain values."""
        values: dict[str, Any] = self.result.to_json_dict()  # type: ignore[no-untyped-call]
        return values


def check(tables: dict[str, pd.DataFrame], rules: list[Expectation]) -> list[TableResult]:
    """Check every rule on its table.

    Args:
        tables: Data frames by the names that the rules use, each with an index that counts
            from 0 and a column ``item`` (what messages call a row).
        rules: What to check.

    Returns:
        One result a table, in the order of ``tables``; outcomes in the order of ``rules``.

    Raises:
        RuntimeError: An expectation could not be evaluated, which is a defect of a rule and
            says nothing about the data.
    """
    # Read once, when the library is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral", project_config=_settings())
    source = context.data_sources.add_pandas("dataset")
    results = []
    for table, frame in tables.items():
        own = [rule for rule in rules if rule.table == table]
        suite = gx.ExpectationSuite(name=table, expectations=[_expectation(rule) for rule in own])
        batches = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        definition = gx.ValidationDefinition(
            name=table, data=batches, suite=context.suites.add(suite)
        )
        # SUMMARY, and rows told by their place: with the complete format or named index
        # columns the library takes a minute for 100,000 offending rows.
        checkpoint = gx.Checkpoint(
            name=table,
            validation_definitions=[context.validation_definitions.add(definition)],
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": LISTED},
        )
        run = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
        (result,) = run.run_results.values()
        results.append(_table_result(table, frame, own, result))
    return results


def _settings() -> DataContextConfig:
    """Everything in memory: by default the library makes room for documents in the temp folder."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _expectation(rule: Expectation) -> Any:
    from great_expectations import expectations

    kind = getattr(expectations, rule.kind)
    return kind(**rule.arguments, description=rule.sentence, meta={"rule": rule.name})


def _table_result(
    table: str,
    frame: pd.DataFrame,
    rules: list[Expectation],
    result: ExpectationSuiteValidationResult,
) -> TableResult:
    """Order a result as its rules, take out what only this run has, and name the rows."""
    configs = [item.expectation_config for item in result.results]
    names = [config.meta["rule"] if config else None for config in configs]
    by_name = dict(zip(names, result.results, strict=True))
    result.results = [by_name[rule.name] for rule in rules]
    # The rest of it is times and names of this run.
    result.meta = {"great_expectations_version": result.meta["great_expectations_version"]}
    outcomes = []
    for rule, item in zip(rules, result.results, strict=True):
        _raise_if_errored(rule, item.exception_info)
        places = item.result.get("partial_unexpected_index_list") or []
        if places:
            item.result["unexpected_index_column_names"] = ["item"]
            item.result["partial_unexpected_index_list"] = _named(rule, frame, places)
        outcomes.append(
            Outcome(
                rule=rule,
                passed=bool(item.success),
                count=int(item.result.get("unexpected_count", 0)),
                of=len(frame),
                rows=[int(place) for place in places],
            )
        )
    return TableResult(table, len(frame), outcomes, result)


def _named(rule: Expectation, frame: pd.DataFrame, places: list[int]) -> list[dict[str, Any]]:
    """Offending rows as Great Expectations would list them: the values and the row's name."""
    keys = [key for key in ("column", "column_A", "column_B") if key in rule.arguments]
    columns = ["item", *(rule.arguments[key] for key in keys)]
    rows = frame.loc[places, list(dict.fromkeys(columns))]
    return [dict(zip(rows.columns, values, strict=True)) for values in rows.to_numpy().tolist()]


def _raise_if_errored(rule: Expectation, info: dict[str, Any] | None) -> None:
    # One flat record for an expectation that ran, one record a metric for one that did not.
    records = [info or {}, *(value for value in (info or {}).values() if isinstance(value, dict))]
    for record in records:
        if record.get("raised_exception"):
            raise RuntimeError(
                f"the expectation {rule.name} on {rule.table} could not be evaluated: "
                f"{record.get('exception_message')}"
            )
