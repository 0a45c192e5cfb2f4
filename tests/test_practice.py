"""Exercises and progress as a notebook calls them, and the marks that stay."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import k8sviz
from k8sviz import marks as store
from k8sviz.errors import K8svizError
from k8sviz.exercises import Predicting
from k8sviz.sources.exercises import exercise_ids, load_exercise
from k8sviz.sources.notebooks import chapters
from k8sviz.sources.questions import load_question
from k8sviz.views import exercise as view
from k8sviz.views.progress import Progress
from k8sviz.views.quiz import Quiz

ID = "06-bind-to-that"


@pytest.fixture(autouse=True)
def own_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "progress.json"
    monkeypatch.setenv("K8SVIZ_PROGRESS", str(path))
    monkeypatch.setattr(view, "_DRAFTS", {})
    return path


class Strict(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> list[str]:
    parser = Strict()
    parser.feed(html)
    assert parser.open == []
    return parser.seen


# -- exercises in a notebook -----------------------------------------------------------------------


def test_a_cell_form_judges_and_marks(own_marks: Path) -> None:
    exercise = load_exercise(ID)
    wrong = k8sviz.check(ID, exercise.start)
    assert not wrong
    assert not own_marks.exists()
    right = k8sviz.check(ID, exercise.solution)
    assert right.solved
    assert list(json.loads(own_marks.read_text())["exercises"]) == [ID]
    assert tags(right._repr_mimebundle_()["text/html"])


def test_an_unknown_exercise_is_an_error_that_helps() -> None:
    with pytest.raises(K8svizError, match="did you mean 06-bind-to-that"):
        k8sviz.exercise("06-bind-to-thta")


@pytest.mark.parametrize("answer", [None, 5, b"kind: Pod", ["kind: Pod"], "", "\x00", "- a"])
def test_the_notebook_goes_on_whatever_the_answer(answer: Any) -> None:
    said = k8sviz.check(ID, answer)
    assert not said.solved
    assert said.verdict.message or said.verdict.findings
    tags(said._repr_mimebundle_()["text/html"])


def test_the_widget_judges_what_the_browser_sends() -> None:
    shown = k8sviz.exercise(ID)
    shown.asked = {"text": shown.exercise.start, "count": 1}
    assert shown.verdict["solved"] is False
    assert shown.verdict["hint"]
    count = shown.verdict["count"]
    shown.asked = {"text": shown.exercise.start, "count": 2}
    assert shown.verdict["count"] == count + 1
    assert shown.verdict["asked"] == 2
    shown.asked = {"text": shown.exercise.solution, "count": 3}
    assert shown.verdict["solved"] is True
    assert shown.answer == shown.exercise.solution
    for odd in ({}, {"type": "other"}, {"text": 5}, {"text": None, "count": "x"}):
        shown.asked = odd
    json.dumps(shown.verdict)


def test_a_huge_text_is_judged_but_not_kept() -> None:
    shown = k8sviz.exercise(ID)
    before = shown.answer
    shown.asked = {"text": "a: 1\n" * 2_000_000, "count": 1}
    assert shown.answer == before
    assert "MiB" in shown.verdict["message"]


def test_running_the_cell_again_brings_the_text_back() -> None:
    k8sviz.exercise(ID).answer = "kind: Pod # mine"
    assert k8sviz.exercise(ID).answer == "kind: Pod # mine"
    assert k8sviz.exercise("06-share-files").answer == load_exercise("06-share-files").start.rstrip()


def test_answers_can_be_tried_elsewhere() -> None:
    asked: list[int] = []

    class Elsewhere(Predicting):
        def world(self, given: Any, answer: Any) -> Any:
            asked.append(len(answer))
            return super().world(given, answer)

    assert k8sviz.exercise(ID, by=Elsewhere()).check(load_exercise(ID).solution).solved
    assert asked == [1]


@pytest.mark.parametrize("exercise_id", exercise_ids())
def test_without_scripts_everything_is_there_and_the_answer_is_folded(exercise_id: str) -> None:
    exercise = load_exercise(exercise_id)
    html = view.exercise_html(exercise)
    seen = tags(html)
    assert "script" not in seen
    assert seen.count("details") == len(exercise.hints) + 1 + bool(exercise.given)
    text = view.exercise_text(exercise)
    assert exercise.task in text
    assert exercise.hints[0] not in text
    assert f'check("{exercise_id}"' in text


def test_the_browser_is_not_given_the_solution_in_plain_sight() -> None:
    content = view.exercise_content(load_exercise("06-share-files"))
    assert "readOnly: true" in load_exercise("06-share-files").solution
    assert "readOnly: true" not in json.dumps(content)


def test_what_people_wrote_is_never_markup() -> None:
    evil = "kind: <img src=x onerror=alert(1)>"
    html = k8sviz.check(ID, f"apiVersion: v1\n{evil}\nmetadata: {{name: x}}")._repr_mimebundle_()["text/html"]
    assert "img" not in tags(html)


# -- marks -----------------------------------------------------------------------------------------


def test_marks_stay_and_add_up(own_marks: Path) -> None:
    assert not store.marks()
    assert store.mark("exercises", "a") == ""
    assert store.mark("questions", "b") == ""
    first = store.marks().exercises["a"]
    assert store.mark("exercises", "a") == ""
    found = store.marks()
    assert (dict(found.exercises), list(found.questions)) == ({"a": first}, ["b"])
    assert [path.name for path in own_marks.parent.iterdir()] == ["progress.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"exercises": 5}', b'{"questions": {"a": 1}}', b"\xff\xfe"])
def test_a_broken_file_is_put_aside_and_marks_begin_anew(own_marks: Path, content: bytes) -> None:
    own_marks.parent.mkdir()
    own_marks.write_bytes(content)
    assert "put aside" in str(k8sviz.progress())
    assert (own_marks.parent / "progress.broken-1.json").read_bytes() == content
    assert store.mark("exercises", "a") == ""
    own_marks.write_bytes(content)
    assert "put aside" in store.mark("exercises", "b")
    assert list(store.marks().exercises) == ["b"]
    assert (own_marks.parent / "progress.broken-2.json").exists()


def test_a_newer_file_is_left_alone(own_marks: Path) -> None:
    own_marks.parent.mkdir()
    own_marks.write_text('{"k8sviz": 99, "all": "else"}')
    assert "newer" in str(k8sviz.progress())
    assert "newer" in store.mark("exercises", "a")
    assert "99" in own_marks.read_text()


def test_a_place_that_cannot_be_written_costs_no_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("K8SVIZ_PROGRESS", str(tmp_path / "file" / "progress.json"))
    said = k8sviz.check(ID, load_exercise(ID).solution)
    assert said.solved
    assert "could not be kept" in str(said)
    assert k8sviz.progress()


def test_a_lock_of_the_dead_is_broken(own_marks: Path) -> None:
    own_marks.parent.mkdir()
    lock = own_marks.with_name("progress.json.lock")
    lock.write_text("")
    os.utime(lock, (1, 1))
    assert store.mark("exercises", "a") == ""
    assert not lock.exists()


def test_a_lock_of_the_living_is_waited_for_but_not_for_ever(own_marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PATIENCE", 0.05)
    own_marks.parent.mkdir()
    own_marks.with_name("progress.json.lock").write_text("")
    assert "held by another kernel" in store.mark("exercises", "a")


def _mark_many(path: str, letter: str) -> None:
    os.environ["K8SVIZ_PROGRESS"] = path
    for number in range(20):
        assert store.mark("exercises", f"{letter}{number}") == ""


def test_two_kernels_lose_nothing_of_each_other(own_marks: Path) -> None:
    own_marks.parent.mkdir()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_mark_many, args=(str(own_marks), letter)) for letter in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(store.marks().exercises) == 40


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_platform_has_its_place(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.delenv("K8SVIZ_PROGRESS")
    for name in ("XDG_DATA_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert store.marks_path().name == "progress.json"
    assert "k8sviz" in store.marks_path().parts


# -- progress --------------------------------------------------------------------------------------


def test_nothing_done_says_the_same_everywhere() -> None:
    shown = k8sviz.progress()
    assert isinstance(shown, Progress)
    assert str(shown) == str(k8sviz.progress())
    assert "progress.json" not in shown.html() + str(shown)
    assert "✓" not in str(shown)


def test_what_is_done_is_shown_with_a_way_to_its_chapter() -> None:
    k8sviz.check(ID, load_exercise(ID).solution)
    shown = k8sviz.progress()
    assert f"✓ {load_exercise(ID).title} ({ID})" in str(shown)
    assert str(shown).count("✓") == 1
    seen = tags(shown.html().replace("<style>", "").split("</style>")[1])
    assert seen.count("a") == len({row.number for row in shown.rows} & {c.number for c in chapters()})
    assert 'href="06-volumes.ipynb"' in shown.html()


def test_a_question_counts_once_it_is_right() -> None:
    question = load_question("06-smallest")
    asked = Quiz(question)
    wrong = next(i for i, option in enumerate(question.options) if not option.right)
    asked.tried = [wrong]
    assert not store.marks()
    asked.tried = [wrong, question.right]
    assert list(store.marks().questions) == ["06-smallest"]
    row = next(row for row in k8sviz.progress().rows if row.number == "06")
    assert f"1 of {len(row.questions)} questions" in str(k8sviz.progress())


def test_an_exercise_that_was_solved_says_so() -> None:
    assert k8sviz.exercise(ID).content["done"] is False
    k8sviz.check(ID, load_exercise(ID).solution)
    assert k8sviz.exercise(ID).content["done"] is True
