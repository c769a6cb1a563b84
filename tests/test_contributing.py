"""CONTRIBUTING.md keeps its word: each of its recipes is followed, and the result is trained."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from builders import picture
from built_once import built_once
from pipeline.clone import Clone, make_clone, stages_run
from real_datasets import SMALL_SET
from reprise.dataset import Dataset

ADDITIONS = Path(__file__).resolve().parent / "additions"
IMAGES = 30
COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220)}


@dataclass(frozen=True)
class Recipe:
    """One recipe of CONTRIBUTING.md, and what it adds here.

    Attributes:
        heading: Of its section.
        name: What NAME stands for there.
        new: Files to write, each with the file of ``tests/additions`` that it is copied from.
        edits: File -> lines in it, each with the lines that are put below it.
        code_files: Of Python, that it touches at most.
    """

    heading: str
    name: str
    new: dict[str, str] = field(default_factory=dict)
    edits: dict[str, dict[str, str]] = field(default_factory=dict)
    code_files: int = 2

    def follow(self, root: Path) -> None:
        for path, name in self.new.items():
            (root / path).parent.mkdir(exist_ok=True)
            shutil.copy(ADDITIONS / name, root / path)
        for path, insertions in self.edits.items():
            content = (root / path).read_text()
            for line, below in insertions.items():
                assert content.count(f"{line}\n") == 1, f"{path}: {line}"
                content = content.replace(f"{line}\n", f"{line}\n{below}")
            (root / path).write_text(content)


RECIPES = [
    Recipe(
        "A model family",
        "mean_colour",
        {"src/reprise/models/mean_colour.py": "mean_colour.py"},
        {
            "src/reprise/models/registry.py": {
                "FAMILIES = {": '    "mean_colour": "reprise.models.mean_colour:MeanColour",\n'
            }
        },
    ),
    Recipe(
        "A label format",
        "tags_txt",
        {"src/reprise/formats/tags_txt.py": "tags_txt.py"},
        {
            "src/reprise/formats/registry.py": {
                "FORMATS = {": '    "tags_txt": "one text file: an image and its tags a line",\n'
            }
        },
    ),
    Recipe(
        "An augmentation",
        "invert",
        edits={
            "src/reprise/models/config.py": {
                '    """Chance of slight Gaussian noise."""': (
                    '    invert: Chance = 0.0\n    """Chance of inverted colours."""\n'
                )
            },
            "src/reprise/models/augment.py": {
                "PIXELS: tuple[Augmentation, ...] = (": (
                    '    Augmentation(("invert",), lambda c: v2.RandomInvert(c.invert)),\n'
                )
            },
            "params.yaml": {
                "  noise: 0.0                 # chance of slight noise": (
                    "  invert: 0.1                # chance of inverted colours\n"
                )
            },
        },
    ),
    Recipe(
        "A metric",
        "confidence",
        edits={
            "src/reprise/scoring/metrics.py": {
                "ALL = OBJECTS + LABELS": (
                    "\n\n"
                    "def confidence(weighted: Weighted) -> Floats:\n"
                    '    """The mean score of the right predictions."""\n'
                    "    import numpy as np\n\n"
                    "    found, images = weighted.scores.matched, weighted.weights.shape[1]\n"
                    "    image, score = found.image[found.tp], found.score[found.tp]\n"
                    "    total = np.bincount(image, score, minlength=images)\n"
                    "    right = np.bincount(image, minlength=images)\n"
                    "    return weighted.total(total) / _or_nan(weighted.total(right))\n\n"
                ),
                "METRICS: tuple[Metric, ...] = (": '    Metric("confidence", ALL, confidence),\n',
            }
        },
    ),
    Recipe(
        "A generator of synthetic images",
        "dots",
        {"src/reprise/synthesis/dots.py": "dots.py"},
        {
            "src/reprise/synthesis/registry.py": {
                "GENERATORS: dict[str, str | None] = {": (
                    '    "dots": "reprise.synthesis.dots:Dots",\n'
                )
            }
        },
    ),
    Recipe(
        "A stage",
        "census",
        {
            "src/reprise/census/__init__.py": "census/__init__.py",
            "src/reprise/census/config.py": "census/config.py",
            "src/reprise/census/census.py": "census/census.py",
            "stages/census.py": "census/stage.py",
        },
        {
            "src/reprise/params.py": {
                "if TYPE_CHECKING:": "    from reprise.census.config import CensusConfig\n",
                "SCHEMAS = {": '    "CensusConfig": "reprise.census.config",\n',
                "    data: DataConfig": "    census: CensusConfig\n",
            },
            "params.yaml": {
                "  error_examples: 200        # rows kept of each kind of mistake": (
                    "\ncensus:\n  by: source                 # count images by split or source\n"
                )
            },
            "dvc.yaml": {
                "          persist: true": (ADDITIONS / "census" / "stage_entry.yaml").read_text()
            },
            ".gitignore": {"/reports/validation": "/reports/census.json\n"},
            "docs/reruns.md": {"| `machine.workers` | |": "| `census.by` | census |\n"},
        },
        code_files=5,
    ),
]
PARAMETERS: dict[str, Any] = {
    **SMALL_SET,
    "synthetic.generator": "dots",
    "data.image_size": 64,
    "model.type": "mean_colour",
    "model.weights": {},
    "training.epochs": 4,
    "training.batch_size": 4,
    "training.learning_rate": 0.1,
    "training.ema_decay": 0,
    "training.early_stopping.metric": "mAP",
    "validation.metrics": ["mAP", "confidence"],
}
# Prints the mean pixel of a sample without and with the augmentation.
INVERTED = """
from pathlib import Path
from reprise import params
from reprise.dataset import Dataset
from reprise.models.multilabel.samples import LabelSamples
settings = params.load().augmentation
off = dict.fromkeys(settings.model_dump(), 0.0) | {"enabled": True, "close_mosaic_epochs": 0}
for chance in (0.0, 1.0):
    augmentation = type(settings).model_validate(off | {"invert": chance})
    samples = LabelSamples(Dataset(Path("data/processed")), "train", 64, augmentation)
    print(float(samples[0, 0]["image"].float().mean()))
