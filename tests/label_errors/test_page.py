"""The page of suspects in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from browsing import SCHEMES, SCREENS, assert_opens_well
from datasets import shapes_dataset
from reporting.test_report import boxes
from reprise.dataset import Dataset
from reprise.label_errors.object_ranking import rank_objects
from reprise.label_errors.page import PageInputs, write_page
from reprise.scoring import truth_of

pytest.importorskip("cleanlab", reason="pip install -e .[label-errors]")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("page")
    data = Dataset(shapes_dataset(root / "data"))
    truth, rows = truth_of(data, "test", "detect"), boxes(data, "test")
    validated = {
        "folds": [{}, {}, {}],
        "mean": {"mAP50": 0.5},
        "out_of_fold": {
            "images": 6, "metrics": {"mAP50": 0.5}, "intervals": {"mAP50": [0.4, 0.6]},
        },
    }  # fmt: skip
    ranking = rank_objects(truth, rows, "detect")
    assert ranking.suspects
    inputs = PageInputs(data, truth, "detect", rows, ranking, validated)
    write_page(root / "label_errors.html", inputs, top=100)
    return root / "label_errors.html"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_it_loads_nothing_overflows_nowhere_and_is_accessible(
    browser: Any, page_file: Path, screen: str, scheme: str
) -> None:
    assert_opens_well(browser, page_file, screen, scheme)
