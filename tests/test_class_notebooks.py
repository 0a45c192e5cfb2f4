"""The course as a class gets it holds no solution, and is otherwise whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8sviz.sources.exercises import exercise_ids, load_exercise
from tools import class_notebooks


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("class") / "course"
    class_notebooks.build(target)
    return target


def test_every_exercise_is_there_and_no_solution(made: Path) -> None:
    assert exercise_ids(made / "data") == exercise_ids()
    for name in exercise_ids():
        whole, bare = load_exercise(name), load_exercise(name, made / "data")
        assert bare.solution == "# Your teacher has the solution.\n"
        assert bare.lesson == "Your teacher has the solution."
        assert bare.wrong == ()
        assert (bare.task, bare.start, bare.given, bare.goals, bare.hints, bare.refused) == (
            whole.task,
            whole.start,
            whole.given,
            whole.goals,
            whole.hints,
            whole.refused,
        )


def test_no_file_holds_a_solution(made: Path) -> None:
    texts = [path.read_text("utf-8") for path in made.rglob("*") if path.suffix in (".toml", ".ipynb", ".yaml")]
    assert texts
    for name in exercise_ids():
        assert not any(load_exercise(name).solution.strip() in text for text in texts), name


def test_notebooks_keep_their_cells_and_lose_their_outputs(made: Path) -> None:
    for path in sorted((class_notebooks.ROOT / "notebooks").glob("*.ipynb")):
        whole, bare = (json.loads(p.read_text("utf-8")) for p in (path, made / "notebooks" / path.name))
        assert [cell["source"] for cell in bare["cells"]] == [cell["source"] for cell in whole["cells"]]
        assert all(cell.get("outputs", []) == [] for cell in bare["cells"])
        assert "widgets" not in bare["metadata"]
