"""What the stage writes: the same bytes each time, complete pages, nothing elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from reprise.errors import RepriseError
from reprise.validation.config import ExpectationsConfig
from reprise.validation.expectation import Expectation, between
from reprise.validation.runner import check
from reprise.validation.validate import validate

if TYPE_CHECKING:
    from validation.conftest import Draft

# Validates as the stage does; tells whether torch came along and which hosts were asked for.
PROGRAM = """
import sys
from pathlib import Path

asked = []

def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        asked.append(event)

sys.addaudithook(audit)
from reprise.validation.config import ExpectationsConfig
from reprise.validation.validate import validate
validate(Path(sys.argv[1]), ExpectationsConfig(), Path(sys.argv[2]), workers=3)
print("torch" in sys.modules, asked)
"""


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def spoilt(draft: Draft) -> Draft:
    """A dataset with failures on several tables, and a file name that wants to be markup."""
    draft.image(2, name="<img src=x onerror=alert(1)>$item\x1b[31m.png")
    draft.image(9, sha256=draft.images[2]["sha256"])
    draft.box(5, x=-4.0)
    draft.box(6, category_id=9)
    return draft


def test_another_process_writes_the_same_bytes_and_nothing_else(
    draft: Draft, tmp_path: Path
) -> None:
    dataset = draft.write(tmp_path / "dataset")
    validate(dataset, ExpectationsConfig(), tmp_path / "here" / "out", workers=1)
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TZ": "Asia/Tokyo",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(dataset), "out"],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False []\n"
    assert content(work / "out") == content(tmp_path / "here" / "out")
    assert list(home.iterdir()) == []
    assert [path.name for path in work.iterdir()] == ["out"]


def test_a_refusal_leaves_complete_and_equal_results(draft: Draft, tmp_path: Path) -> None:
    dataset = spoilt(draft).write(tmp_path / "dataset")
    out = tmp_path / "out"
    with pytest.raises(RepriseError):
        validate(dataset, ExpectationsConfig(), out, workers=1)
    first = content(out)
    with pytest.raises(RepriseError):
        validate(dataset, ExpectationsConfig(), out, workers=2)
    assert content(out) == first
    assert json.loads(first["result.json"])["success"] is False
    failures = json.loads(first["summary.json"])["failures"]
    assert [(entry["rule"], entry["offending"]) for entry in failures] == [
        ("image_copy_across_splits", 2),
        ("class_known", 1),
        ("box_inside_image", 1),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "out"]


def test_pages_load_nothing_and_names_do_nothing(draft: Draft, tmp_path: Path) -> None:
    dataset = spoilt(draft).write(tmp_path / "dataset")
    with pytest.raises(RepriseError, match="onerror") as caught:
        validate(dataset, ExpectationsConfig(), tmp_path / "out")
    pages = content(tmp_path / "out" / "data_docs")
    assert sorted(pages) == [
        "annotations.html",
        "classes.html",
        "images.html",
        "index.html",
        "sources.html",
        "splits.html",
    ]
    for page in pages.values():
        html = page.decode()
        assert "://" not in html
        assert not re.search(r"<(script|img|link|iframe)\b|\bsrc=[\"']|@import|url\(", html)
        assert set(re.findall(r'href="([^"]*)"', html)) <= {*pages, "../leaks.html"}
        assert "\x1b" not in html
    assert "\x1b" not in str(caught.value), "a file name could steer the terminal"
    # The name is told as text, by our part of the page and by Great Expectations' own.
    assert pages["images.html"].decode().count("&lt;img src=x onerror=alert(1)&gt;") == 3


def test_a_rule_that_cannot_be_evaluated_is_a_defect_not_a_failure_of_the_data() -> None:
    typo = Expectation("typo", "A typo", between("widht", min_value=1))
    frame = pd.DataFrame({"item": ["a.png"], "width": [1]})
    with pytest.raises(RuntimeError, match=r'typo on images could not be evaluated: .*"widht"'):
        check({"images": frame}, {"images": [typo]})
