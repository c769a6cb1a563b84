"""A generator of the user's own: loaded, drawn in any number of processes, checked."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from reprise.errors import RepriseError
from reprise.synthesis.config import SyntheticConfig
from reprise.synthesis.generate import synthesize

HEAD = """
import numpy as np
from reprise.synthesis.generator import GeneratedImage, Generator, LabelledObject

class Squares(Generator):
    classes = ("square",)

    def generate(self, rng):
"""
GOOD = "pixels = np.full((40, 60, 3), rng.randint(0, 255), np.uint8)\n"

_NUMBERS = itertools.count()
Draw = Callable[..., dict[str, Any]]


@pytest.fixture
def draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Runs synthesize with the body of ``generate``; each test has a module of its own."""
    repository = tmp_path / "repository"
    (repository / "src").mkdir(parents=True)
    monkeypatch.syspath_prepend(repository / "src")
    module = f"own_{next(_NUMBERS)}"

    def run(
        body: str = "",
        *,
        code: str = "",
        deps: str = "",
        name: str = "",
        count: int = 3,
        workers: int = 1,
    ) -> dict[str, Any]:
        text = code or HEAD + "".join(f"        {line}\n" for line in body.splitlines())
        (repository / "src" / f"{module}.py").write_text(text)
        listed = deps.format(module=module) or f"src/{module}.py"
        (repository / "dvc.yaml").write_text(f"stages: {{synthesize: {{deps: [{listed}]}}}}")
        chosen = name.format(module=module) or f"{module}:Squares"
        config = SyntheticConfig(generator=chosen, count=count, seed=5)
        out = tmp_path / f"out-{workers}"
        synthesize(config, out, workers, repository)
        content: dict[str, Any] = json.loads((out / "annotations.json").read_text())
        return content

    return run


def test_boxes_masks_and_keys_are_stored_for_any_number_of_workers(
    draw: Draw, tmp_path: Path
) -> None:
    body = GOOD + (
        "mask = np.zeros((40, 60), bool)\n"
        "mask[5:9, 10:30] = True\n"
        "mask[5, 10] = False\n"
        "boxed = LabelledObject('square', (1, 2.5, 10, 20))\n"
        "objects = [boxed, LabelledObject('square', mask=mask)]\n"
        "return GeneratedImage(pixels, objects, {'paper': 'a4'})"
    )
    content = draw(body, count=18)
    assert content == draw(body, count=18, workers=2)
    folders = [tmp_path / "out-1" / "images", tmp_path / "out-2" / "images"]
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 18 and names[1].endswith(".Squares-000001.jpg")
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    with Image.open(folders[0] / names[0]) as image:
        assert image.size == (60, 40)
    assert content["categories"] == [{"id": 1, "name": "square"}]
    assert content["images"][2]["paper"] == "a4" and content["images"][2]["synthetic"] is True
    box, outlined = content["annotations"][2:4]
    assert (box["image_id"], box["bbox"], box["area"]) == (2, [1, 2.5, 10, 20], 200)
    assert (outlined["bbox"], outlined["area"]) == ([10, 5, 20, 4], 79)
    mask = coco_mask.decode(outlined["segmentation"])
    assert mask.sum() == 79 and mask[5, 10] == 0 and mask[8, 29] == 1


def test_beside_gui_its_classes_join(draw: Draw) -> None:
    content = draw(
        code=HEAD.replace('("square",)', '("button", "square")')
        + "        "
        + GOOD
        + ("        return GeneratedImage(pixels, [LabelledObject('square', (0, 0, 60, 40))])")
    )
    assert [entry["name"] for entry in content["categories"]] == ["button", "square"]


