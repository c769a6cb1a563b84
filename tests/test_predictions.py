"""The prediction contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.predictions import prediction, read_predictions, write_predictions


class TestFile:
    def test_is_the_same_whatever_the_order_of_the_detections(self, tmp_path: Path) -> None:
        rows = [prediction(n % 2 + 1, 1, [n, 0, 5, 5], n / 10) for n in range(6)]
        write_predictions(tmp_path / "one.json", rows)
        write_predictions(tmp_path / "two.json", reversed(rows))
        assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
        assert sorted(map(str, read_predictions(tmp_path / "one.json"))) == sorted(map(str, rows))

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("{", "is not JSON"),
            ("{}", "is not a list"),
            ('[{"image_id": 1}]', "entry 0 is not a prediction"),
            ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]', "entry 0"),
            ('[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, NaN], "score": 1}]', "entry 0"),
        ],
    )
    def test_that_is_malformed_is_refused_by_name(
        self, tmp_path: Path, text: str, problem: str
    ) -> None:
        path = tmp_path / "test.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RepriseError, match=r"test\.json") as caught:
            read_predictions(path)
        assert problem in caught.value.problem
        assert "dvc repro predict" in caught.value.fix
