"""The generator of docs/generators.md, from a new file to the packed dataset."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.clone import make_clone, stages_run
from reprise.dataset import Dataset

DECLARED = "# A generator of your own: its file, or its folder.\n"


def test_the_documented_generator_runs_and_an_edit_of_it_draws_again(
    repository: Path, tmp_path: Path
) -> None:
    guide = (repository / "docs" / "generators.md").read_text()
    code, declaration = (
        re.search(rf"```{kind}\n(.*?)```", guide, re.DOTALL) for kind in ("python", "yaml")
    )
    assert code and declaration
    clone = make_clone(
        repository, tmp_path / "clone", **{"synthetic.generator": "my_shapes:Shapes"}
    )
    module, pipeline = clone.folder / "src" / "my_shapes.py", clone.folder / "dvc.yaml"
    module.write_text(code[1])

    undeclared = clone.dvc("repro", "synthesize", check=False)
    assert undeclared.returncode
    assert "      - src/my_shapes.py" in undeclared.stderr

    text = pipeline.read_text()
    assert text.count(f"      {DECLARED}") == 1
    pipeline.write_text(text.replace(f"      {DECLARED}", declaration[1]))
    clone.dvc("repro", "preprocess")
    dataset = Dataset(clone.folder / "data" / "processed")
    assert {"disc", "bar", "button"} <= set(dataset.class_names)
    first = clone.read("data/synthetic/images/my_shapes.Shapes-000003.jpg")

    assert stages_run(clone.dvc("repro", "synthesize").stdout) == []
    module.write_text(code[1].replace("randint(1, 6)", "randint(7, 9)"))
    assert stages_run(clone.dvc("repro", "synthesize").stdout) == ["synthesize"]
    assert clone.read("data/synthetic/images/my_shapes.Shapes-000003.jpg") != first
