"""The report stage: one page, one Markdown file and one summary from the stages' files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import pandas
import pytest
import yaml

from datasets import shapes_dataset
from reprise.dataset import REJECTED_COLUMNS, Dataset, table, write_json
from reprise.errors import RepriseError
from reprise.evaluation.config import EvaluationConfig
from reprise.evaluation.evaluate import evaluate
from reprise.predictions import label_prediction, prediction, read_predictions, write_predictions
from reprise.reporting.config import ReportConfig
from reprise.reporting.facets import error_facets
from reprise.reporting.judged_images import Judged, extremes, worst_first
from reprise.reporting.report import report
from reprise.runs.config import RunConfig
from reprise.sources.config import SourceConfig
from scoring.scenes import filled, rle

MODEL = {
    "family": "yolo",
    "architecture": "yolo11",
    "variant": "nano",
    "classes": ["square", "disc"],
    "image_size": 64,
    "score_threshold": 0.4,
    "best_epoch": 2,
    "epochs_run": 3,
    "selection": {"metric": "mAP50", "value": 0.7},
    "versions": {"torch": "2.14.1"},
    "parameters": {"training": {"learning_rate": 0.003, "scheduler": {"type": "cosine"}}},
    "a key of a later version": 1,
}


def write_inputs(root: Path, task: str = "detect", **described: Any) -> None:
    """What the earlier stages leave: a dataset, predictions with mistakes, logs, checks."""
    data = Dataset(shapes_dataset(root / "data", masks=task == "segment"))
    reports = root / "reports"
    (reports / "predictions").mkdir(parents=True)
    found = {"detect": boxes, "segment": masks, "classify": labels}[task]
    for split in ("val", "test"):
        write_predictions(reports / "predictions" / f"{split}.json", found(data, split))
    (root / "models").mkdir()
    described = described if task == "detect" else {"task": task, **described}
    write_json(root / "models" / "model.json", MODEL | described)
    logs = reports / "training" / "plots" / "metrics"
    for name in ("train/box_loss", "learning_rate", "val/loss", "val/mAP50"):
        path = logs / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"step\t{path.stem}\n1\t0.5\n2\t0.25\n", encoding="utf-8")
    write_json(reports / "training" / "metrics.json", {"val": {"mAP50": 0.25}, "step": 2})
    (reports / "validation").mkdir()
    gate = {"success": True, "expectations": 4, "passed": 4, "failed": 0, "tables": []}
    write_json(reports / "validation" / "summary.json", gate)
    judge(root)


def boxes(data: Dataset, split: str) -> list[dict[str, Any]]:
    """The objects, of which each fifth is missed and each fourth has the wrong class."""
    found = []
    for index, item in enumerate(data.ground_truth(split)["annotations"]):
        if index % 5 == 4:
            continue
        category = item["category_id"] if index % 4 else 3 - item["category_id"]
        found.append(prediction(item["image_id"], category, item["bbox"], 0.9 - index / 50))
    return found


def masks(data: Dataset, split: str) -> list[dict[str, Any]]:
    """The same with an ellipse in each box, which fits a disc and nearly a square."""
    sizes = {
        item["id"]: (item["height"], item["width"]) for item in data.ground_truth(split)["images"]
    }
    found = []
    for row in boxes(data, split):
        height, width = sizes[row["image_id"]]
        pixels = filled(row["bbox"], max(height, width))[:height, :width]
        found.append(row | {"segmentation": rle(pixels)})
    return found


def labels(data: Dataset, split: str) -> list[dict[str, Any]]:
    """A score for each image and class, wrong for each fourth."""
    truth = data.label_truth(split)
    true = {(row["image_id"], row["category_id"]) for row in truth["labels"]}
    pairs = [(image["id"], item["id"]) for image in truth["images"] for item in truth["categories"]]
    return [
        label_prediction(*pair, 0.7 if (pair in true) == (index % 4 > 0) else 0.2)
        for index, pair in enumerate(pairs)
    ]


def judge(root: Path) -> None:
    evaluate(
        root / "data",
        root / "reports" / "predictions",
        root / "models",
        EvaluationConfig(),
        root / "reports" / "evaluation",
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    write_inputs(root)
    return root


@pytest.fixture
def root(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the inputs that a test may spoil."""
    ignored = shutil.ignore_patterns("report.*", "results.json")
    return shutil.copytree(prepared, tmp_path / "run", ignore=ignored)