BOX = "return GeneratedImage(pixels, [LabelledObject({})])"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (GOOD + BOX.format("'square', (50, 2, 20, 20)"), r"object 0 \(square\): its box.*leaves"),
        (GOOD + BOX.format("'square', (5, 2, 0, 20)"), "its box.*is empty"),
        (GOOD + BOX.format("'square', (5, 2, float('nan'), 20)"), "its box.*leaves the image"),
        (GOOD + BOX.format("'square', (5, 2, 9)"), "give four numbers"),
        (GOOD + BOX.format("'cricle', (5, 2, 9, 9)"), "unknown class 'cricle'.*\n.*square"),
        (GOOD + BOX.format("'square'"), "no box and no mask"),
        (GOOD + BOX.format("'square', mask=np.zeros((60, 40), bool)"),
         r"mask is bool of shape \(60, 40\).*\n.*\(40, 60\)"),
        (GOOD + BOX.format("'square', mask=np.zeros((40, 60), bool)"), "holds no pixel"),
        (GOOD + "return GeneratedImage(pixels / 255, [])", "pixels are float64.*\n.*uint8"),
        (GOOD + "return GeneratedImage(pixels[:, :, 0], [])",
         r"shape \(40, 60\).*\n.*\(height, width, 3\)"),
        (GOOD + "return GeneratedImage(pixels, None)", "objects are of type NoneType"),
        (GOOD + "return GeneratedImage(pixels, [('square', 1)])", "object 0 is of type tuple"),
        (GOOD + "return GeneratedImage(pixels, [], {'width': '3'})", "its keys are .'width'"),
        (GOOD + "return pixels", "returned uint8 of shape.*\n.*GeneratedImage"),
        (GOOD + "return None", "returned of type NoneType"),
        ("x = 1 / 0", r"its code failed: ZeroDivisionError: .*\.py, line \d+\)"),
        ("import random\n" + GOOD + "pixels += np.uint8(random.randint(0, 255))\n"
         "return GeneratedImage(pixels, [])", "another one when it was drawn again"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_image_and_a_fix(
    draw: Draw, body: str, message: str
) -> None:
    with pytest.raises(RepriseError, match=message) as caught:
        draw(body)
    assert re.search(r"^synthetic.generator \w+:Squares, image 0", caught.value.problem)
    assert caught.value.fix


def test_an_error_in_another_process_is_the_same(draw: Draw) -> None:
    body = GOOD + "if rng.randint(0, 9) == 0:\n    raise KeyError('paper')\n"
    with pytest.raises(RepriseError, match=r"image [1-9]\d*: its code failed: KeyError"):
        draw(body + "return GeneratedImage(pixels, [])", count=40, workers=2)


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("no_such_module:Squares", "", "no module no_such_module.*\n.*src/no_such_module.py"),
        ("{module}:Circles", "", r"there is no generator Circles.*\n.*class Circles\(Generator\)"),
        ("{module}:np", "", "there is no generator np"),
        ("json:JSONDecoder", "", "there is no generator JSONDecoder"),
        ("", "import absent_library", "cannot be imported: ModuleNotFoundError: .*absent_library"),
        ("", "def (", "cannot be imported: SyntaxError"),
        ("", HEAD.replace("generate", "draw") + "        pass", "cannot be set up.*abstract"),
        ("", HEAD.replace('("square",)', '"square"') + "        pass", "classes is 'square'"),
        ("", HEAD.replace('("square",)', '("square", "square")') + "        pass", "each once"),
        ("", HEAD.replace('("square",)', '("square", 3)') + "        pass", "each once"),
        ("", HEAD.replace('("square",)', '3') + "        pass", "classes is 3"),
    ],
)  # fmt: skip
def test_a_generator_that_cannot_be_loaded_is_said(
    draw: Draw, name: str, code: str, message: str
) -> None:
    with pytest.raises(RepriseError, match=message):
        draw("pass", name=name, code=code)


@pytest.mark.parametrize("deps", ["src/other.py", "src/{module}", "stages/synthesize.py"])
def test_code_that_dvc_does_not_know_is_refused(draw: Draw, deps: str) -> None:
    body = GOOD + "return GeneratedImage(pixels, [])"
    with pytest.raises(RepriseError, match=r"not among the deps.*\n.*dvc.yaml.*\n +- src/own_"):
        draw(body, deps=deps)
    assert draw(body, deps="src")["images"]


def test_a_module_imported_while_drawing_must_be_known_too(draw: Draw, tmp_path: Path) -> None:
    (tmp_path / "repository" / "src" / "late_helper.py").write_text("SIDE = 20\n")
    body = GOOD + "import late_helper\nreturn GeneratedImage(pixels, [])"
    with pytest.raises(RepriseError, match=r"\n +- src/late_helper.py"):
        draw(body)


def test_a_module_outside_the_repository_is_refused(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "foreign_squares.py").write_text(HEAD + "        pass")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    with pytest.raises(RepriseError, match=r"foreign_squares.py, outside this repository's src/"):
        draw("pass", name="foreign_squares:Squares")
