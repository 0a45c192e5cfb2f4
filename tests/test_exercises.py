"""Every solution passes, every start fails with a message that helps, every wrong answer earns its hint."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from k8sviz.errors import K8svizError
from k8sviz.exercises import Predicting, judge
from k8sviz.exercises.goals import ASKED, ask
from k8sviz.exercises.world import Predicted
from k8sviz.sources.exercises import Exercise, Goal, Wrong, exercise_ids, load_exercise, read_exercises
from k8sviz.validate import check_text

DATA = Path(__file__).resolve().parents[1] / "data"
EXERCISES = [load_exercise(exercise_id, DATA) for exercise_id in exercise_ids(DATA)]
EACH = [pytest.param(e, id=e.id) for e in EXERCISES]
WRONG = [pytest.param(e, w, id=f"{e.id}: {w.about}") for e in EXERCISES for w in e.wrong]


@pytest.mark.parametrize("exercise", EACH)
def test_the_solution_passes(exercise: Exercise) -> None:
    verdict = judge(exercise, exercise.solution)
    assert verdict.solved, verdict
    assert not verdict.findings, verdict
    assert exercise.lesson in str(verdict)


@pytest.mark.parametrize("exercise", EACH)
def test_the_start_fails_and_says_what_helps(exercise: Exercise) -> None:
    verdict = judge(exercise, exercise.start)
    assert not verdict.solved
    # a line and what to write there, or a goal with what was found instead, and a hint
    refused = [found for found in verdict.findings if found.problem.error]
    missed = [each for each in verdict.goals if each.outcome and not each.outcome.ok]
    assert refused or missed
    assert all(found.line > 0 and len(str(found.problem)) > 30 for found in refused)
    assert all(each.outcome and each.outcome.said for each in missed)
    assert verdict.hint or refused


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_a_plausible_wrong_answer_earns_its_hint(exercise: Exercise, wrong: Wrong) -> None:
    verdict = judge(exercise, wrong.manifest)
    assert not verdict.solved
    assert verdict.earned == wrong.earns, verdict
    goal, _, code = wrong.earns.partition("/")
    if goal == "refused":
        assert verdict.findings[0].line > 0
        assert code in {found.problem.code for found in verdict.findings}
        assert verdict.hint == exercise.refused.get(code, "")
    else:
        found = next(g for g in exercise.goals if g.id == goal)
        assert verdict.hint == found.hints.get(code, found.hint)
        assert verdict.hint in str(verdict)


@pytest.mark.parametrize("exercise", EACH)
def test_what_is_given_is_sound_and_may_be_repeated_but_not_changed(exercise: Exercise) -> None:
    if not exercise.given:
        return
    assert check_text(exercise.given).ok
    assert judge(exercise, f"{exercise.given}---\n{exercise.solution}").solved
    changed = exercise.given.replace("metadata:", "metadata:\n  annotations: {note: mine}", 1)
    if "metadata: {" in exercise.given.split("---")[0]:
        changed = exercise.given.replace("metadata: {", "metadata: {annotations: {note: mine}, ", 1)
    verdict = judge(exercise, f"{changed}---\n{exercise.solution}")
    assert (verdict.solved, verdict.earned) == (False, "given")
    assert "must stay as it is" in str(verdict)


@pytest.mark.parametrize("exercise", EACH)
def test_each_is_well_made(exercise: Exercise) -> None:
    assert 1 <= len(exercise.hints) <= 5
    assert len(exercise.wrong) >= 3
    assert {goal.asks for goal in exercise.goals} <= set(ASKED)
    assert len(exercise.task) <= 600
    for text in (
        exercise.lesson,
        *exercise.hints,
        *(g.hint for g in exercise.goals),
        *(g.want for g in exercise.goals),
    ):
        assert text.endswith((".", "!", "?")), text
        assert len(text) <= 320, text
    # every hint that a goal or a refusal has is earned by somebody, or could be
    assert len({w.manifest for w in exercise.wrong} | {exercise.start, exercise.solution}) == len(exercise.wrong) + 2


def test_every_chapter_has_three_from_easy_to_hard() -> None:
    order = {"easy": 0, "middle": 1, "hard": 2}
    for chapter in ("06", "07", "08", "09", "10"):
        levels = [order[e.level] for e in EXERCISES if e.chapter == chapter]
        assert len(levels) >= 3
        assert levels == sorted(levels)
        assert {0, 2} <= set(levels)


# -- other right answers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise_id", "old", "new"),
    [
        ("06-bind-to-that", "[ReadWriteMany]", "[ReadWriteOnce]\n  selector: {matchLabels: {disk: hdd}}"),
        ("06-bind-to-that", "[ReadWriteMany]\n", "[ReadWriteOnce]\n"),
        ("06-share-files", "name: html\n", "name: pages\n"),
        ("07-one-file", "name: config\n", "name: c\n"),
        ("09-budget", "maxSurge: 1\n", "maxSurge: 25%\n"),
        ("09-percent", "maxUnavailable: 20%", "maxUnavailable: 0"),
    ],
)
def test_the_outcome_counts_and_not_the_wording(exercise_id: str, old: str, new: str) -> None:
    exercise = load_exercise(exercise_id, DATA)
    answer = exercise.solution.replace(old, new)
    assert answer != exercise.solution
    if "ReadWriteOnce]\n" in new:
        answer = answer.replace("storage: 2Gi", "storage: 6Gi")
    assert judge(exercise, answer).solved, judge(exercise, answer)


# -- whatever people paste -------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{c}: &{c} [*{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}]\n" for p, c in pairwise("abcdefghi")
)
HOSTILE = {
    "empty": ("", "nothing here yet"),
    "comments only": ("# later\n---\n", "nothing here yet"),
    "bad YAML": ("kind: [Pod", "line"),
    "a tab": ("kind: Pod\nmetadata:\n\tname: x", "tab"),
    "a list": ("- kind: Pod", "list"),
    "a word": ("Pod", "apiVersion"),
    "10 MB": ("x: " + "a" * 10_000_000, "9.5 MiB"),
    "10 MB of lines": ("a: 1\n" * 2_000_000, "MiB"),
    "an alias bomb": (BOMB, "aliases"),
    "deep": ("[" * 5000, "deep"),
    "no text": (None, "quotes"),
    "a mapping": ({"kind": "Pod"}, "quotes"),
    "bytes": (b"kind: Pod", "quotes"),
    "control letters": ("kind: \x1b[2J", "line"),
    "half a character": ("kind: \udc80", "half a character"),
    "a cycle": ("a: &a\n  b: *a", "anchor"),
    "twice": ("kind: Pod\nkind: Pod", "already set"),
    "a huge number": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: " + "9" * 5000 + "}",
        "no claim",
    ),
    "a template": ("kind: {{ .Values.kind }}", "template"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_is_pasted_is_answered_within_a_second(name: str) -> None:
    answer, words = HOSTILE[name]
    exercise = load_exercise("06-bind-to-that", DATA)
    judge(exercise, exercise.solution)  # what is loaded once does not count
    began = time.process_time()
    verdict = judge(exercise, answer)
    assert time.process_time() - began < 1
    assert not verdict.solved
    assert words.lower() in str(verdict).lower(), verdict
    assert len(str(verdict)) < 4000


def test_two_documents_are_both_judged() -> None:
    exercise = load_exercise("06-bind-to-that", DATA)
    other = exercise.solution.replace("name: archive", "name: another")
    assert judge(exercise, f"{exercise.solution}---\n{other}").solved
    # a claim before it takes the volume away
    verdict = judge(exercise, f"{other}---\n{exercise.solution}")
    assert verdict.earned == "bound/claimed-by-another"


def test_a_judge_that_fails_says_so() -> None:
    class Broken(Predicting):
        def world(self, given: object, answer: object) -> Predicted:
            raise K8svizError("no cluster answers")

    exercise = load_exercise("06-bind-to-that", DATA)
    assert "no cluster answers" in str(judge(exercise, exercise.solution, Broken()))


def test_an_unknown_question_is_an_error_of_the_exercise() -> None:
    with pytest.raises(K8svizError, match="nobody knows how to ask 'riddle'"):
        ask(Predicted([]), Goal("g", "riddle", "", ""))


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(K8svizError, match="did you mean 06-bind-to-that"):
        load_exercise("06-bind-to-this", DATA)


SOUND = """
[[exercise]]
id = "06-x"
title = "T"
level = "easy"
task = "Do it."
start = "kind: A"
solution = "kind: B"
lesson = "L."
hints = ["H."]
[[exercise.goal]]
id = "g"
asks = "exists"
want = "W."
hint = "H."
[[exercise.wrong]]
about = "a"
replace = [["B", "C"]]
earns = "g"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "06-x"', 'id = "07-x"', "its id is not 06-"),
        ('level = "easy"', 'level = "hardest"', "none of easy, middle, hard"),
        ('task = "Do it."', "", "task is missing"),
        ('task = "Do it."', 'task = "Do `it."', "a backtick"),
        ('title = "T"', 'titel = "T"', "unknown key 'titel'; did you mean title"),
        ('[["B", "C"]]', '[["D", "C"]]', "nothing to replace: 'D'"),
        ("[[exercise]]", "[[exercises]]", r"no \[\[exercise\]\]"),
        ("[[exercise]]", "[[exercise", "not TOML"),
    ],
)
def test_a_file_that_is_no_good_says_why(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "06-test.toml"
    path.write_text(SOUND)
    assert read_exercises(path)[0].wrong[0].manifest == "kind: C\n"
    path.write_text(SOUND.replace(old, new))
    with pytest.raises(K8svizError, match=message):
        read_exercises(path)