@pytest.fixture(scope="module")
def page(prepared: Path) -> str:
    """The page with the default settings: many tests read it, so it is made once."""
    return make(prepared)


Made = tuple[str, Path]  # the page, and the folder of reports


def make(
    root: Path,
    named: RunConfig | None = None,
    sources: dict[str, SourceConfig] | None = None,
    **settings: Any,
) -> str:
    """The page, well formed, without an id that is there twice or a broken link inside."""
    report(
        root / "data",
        root / "reports",
        root / "models",
        ReportConfig(**settings),
        named or RunConfig(),
        sources or {},
    )
    text = (root / "reports" / "report.html").read_text(encoding="utf-8")
    parsed = Page(text)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.targets) <= set(parsed.ids)
    return text


def section(page: str, name: str) -> str:
    return page.partition(f'<section id="{name}">')[2].partition("</section>")[0]


class Page(HTMLParser):
    """Collects what a page would load, its ids and links, and checks that tags close."""

    VOID = frozenset({"meta", "link", "img", "br", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for key in ("src", "href", "xlink:href"):
            value = found.get(key)
            if value and value.startswith("#"):
                self.targets.append(value[1:])
            elif value:
                self.loaded.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class TestPage:
    def test_loads_nothing(self, page: str) -> None:
        parsed = Page(page)
        assert parsed.loaded
        assert all(value.startswith("data:image/webp;base64,") for value in parsed.loaded)
        # The filters: they are in the page, and ask nobody.
        script = page.partition("<script>")[2].partition("</script>")[0]
        assert page.count("<script") == 1
        assert not re.search(r"fetch|XMLHttpRequest|import|https?:", script)
        assert not re.search(r"url\((?!#)", page)

    def test_charts_are_well_formed_and_take_the_colours_of_the_page(self, page: str) -> None:
        charts = re.findall(r'<svg class="chart".*?</svg>', page, flags=re.DOTALL)
        assert len(charts) == 9
        for chart in charts:
            ElementTree.fromstring(chart.replace("xlink:href", "href"))
            assert "var(--ink)" in chart
            assert "#010203" not in chart

    def test_shows_the_numbers_of_the_evaluation(self, page: str, prepared: Path) -> None:
        metrics = json.loads((prepared / "reports/evaluation/metrics.json").read_text())["test"]
        for name in ("mAP50", "mAP", "precision", "recall", "f1"):
            assert f"<b>{metrics[name]:.3f}</b>" in page
        assert "4 of 4 expectations hold" in page
        assert "training.scheduler.type" in page

    def test_marks_mistakes_in_the_samples(self, page: str) -> None:
        samples = section(page, "samples")
        assert samples.count("<figure") == 6
        assert samples.count("<image ") == 6  # the pixels once for both sides
        missed = sum(int(n) for n in re.findall(r"<b>(\d+)</b> missed", samples))
        assert samples.count(", missed</title>") == missed > 0
        wrong = sum(int(n) for n in re.findall(r"<b>(\d+)</b> wrong", samples))
        assert samples.count(", wrong</title>") == wrong > 0

    def test_can_go_without_pictures_and_under_another_title(self, root: Path) -> None:
        text = make(root, samples=0, errors=0, title="Shapes & more")
        assert "data:image" not in text
        assert "<h1>Shapes &amp; more</h1>" in text

    def test_lists_what_was_dropped(self, root: Path) -> None:
        row = {
            "source": "shapes",
            "name": "<b>.png",
            "item": "image",
            "action": "dropped",
            "rule": "does not decode",
            "detail": "truncated",
        }
        table([row, row], REJECTED_COLUMNS).to_parquet(root / "data" / "rejected.parquet")
        text = make(root)
        assert "does not decode" in text
        assert "shapes/&lt;b&gt;.png" in text
        markdown = (root / "reports" / "report.md").read_text(encoding="utf-8")
        assert "| does not decode | image | dropped | 2 |" in markdown


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("masks")
    write_inputs(root, "segment", prompted=True)
    return make(root), root / "reports"


class TestDataAndModelCard:
    SOURCES: ClassVar = {
        "shapes": SourceConfig(
            url="/home/me/shapes.zip", sha256="0123456789abcdef" * 4, license="CC-BY-4.0"
        )
    }

    def test_the_page_says_where_the_data_came_from(self, root: Path) -> None:
        make(root, sources=self.SOURCES)
        for name in ("report.html", "report.md", "model_card.md"):
            text = (root / "reports" / name).read_text(encoding="utf-8")
            assert "CC-BY-4.0" in text
            assert ".../shapes.zip" in text  # and nobody's folders
            assert "/home/me" not in text
            assert "0123456789ab" in text
        summary = json.loads((root / "reports" / "results.json").read_text(encoding="utf-8"))
        assert summary["sources"][0]["name"] == "shapes"
        assert summary["sources"][0]["images"] == 24

    def test_a_licence_that_nobody_stated_is_told(self, root: Path) -> None:
        signed = "https://example.org/shapes.zip?signature=secret#top"
        make(root, sources={"shapes": SourceConfig(url=signed)})
        card = (root / "reports" / "model_card.md").read_text(encoding="utf-8")
        assert "secret" not in card + (root / "reports" / "report.html").read_text("utf-8")
        assert "| shapes | 24 | https://example.org/shapes.zip | auto | not stated | – |" in card

    def test_the_cards_metadata_is_what_the_hub_reads(self, root: Path) -> None:
        make(root, RunConfig(name="night run", tags=["baseline"]))
        card = (root / "reports" / "model_card.md").read_text(encoding="utf-8")
        metadata = yaml.safe_load(card.split("---\n")[1])
        assert metadata["pipeline_tag"] == "object-detection"
        assert metadata["tags"] == ["yolo", "baseline"]
        (model,) = metadata["model-index"]
        assert model["name"] == "night run"
        scored = {row["type"]: row["value"] for row in model["results"][0]["metrics"]}
        metrics = json.loads((root / "reports" / "evaluation" / "metrics.json").read_text())
        assert scored["mAP50"] == metrics["test"]["mAP50"]
        hub = pytest.importorskip("huggingface_hub", reason="pip install -e .[dev]")
        results = hub.ModelCard(card).data.eval_results
        read = {result.metric_type: result.metric_value for result in results}
        assert read == scored
        assert {result.dataset_split for result in results} == {"test"}

    def test_what_the_network_costs(self, root: Path) -> None:
        cost = {"parameters": 2_600_000, "weight_bytes": 10_500_000, "flops": 1_300_000_000}
        write_json(root / "reports" / "predictions" / "network.json", cost | {"input": [288, 160]})
        page = make(root)
        for said in ("2.60 million", "10.5 MB", "1.30 GFLOPs for an image of 160 × 288 pixels"):
            assert said in section(page, "model")
            assert said in (root / "reports" / "model_card.md").read_text(encoding="utf-8")


class TestFilters:
    def test_each_picture_and_row_says_what_it_can_be_filtered_by(self, page: str) -> None:
        errors = section(page, "errors")
        facets = [json.loads(text) for text in re.findall(r"data-facets='(.*?)'", errors)]
        assert {item["kind"][0] for item in facets} == {"missed", "classification"}
        assert {size for item in facets for size in item["size"]} == {"small", "medium"}
        assert {name for item in facets for name in item["class"]} == {"square", "disc"}
        assert {source for item in facets for source in item["source"]} == {"shapes"}

    def test_sizes_are_those_of_the_metrics(self) -> None:
        row = {"kind": "missed", "class": "a", "actual": "a", "image": "my/data/1.png"}
        facets = error_facets(row | {"w": "32", "h": "31"}, ["my/data", "other"])
        assert facets == {
            "kind": ["missed"],
            "class": ["a"],
            "source": ["my/data"],
            "size": ["small"],
        }
        assert error_facets(row | {"w": "97", "h": "97"}, [])["size"] == ["large"]


class TestExtremes:
    def test_the_worst_median_and_best_are_shown_with_their_f1(self, page: str) -> None:
        shown = section(page, "extremes")
        found = re.findall(r">the (worst|median|best), F1 ([\d.]+)<", shown)
        assert [name for name, _ in found] == ["worst", "median", "best"]
        values = [float(value) for _, value in found]
        assert values == sorted(values)
        assert values[0] < values[2]

    def test_of_equal_images_the_one_with_more_mistakes_is_worse(self) -> None:
        judged = [Judged(1, 0, 1, 0), Judged(2, 0, 2, 1), Judged(3, 5, 0, 0), Judged(4, 1, 1, 0)]
        assert [item.image_id for item in worst_first(judged)] == [2, 1, 4, 3]
        assert [item.image_id for item in extremes(judged).values()] == [2, 4, 3]
        assert list(extremes(judged[:1])) == ["the worst"]
        assert extremes([]) == {}


class TestOfMasks:
    def test_draws_them_beside_the_ground_truth(self, segmented: Made) -> None:
        text = segmented[0]
        samples = section(text, "samples")
        truth = Dataset(segmented[1].parent / "data").ground_truth("test")["annotations"]
        drawn = len(read_predictions(segmented[1] / "predictions" / "test.json")) + len(truth)
        assert samples.count('fill-rule="evenodd"') == drawn
        assert samples.count("<use ") == 6
        errors = section(text, "errors")
        assert errors.count('fill-rule="evenodd"') == errors.count("<figcaption>") > 0

    def test_speaks_of_masks_and_shows_their_metrics(self, segmented: Made) -> None:
        text, reports = segmented
        metrics = json.loads((reports / "evaluation" / "metrics.json").read_text())["test"]
        for name in ("mAP50", "mAP", "mean_iou", "box_mAP50", "box_mAP"):
            assert f"<b>{metrics[name]:.3f}</b>" in text
        assert "count masks with a score of at least" in text
        assert "a mask is right when it overlaps the mask" in text
        assert "masks on nothing" in text

    def test_says_that_prompts_were_given(self, segmented: Made) -> None:
        text, reports = segmented
        markdown = (reports / "report.md").read_text(encoding="utf-8")
        for written in (text, markdown):
            assert "ground-truth boxes were given to the model as prompts" in written
            assert "not comparable with those of a detector" in written
        summary = json.loads((reports / "results.json").read_text())
        assert (summary["model"]["task"], summary["model"]["prompted"]) == ("segment", True)
        assert "mean_iou" in summary["results_by_class"]["disc"]

    def test_says_so_of_no_other_model(self, page: str) -> None:
        assert "prompts" not in page


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("labels")
    write_inputs(root, "classify")
    return make(root), root / "reports"


class TestOfLabels:
    def test_captions_the_samples_with_labels(self, labelled: Made) -> None:
        text = labelled[0]
        samples = section(text, "samples")
        assert samples.count("<figure") == 6
        errors = (labelled[1] / "evaluation" / "error_counts.csv").read_text().splitlines()[1:]
        counts = dict.fromkeys(("missed", "false"), 0)
        for line in errors:
            counts[line.split(",")[1]] += int(line.rsplit(",", 1)[1])
        # All six test images are shown, and with them every mistake.
        assert samples.count("said missed") == counts["missed"] > 0
        assert samples.count("said wrong") == counts["false"] > 0

    def test_speaks_of_labels_and_shows_their_metrics(self, labelled: Made) -> None:
        text, reports = labelled
        metrics = json.loads((reports / "evaluation" / "metrics.json").read_text())["test"]
        for name in ("mAP", "exact_match", "accuracy", "macro_f1"):
            assert f"<b>{metrics[name]:.3f}</b>" in text
        assert "count labels with a score of at least" in text
        assert "images without labels" in text
        for word in ("IoU", "overlaps", "AP75", "Small objects"):
            assert word not in text

    def test_counts_labels_in_the_other_files(self, labelled: Made) -> None:
        reports = labelled[1]
        markdown = (reports / "report.md").read_text(encoding="utf-8")
        assert "| class | labels | AP | accuracy | precision | recall | F1 |" in markdown
        summary = json.loads((reports / "results.json").read_text())
        assert summary["data"]["test"]["labels"] > 0
        assert set(summary["results_by_class"]) == {"square", "disc"}
        assert "exact_match" in summary["results"]["test"]

    def test_no_labels_to_judge_by(self, tmp_path: Path) -> None:
        write_inputs(tmp_path, "classify")
        path = tmp_path / "data" / "annotations.parquet"
        pandas.read_parquet(path).iloc[:0].to_parquet(path)
        judge(tmp_path)
        assert "has labels to judge by, so there are no scores" in make(tmp_path)


class TestLess:
    def test_logs_and_checks_are_not_needed(self, root: Path) -> None:
        shutil.rmtree(root / "reports" / "training")
        shutil.rmtree(root / "reports" / "validation")
        text = make(root)
        assert "Training left no curves." in text
        assert "No result of the validation stage was found." in text

    def test_a_failed_gate_says_what_failed(self, root: Path) -> None:
        failure = {"rule": "r", "table": "images", "expected": "all of one size", "offending": 2}
        write_json(
            root / "reports" / "validation" / "summary.json",
            {"success": False, "expectations": 4, "passed": 3, "failures": [failure | {"of": 9}]},
        )
        text = make(root)
        assert "images: all of one size (2 of 9 rows offend)" in text

    def test_no_objects_to_judge_by(self, tmp_path: Path) -> None:
        write_inputs(tmp_path)
        for split in ("val", "test"):
            path = tmp_path / "data" / "annotations" / f"{split}.json"
            truth = json.loads(path.read_text(encoding="utf-8"))
            write_json(path, truth | {"annotations": []})
        judge(tmp_path)
        assert "there are no scores" in make(tmp_path)
        markdown = (tmp_path / "reports" / "report.md").read_text(encoding="utf-8")
        assert "there are no scores" in markdown

    @pytest.mark.parametrize(
        ("path", "stage"),
        [
            ("models/model.json", "train"),
            ("reports/evaluation/metrics.json", "evaluate"),
            ("reports/evaluation/errors.csv", "evaluate"),
            ("reports/predictions/test.json", "predict"),
        ],
    )
    def test_a_missing_input_names_its_stage(self, root: Path, path: str, stage: str) -> None:
        (root / path).unlink()
        with pytest.raises(RepriseError, match=Path(path).name) as caught:
            make(root)
        assert f"dvc repro {stage}" in caught.value.fix
        assert not (root / "reports" / "report.html").exists()


class TestFiles:
    def test_are_the_same_bytes_in_another_process(self, page: str, prepared: Path) -> None:
        assert page
        root = prepared
        names = ("report.html", "report.md", "results.json")
        first = {name: (root / "reports" / name).read_bytes() for name in names}
        code = (
            "import sys, pathlib; from reprise.reporting.config import ReportConfig;"
            "from reprise.reporting.report import report; r = pathlib.Path(sys.argv[1]);"
            "from reprise.runs.config import RunConfig;"
            "report(r / 'data', r / 'reports', r / 'models', ReportConfig(), RunConfig(), {})"
        )
        path = os.pathsep.join(entry for entry in sys.path if entry)
        environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": path}
        subprocess.run([sys.executable, "-c", code, str(root)], check=True, env=environment)
        assert {name: (root / "reports" / name).read_bytes() for name in names} == first
        assert not list((root / "reports").glob(".*"))
        assert all(str(root).encode() not in text for text in first.values())

    def test_summary_holds_model_parameters_and_results(self, page: str, prepared: Path) -> None:
        assert page
        root = prepared
        summary = json.loads((root / "reports" / "results.json").read_text())
        metrics = json.loads((root / "reports" / "evaluation" / "metrics.json").read_text())
        assert summary["results"] == metrics
        assert summary["parameters"] == MODEL["parameters"]
        assert summary["training"]["last"] == {"val": {"mAP50": 0.25}, "step": 2}
        assert summary["data"]["train"]["images"] == 12
        assert summary["data_checks_passed"] is True
        assert set(summary["results_by_class"]) == {"square", "disc"}

    def test_markdown_tables_have_one_width(self, page: str, prepared: Path) -> None:
        assert page
        text = (prepared / "reports" / "report.md").read_text(encoding="utf-8")
        blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
        assert len(blocks) >= 6
        for block in blocks:
            assert len({line.count("|") for line in block}) == 1