"""


def test_the_workflow_runs_what_ci_runs(repository: Path) -> None:
    script = (repository / ".ci" / "run").read_text().splitlines()
    workflow = YAML(typ="safe").load(repository / ".github" / "workflows" / "ci.yaml")
    steps = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    assert steps == [line for line in script if line.startswith("make ")] != []


@pytest.fixture(scope="session")
def extended(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone to which every recipe has added one thing, after `dvc repro` with all of them."""

    def build(root: Path) -> None:
        tagged_images(root / "tagged")
        sources = {"tagged": {"url": str(root / "tagged"), "format": "tags_txt"}}
        changes = PARAMETERS | {"data.sources": sources}
        clone = make_clone(repository, root / "clone", **changes)
        for recipe in RECIPES:
            recipe.follow(clone.folder)
            clone.commit(recipe.name)
        schema = in_clone(clone, "-m", "reprise.params")
        (clone.folder / "params.schema.json").write_text(schema)
        in_clone(clone, "-m", "reprise.params", "--check")
        clone.dvc("repro")

    return Clone(built_once(tmp_path_factory, "extended", build) / "clone")


def in_clone(clone: Clone, *arguments: str) -> str:
    """What Python prints with the clone's code."""
    environment = {"PYTHONPATH": str(clone.folder / "src")}
    return Clone(clone.folder, **environment).run(sys.executable, *arguments).stdout


def tagged_images(folder: Path) -> None:
    """Pictures in one of two colours, and the file that says which."""
    folder.mkdir()
    lines = []
    for index in range(IMAGES):
        name, colour = list(COLOURS.items())[index % 2]
        pixels = picture(index) // 2 + np.array(colour, dtype=np.uint8) // 2
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")
        lines.append(f"{index:02d}.png: {name}\n")
    (folder / "tags.txt").write_text("".join(lines))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_names_every_file_that_it_touches_and_few_of_code(
    extended: Clone, repository: Path, recipe: Recipe
) -> None:
    steps = section_of(repository / "CONTRIBUTING.md", recipe.heading)
    commit = extended.run("git", "log", "--format=%h", f"--grep=^{recipe.name}$").stdout.strip()
    touched = extended.run("git", "show", "--format=", "--name-only", commit).stdout.split()
    assert 1 <= len([path for path in touched if path.endswith(".py")]) <= recipe.code_files
    for path in touched:
        assert f"`{path}`" in steps.replace("NAME", recipe.name), path


