"""Names in label files find their pictures however they are spelled, and never another's."""

from __future__ import annotations

import json
import posixpath
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import tiny_coco, write_labels
from formats.strategies import read_labels
from reprise.formats import coco
from reprise.formats.name_matching import NameIndex


def found(files: list[str], *written: str, beside: str = "labels.json") -> list[str | None]:
    """What each name of a list means."""
    matches = NameIndex(files).match_all(written, beside)
    return [matches[name].name for name in written]


@pytest.mark.parametrize(
    ("files", "written", "meant", "told"),
    [
        (["images/a.jpg", "images/A.jpg"], "images/a.jpg", "images/a.jpg", ""),
        (["images/a.jpg"], "a.jpg", "images/a.jpg", ""),
        (["images/a.jpg", "images/A.jpg"], "images\\a.jpg", "images/a.jpg", "separators"),
        (["Prüf.jpg"], "Prüf.jpg", "Prüf.jpg", "Unicode form"),
        (["IMG_1.JPG"], "IMG_1.jpg", "IMG_1.JPG", "letter case"),
        (["IMG_1.JPG", "img_1.png"], "IMG_1.jpg", "IMG_1.JPG", "letter case"),
        (["a.b.png"], "a.b.jpg", "a.b.png", "the extension"),
        (["a.png"], "a", "a.png", "the extension"),
        (["images/a.jpg"], "C:\\Users\\me\\a.jpg", "images/a.jpg", "longest common tail"),
        (["x/up/a.jpg", "y/a.jpg"], "..\\up\\A.jpg", "x/up/a.jpg", "longest common tail"),
        (["x/up/a.jpg", "y/a.jpg"], "z\\up\\A.jpg", "x/up/a.jpg", "longest common tail"),
        (["p/a.jpg", "p/a.png"], "https://h/a.jpg", "p/a.jpg", "longest common tail"),
    ],
)
def test_the_first_step_that_finds_a_file_decides_and_is_told(
    files: list[str], written: str, meant: str, told: str
) -> None:
    index = NameIndex([unicodedata.normalize("NFD", name) for name in files])
    meant = unicodedata.normalize("NFD", meant)
    assert index.match_all([written], "labels.json")[written].name == meant
    assert [told in note and note.startswith("1 ") for note in index.notes()] == [True] * bool(told)
    assert index.notes() == []


@pytest.mark.parametrize(
    ("files", "written"),
    [
        (["IMG.JPG", "Img.jpg"], "img.jpg"),
        (["a.png", "a.bmp"], "a.jpg"),
        (["north/a.jpg", "south/a.jpg"], "C:\\a.jpg"),
        (["cam1/b.jpg", "cam2/a.jpg"], "cam1/a.jpg"),  # missing from a folder that is there
        (["masks/a.png"], "images/a.jpg"),
        (["a.jpg.txt", "a.txt"], "a.jpg"),
    ],
)
def test_no_answer_is_better_than_a_wrong_one(files: list[str], written: str) -> None:
    assert found(files, written) == [None]


def test_a_picture_belongs_to_the_name_that_needs_least_forgiveness() -> None:
    assert found(["IMG.jpg"], "img.jpg", "IMG.jpg") == [None, "IMG.jpg"]
    assert found(["i/a.jpg"], "C:\\x\\a.jpg", "D:\\y\\a.jpg") == [None, None]
    assert found(["i/a.jpg"], "i/a.jpg", "i\\a.jpg", "./i/a.jpg") == ["i/a.jpg"] * 3


STEMS = ("a", "b", "ä", "Straße", "x y", "IMG_1", "img_1")
FOLDERS = ("", "images/", "north/images/", "Öst/")


@st.composite
def spelled(draw: st.DrawFn) -> tuple[list[str], list[str], list[int]]:
    """Pictures, a list's names of some of them, and which picture each name was made from."""
    paths = st.builds(
        "{}{}{}".format,
        st.sampled_from(FOLDERS),
        st.sampled_from(STEMS),
        st.sampled_from([".jpg", ".JPG", ".png"]),
    )
    forms = st.sampled_from(["NFC", "NFD"])
    files = draw(st.lists(paths, min_size=1, max_size=6, unique=True))
    files = [unicodedata.normalize(draw(forms), name) for name in files]
    meant = draw(st.lists(st.integers(0, len(files) - 1), max_size=6, unique=True))
    names = []
    for place in meant:
        name = files[place]
        if draw(st.booleans()):
            name = posixpath.basename(name)
        name = draw(st.sampled_from(["", "", "C:/data/", "../up/", "images/"])) + name
        name = draw(st.sampled_from([str, str.upper, str.lower]))(name)
        name = unicodedata.normalize(draw(forms), name)
        names.append(name.replace("/", "\\") if draw(st.booleans()) else name)
    return files, names, meant


@given(spelled())
def test_no_name_has_two_pictures_and_no_picture_two_names(
    drawn: tuple[list[str], list[str], list[int]],
) -> None:
    files, names, _ = drawn
    matches = NameIndex(files).match_all(names, "labels.json")
    given_out = [(match.name, posixpath.normpath(name.replace("\\", "/")))
                 for name, match in matches.items() if match.name]  # fmt: skip
    pictures = {}
    for picture, path in given_out:
        assert picture in files
        assert pictures.setdefault(picture, path) == path
    assert [match.name for match in matches.values()] == found(files, *matches)  # twice the same


@given(spelled())
def test_a_name_that_only_one_picture_can_have_finds_it(
    drawn: tuple[list[str], list[str], list[int]],
) -> None:
    files, names, meant = drawn

    def loose(name: str) -> str:
        base = posixpath.basename(name.replace("\\", "/"))
        return posixpath.splitext(unicodedata.normalize("NFC", base).casefold())[0]

    pictures = [loose(name) for name in files]
    matches = NameIndex(files).match_all(names, "labels.json")
    for name, place in zip(names, meant, strict=True):
        alone = pictures.count(loose(name)) == 1
        parts = name.replace("\\", "/").split("/")
        if alone and "images" not in (part.lower() for part in parts[:-1]):
            assert matches[name].name == files[place]


def test_what_an_unclear_name_may_mean_is_no_background(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 1)
    (tmp_path / "images/0000.png").rename(tmp_path / "images/Img.png")
    (tmp_path / "images/IMG.png").write_bytes((tmp_path / "images/Img.png").read_bytes())
    content["images"][0]["file_name"] = "img.png"
    write_labels(tmp_path, content)
    images = read_labels(coco, tmp_path).images
    assert [(image.name, image.labelled) for image in images] == [
        ("images/IMG.png", True),
        ("images/Img.png", True),
        ("img.png", True),
    ]
    assert all("'img.png' fits several files" in image.problem for image in images)


def test_notes_count_the_names_of_the_source(tmp_path: Path) -> None:
    content = json.loads(json.dumps(tiny_coco(tmp_path, 3)))
    for entry in content["images"]:
        entry["file_name"] = "C:\\me\\" + posixpath.basename(entry["file_name"])
    write_labels(tmp_path, content)
    dataset = read_labels(coco, tmp_path)
    assert [len(image.boxes) for image in dataset.images] == [2, 2, 2]
    assert dataset.notes == [
        "3 image name(s) were matched by the longest common tail of their paths: "
        "'C:\\\\me\\\\0000.png' is taken for images/0000.png"
    ]
