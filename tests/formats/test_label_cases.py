"""Labels as people's tools write them come out right; the inputs are no part of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from label_cases import LABEL_CASES, LabelCase, build, read_case

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "make.py"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases that have a right value."""
    if not CASES.is_file():
        pytest.skip("../shared/cases is not there")
    folder = tmp_path_factory.mktemp("cases")
    build(CASES, folder, [case.name for case in LABEL_CASES])
    return folder


@pytest.mark.parametrize("case", LABEL_CASES, ids=lambda case: case.name)
def test_a_case_comes_out_right(case: LabelCase, built: Path) -> None:
    reading = read_case(built / case.name)
    assert case.judge(reading), f"{case.right}; now {reading.describe()}; {reading.notes}"