def section_of(document: Path, heading: str) -> str:
    """The text below a heading of a Markdown file, up to the next of its rank."""
    text = document.read_text()
    assert text.count(f"\n### {heading}\n") == 1, heading
    return re.split(r"\n##+ ", text.split(f"\n### {heading}\n")[1])[0]


def test_the_format_is_read_and_found(extended: Clone) -> None:
    data = Dataset(extended.folder / "data" / "processed")
    real = data.images[~data.images["synthetic"]]
    names = {category.category_id: category.name for category in data.categories}
    labels = data.labels.merge(real, on="image_id")
    found = dict(zip(labels["name"], labels["category_id"].map(names), strict=True))
    assert found == {f"{i:02d}.png": list(COLOURS)[i % 2] for i in range(IMAGES)}
    checked = in_clone(extended, "-m", "reprise.cli", "check", f"{extended.folder.parent}/tagged")
    assert "tags_txt" in checked


def test_the_generator_draws_training_images(extended: Clone) -> None:
    data = Dataset(extended.folder / "data" / "processed")
    drawn = data.images[data.images["synthetic"]]
    assert len(drawn) == 4 and set(drawn["split"]) == {"train"}
    assert len(data.annotations.merge(drawn, on="image_id")) == 4


def test_the_augmentation_changes_pixels(extended: Clone) -> None:
    before, after = map(float, in_clone(extended, "-c", INVERTED).split())
    assert after == pytest.approx(255 - before, abs=0.01)
    description = json.loads(extended.read("models/model.json"))
    assert description["parameters"]["augmentation"]["invert"] == 0.1


def test_the_metric_is_logged_and_reported(extended: Clone) -> None:
    table = extended.read("reports/training/plots/metrics/val/confidence.tsv").decode()
    logged = [float(row.split("\t")[1]) for row in table.splitlines()[1:]]
    assert len(logged) == 4 and all(0 < value < 1 for value in logged)
    metrics = json.loads(extended.read("reports/evaluation/metrics.json"))
    assert 0 < metrics["test"]["confidence"] < 1


def test_the_family_is_trained(extended: Clone) -> None:
    table = extended.read("reports/training/plots/metrics/train/loss.tsv").decode()
    losses = [float(row.split("\t")[1]) for row in table.splitlines()[1:]]
    assert losses[-1] < losses[0]
    description = json.loads(extended.read("models/model.json"))
    assert description["parameters"]["model"]["type"] == "mean_colour"
    metrics = json.loads(extended.read("reports/evaluation/metrics.json"))
    # Half of the images have either colour.
    assert metrics["test"]["mAP"] > 0.6


def test_the_stage_runs_when_its_parameter_changes(extended: Clone, tmp_path: Path) -> None:
    assert json.loads(extended.read("reports/census.json")) == {"synthetic": 4, "tagged": IMAGES}
    clone = extended.copy(tmp_path / "clone")
    clone.set(**{"census.by": "split"})
    assert stages_run(clone.dvc("repro").stdout) == ["census"]
    assert json.loads(clone.read("reports/census.json"))["train"] > 4


def test_editors_accept_the_new_names_and_no_others(extended: Clone) -> None:
    schema = json.loads(extended.read("params.schema.json"))
    content = YAML(typ="safe", pure=True).load(extended.read("params.yaml"))
    jsonschema.validate(content, schema)
    content["model"]["type"] = "mean_color"
    with pytest.raises(jsonschema.ValidationError, match="mean_color"):
        jsonschema.validate(content, schema)


def test_dvc_yaml_names_all_code(extended: Clone) -> None:
    """What compares it with the code, and the published schema with the typed parameters."""
    chosen = ["tests/pipeline/test_declared.py", "-k", "not published_parameters"]
    in_clone(extended, "-m", "pytest", *chosen, "-p", "no:cacheprovider")
