"""The validate stage: decode, tabulate, check, document, and let nothing bad through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reprise.dataset import (
    ANNOTATION_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    REJECTED_COLUMNS,
    Dataset,
    write_json,
)
from reprise.errors import RepriseError
from reprise.replacing import replacing_folder
from reprise.validation import balance_expectations, row_expectations, row_tables, summary_tables
from reprise.validation.config import ExpectationsConfig
from reprise.validation.data_docs import write_docs
from reprise.validation.decode_check import decode_all
from reprise.validation.failure_message import failure, namesakes
from reprise.validation.leaks import LeakReport, find_leaks
from reprise.validation.runner import TableResult, check


def validate(
    dataset: Path, config: ExpectationsConfig, out: Path, workers: int | None = None
) -> None:
    """Check a dataset against the expectations and write down the result.

    ``out`` holds, whether the dataset passes or not: ``summary.json`` (counts, for the
    report), ``result.json`` (Great Expectations' results, and pairs of images that look alike
    across splits), ``data_docs/index.html`` and ``leaks.html`` (these pairs as pictures). The
    same dataset and expectations give the same bytes. A dataset that passes gets
    ``passed.json`` too, always the same bytes: training depends on this file alone, so that
    a changed expectation reruns the gate and not the training behind it.

    Where images are labelled as a whole and there is no box, the labels are counted in place
    of boxes.

    Args:
        dataset: The dataset folder.
        config: The expectations.
        out: The folder to write; one that exists is replaced as a whole.
        workers: Threads that decode images; by default one for each core.

    Raises:
        RepriseError: The folder is no dataset, or the dataset fails an expectation; the
            message names images, boxes and the fix. In the second case ``out`` is complete
            and stays, for the person to open.
    """
    opened = Dataset(dataset)
    _check_columns(opened)
    images = row_tables.image_rows(
        opened, decode_all(opened, workers), config.near_duplicate_distance
    )
    boxes = row_tables.annotation_rows(opened, images)
    labels = row_tables.label_rows(opened, images)
    whole_images = boxes.empty and not labels.empty
    marks = labels if whole_images else boxes
    tables = {
        "images": images,
        "annotations": boxes,
        **({} if labels.empty else {"labels": labels}),
        "splits": summary_tables.split_rows(images, boxes, marks, config),
        "classes": summary_tables.class_rows(opened, marks, config),
        "sources": summary_tables.source_rows(opened, boxes),
    }
    category_ids = [category.category_id for category in opened.categories]
    expectations = {
        "images": row_expectations.image_expectations(config),
        "annotations": row_expectations.annotation_expectations(config, category_ids),
        "labels": row_expectations.label_expectations(category_ids),
        "splits": balance_expectations.split_expectations(config, whole_images),
        "classes": balance_expectations.class_expectations(config, whole_images),
        "sources": balance_expectations.source_expectations(config),
    }
    results = check(tables, expectations)
    findings = find_leaks(opened, images, config.near_duplicate_distance)
    _write(out, opened, results, findings)
    for note in namesakes(opened.class_names):
        print(f"note: {note}")
    if any(result.failed for result in results):
        raise RepriseError(
            failure(results),
            "put each point above right, then run dvc repro again; "
            f"{(out / 'data_docs' / 'index.html').as_posix()} shows all of them, "
            f"{(out / 'leaks.html').as_posix()} the pictures that look alike across splits.",
        )


def _check_columns(dataset: Dataset) -> None:
    for name, frame, columns in (
        ("images", dataset.images, IMAGE_COLUMNS),
        ("annotations", dataset.annotations, ANNOTATION_COLUMNS),
        ("labels", dataset.labels, LABEL_COLUMNS),
        ("rejected", dataset.rejected, REJECTED_COLUMNS),
    ):
        missing = [column for column in columns if column not in frame]
        if missing:
            raise RepriseError(
                f"{name}.parquet in {dataset.root} lacks the column(s) {', '.join(missing)}.",
                "another version wrote it; write it again: dvc repro --force preprocess",
            )


def _write(out: Path, dataset: Dataset, results: list[TableResult], findings: LeakReport) -> None:
    suites = [result.as_json() for result in results]
    success = all(suite["success"] for suite in suites)
    with replacing_folder(out) as folder:
        write_json(
            folder / "result.json",
            {"success": success, "tables": suites, "leaks": findings.to_json()},
        )
        write_json(folder / "summary.json", summary(results, findings))
        write_docs(folder, dataset, results, findings)
        if success:
            write_json(folder / "passed.json", {"passed": True})


def summary(results: list[TableResult], findings: LeakReport) -> dict[str, Any]:
    """Counts of expectations, by table and in all, and what failed; for the report."""
    tables = [
        {
            "table": result.table,
            "rows": len(result.frame),
            "expectations": len(result.outcomes),
            "passed": len(result.outcomes) - len(result.failed),
            "failed": len(result.failed),
        }
        for result in results
    ]
    failures = [
        {
            "rule": outcome.expectation.name,
            "table": outcome.table,
            "expected": outcome.expectation.sentence,
            "offending": outcome.count,
            "of": outcome.of,
        }
        for result in results
        for outcome in result.failed
    ]
    return {
        "success": not failures,
        **{key: sum(row[key] for row in tables) for key in ("expectations", "passed", "failed")},
        "tables": tables,
        "failures": failures,
        "leaks": len(findings.leaks),
        "conflicts": len(findings.conflicts),
    }
