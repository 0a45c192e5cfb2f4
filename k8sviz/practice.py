"""What a notebook calls to practise: an exercise, its check, and what is done so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8sviz.marks import marks
from k8sviz.sources.exercises import Exercise, exercise_ids, load_exercise
from k8sviz.sources.notebooks import chapters
from k8sviz.sources.questions import question_ids

if TYPE_CHECKING:
    from k8sviz.exercises import Judge
    from k8sviz.views.exercise import ExerciseView, VerdictView
    from k8sviz.views.progress import Progress

__all__ = ["check", "exercise", "progress"]


def exercise(exercise_id: str, *, by: Judge | None = None) -> ExerciseView:
    """One exercise with a place to write the answer; what was written stays while the kernel runs.

    `by` is where answers are tried: by prediction, unless it says otherwise. Raises K8svizError for an unknown id.
    """
    from k8sviz.views.exercise import ExerciseView

    return ExerciseView(load_exercise(exercise_id), by)


def check(exercise_id: str, answer: Any, *, by: Judge | None = None) -> VerdictView:
    """Judge an answer from a cell of one's own, and mark the exercise as done if it is right.

    Raises K8svizError for an unknown id only: whatever `answer` is, the verdict says what is wrong with it.

    >>> check("06-bind-to-that", "kind: Pod").solved
    False
    """
    from k8sviz.views.exercise import judged

    return judged(load_exercise(exercise_id), answer, by)


def progress() -> Progress:
    """Which exercises are solved and how many questions answered, by chapter, with a way to each."""
    from k8sviz.views.progress import Progress, Row

    found = [load_exercise(each) for each in exercise_ids()]
    questions = question_ids()
    known = {chapter.number: chapter for chapter in chapters()}
    numbers = sorted({*(e.chapter for e in found), *(q[:2] for q in questions)})
    rows = [Row(n, known.get(n), _of(found, n), [q for q in questions if q.startswith(n)]) for n in numbers]
    return Progress(rows, marks())


def _of(found: list[Exercise], chapter: str) -> list[Exercise]:
    return [each for each in found if each.chapter == chapter]
