"""Great Expectations, run on our tables and made deterministic."""

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
# Keys of Great Expectations' results that differ from run to run.
RANDOM = {"id", "batch_id"}


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation.

    Attributes:
        table: Name of its table.
        expectation: The expectation.
        passed: Whether the data fulfils it.
        count: Number of offending rows; 0 also for a failed one about a whole table.
        of: Number of rows checked.
        rows: Places in the table of the first offending rows.
    """

    table: str
    expectation: Expectation
    passed: bool
    count: int
    of: int
    rows: list[int]


@dataclass(frozen=True)
class TableResult:
    """All outcomes on one table, with Great Expectations' own result for its documents."""

    table: str
    frame: pd.DataFrame
    outcomes: list[Outcome]
    result: ExpectationSuiteValidationResult

    @property
    def failed(self) -> list[Outcome]:
        """The expectations that the table does not fulfil."""
        return [outcome for outcome in self.outcomes if not outcome.passed]

    def as_json(self) -> dict[str, Any]:
        """Great Expectations' result as plain values, keys in order."""
        values = self.result.to_json_dict()  # type: ignore[no-untyped-call]
        return {"table": self.table, **_without_ids(values)}


def _without_ids(value: Any) -> Any:
    """The same JSON with keys in order, without the identifiers that each run draws anew."""
    if isinstance(value, dict):
        return {key: _without_ids(value[key]) for key in sorted(value) if key not in RANDOM}
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    return value


def check(
    tables: dict[str, pd.DataFrame], expectations: dict[str, list[Expectation]]
) -> list[TableResult]:
    """Check tables against their expectations.

    Args:
        tables: Data frames by name, each with an index that counts from 0 and a column
            ``item`` (what messages call a row).
        expectations: What to check, by the table's name.

    Returns:
        One result a table, in the order of ``tables``; outcomes in the order given.

    Raises:
        RuntimeError: An expectation could not be evaluated, which is a defect of it and says
            nothing about the data.
    """
    # Read once, when the library is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral", project_config=_settings())
    source = context.data_sources.add_pandas("dataset")
    results = []
    for table, frame in tables.items():
        own = expectations[table]
        suite = gx.ExpectationSuite(name=table, expectations=[_native(item) for item in own])
        asset = source.add_dataframe_asset(table)
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        # SUMMARY, and rows told by their place: with the complete format or named index
        # columns the library takes a minute for 100,000 offending rows.
        result = batch.validate(
            suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": LISTED}
        )
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


def _native(expectation: Expectation) -> Any:
    """The expectation as Great Expectations' own object."""
    from great_expectations import expectations

    kind, arguments = expectation.check
    meta = {"rule": expectation.name}
    return getattr(expectations, kind)(**arguments, description=expectation.sentence, meta=meta)


def _table_result(
    table: str,
    frame: pd.DataFrame,
    expectations: list[Expectation],
    result: ExpectationSuiteValidationResult,
) -> TableResult:
    """Order a result as given, take out what only this run has, and name the rows."""
    configs = [item.expectation_config for item in result.results]
    names = [config.meta["rule"] if config else None for config in configs]
    by_name = dict(zip(names, result.results, strict=True))
    result.results = [by_name[expectation.name] for expectation in expectations]
    # The rest of it is times and names of this run.
    result.meta = {"great_expectations_version": result.meta["great_expectations_version"]}
    outcomes = []
    for expectation, item in zip(expectations, result.results, strict=True):
        _raise_if_errored(f"{expectation.name} on {table}", item.exception_info)
        places = item.result.get("partial_unexpected_index_list") or []
        if places:
            item.result["unexpected_index_column_names"] = ["item"]
            item.result["partial_unexpected_index_list"] = _named(expectation, frame, places)
        outcomes.append(
            Outcome(
                table=table,
                expectation=expectation,
                passed=bool(item.success),
                count=int(item.result.get("unexpected_count", 0)),
                of=len(frame),
                rows=[int(place) for place in places],
            )
        )
    return TableResult(table, frame, outcomes, result)


def _named(
    expectation: Expectation, frame: pd.DataFrame, places: list[int]
) -> list[dict[str, Any]]:
    """Offending rows as Great Expectations would list them: the values and the row's name."""
    _, arguments = expectation.check
    keys = [key for key in ("column", "column_A", "column_B") if key in arguments]
    rows = frame.loc[places, list(dict.fromkeys(["item", *(arguments[key] for key in keys)]))]
    return [dict(zip(rows.columns, values, strict=True)) for values in rows.to_numpy().tolist()]


def _raise_if_errored(name: str, info: dict[str, Any] | None) -> None:
    # One flat record for an expectation that ran, one record a metric for one that did not.
    records = [info or {}, *(value for value in (info or {}).values() if isinstance(value, dict))]
    for record in records:
        if record.get("raised_exception"):
            raise RuntimeError(
                f"the expectation {name} could not be evaluated: {record.get('exception_message')}"
            )
