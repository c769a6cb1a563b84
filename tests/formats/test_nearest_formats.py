"""Where no format fits, the message says what looks like labels and why each was refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from builders import picture
from reprise.errors import RepriseError
from reprise.formats.file_index import FileIndex
from reprise.formats.source_labels import detect_format


def _refusal(folder: Path, files: dict[str, str], pictures: int = 2) -> RepriseError:
    for seed in range(pictures):
        Image.fromarray(picture(seed)).save(folder / f"{seed}.jpg")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with pytest.raises(RepriseError) as caught:
        detect_format(FileIndex(folder, "mine"))
    return caught.value


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"0.txt": "cat 0.5 0.5 0.2 0.4\n", "1.txt": "cat 0.5 0.5 0.2 0.4\n"},
            [
                "4 file(s), 2 of them pictures: 2 .jpg, 2 .txt.",
                "2 .txt, the first 0.txt, which begins: cat 0.5 0.5 0.2 0.4",
                "yolo: 2 of 2 label(s) cannot be used, the first: 0.jpg: line 1",
                "has the class 'cat', which is no class number",
            ],
        ),
        (
            {"a.json": '{"images": [],\n"annotations": [,]}'},
            ["1 .json, the first a.json", "a.json is not valid JSON: Expecting value: line 2"],
        ),
        (
            {"t.csv": "name;size\n0.jpg;1\n"},
            [
                "boxes_csv: no CSV file has columns for an image, a class and a box (such",
                "Found t.csv",
            ],
        ),
        (
            {"a.xml": "<root/>"},
            ["1 .xml, the first a.xml, which begins: <root/>", "voc: no VOC file was found"],
        ),
        ({"a.ndjson": "{}\n"}, ["1 .ndjson, the first a.ndjson, which begins: {}", "labelbox: "]),
        ({"a.jsonl": "{}\n"}, ["1 .jsonl, the first a.jsonl: a line of JSON an image"]),
        ({"a.xlsx": "PK"}, ["1 .xlsx, the first a.xlsx: a spreadsheet: save its table as .csv"]),
        ({"a.txt": ""}, ["1 .txt, the first a.txt, which is empty"]),
    ],
)
def test_what_looks_like_labels_is_counted_and_refused_with_a_reason(
    tmp_path: Path, files: dict[str, str], told: list[str]
) -> None:
    error = _refusal(tmp_path, files)
    assert "no known format was found" in error.problem
    assert [text for text in told if text not in error.problem] == []
    assert "data.sources.mine.format" in error.fix
    assert str(tmp_path) not in error.problem


def test_pictures_without_any_label_may_be_background(tmp_path: Path) -> None:
    error = _refusal(tmp_path, {})
    assert error.problem.endswith("None looks like labels.")
    assert "data.sources.mine.format: images" in error.fix


def test_control_characters_of_a_file_are_not_printed(tmp_path: Path) -> None:
    assert "\x1b" not in _refusal(tmp_path, {"a.txt": "\x1b[31mred"}).problem
