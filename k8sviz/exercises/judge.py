"""Judges an answer: can it be read, would the API server take it, and does then come true what is wanted?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from k8sviz.errors import K8svizError
from k8sviz.exercises.goals import Outcome, ask
from k8sviz.exercises.world import Predicted, World
from k8sviz.history import Object
from k8sviz.kinds import Ref
from k8sviz.rules.fields import text
from k8sviz.sources import manifests
from k8sviz.sources.exercises import Exercise, Goal
from k8sviz.sources.manifests import ManifestError
from k8sviz.validate import Finding, check_text
from k8sviz.words import say

__all__ = ["Judge", "Judged", "Predicting", "Verdict", "judge"]

_MOST: Final = 256 * 1024  # letters; no manifest that a person writes comes near it


class Judge(Protocol):
    """Where manifests are tried: by prediction, or on a cluster."""

    def world(self, given: Sequence[Object], answer: Sequence[Object]) -> World:
        """The cluster with these objects in it, the given ones first. Raises K8svizError when that fails."""


class Predicting:
    """Tries nothing: predicts."""

    def world(self, given: Sequence[Object], answer: Sequence[Object]) -> World:
        """The predicted cluster."""
        return Predicted([*given, *answer])


@dataclass(frozen=True, slots=True)
class Judged:
    """A goal and what was found; None when it was not judged, since something before it was wrong."""

    goal: Goal
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an answer.

    `message` says why nothing could be judged; `findings` are what the API server would refuse (or warn of); `goals`
    are in the exercise's order. `hint` is for the first thing that is wrong, and `earned` its name: GOAL/CODE, or
    refused/CODE.
    """

    exercise: Exercise
    solved: bool = False
    message: str = ""
    findings: tuple[Finding, ...] = ()
    goals: tuple[Judged, ...] = ()
    hint: str = ""
    earned: str = ""

    @property
    def lines(self) -> dict[int, str]:
        """The lines of the answer that have a problem, with its words."""
        return {found.line: str(found.problem) for found in self.findings if found.problem.error}

    def __str__(self) -> str:
        said = [say("exercise.verdict.solved"), self.exercise.lesson] if self.solved else []
        if not self.solved:
            said = [" ".join(filter(None, (say("exercise.verdict.not-yet"), self.message)))]
        said += map(str, self.findings)
        said += [f"{_mark(each)} {each.goal.want}{_found(each)}" for each in self.goals]
        if self.hint:
            said.append(say("exercise.verdict.hint", text=self.hint))
        return "\n".join(said)

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain JSON, as the widget shows it."""
        return {
            "solved": self.solved,
            "message": self.message,
            "findings": [found.to_json() for found in self.findings],
            "goals": [_goal_json(each) for each in self.goals],
            "hint": self.hint,
            "lesson": self.exercise.lesson if self.solved else "",
        }


def judge(exercise: Exercise, answer: object, by: Judge | None = None) -> Verdict:
    """What becomes of an answer, whatever it is; a mistake in it is never an exception.

    >>> from k8sviz.sources.exercises import load_exercise
    >>> exercise = load_exercise("06-bind-to-that")
    >>> judge(exercise, exercise.solution).solved, judge(exercise, "").solved
    (True, False)
    """
    open_goals = tuple(Judged(goal) for goal in exercise.goals)
    message = _unreadable(exercise, answer)
    if message or not isinstance(answer, str):
        return Verdict(exercise, message=message, goals=open_goals, earned="unreadable")
    try:
        report = check_text(answer, say("exercise.ui.editor"))
        if not report.ok:
            return _refused(exercise, report.findings, open_goals)
        given = manifests.parse(exercise.given, "given") if exercise.given else []
        objects = manifests.parse(answer, say("exercise.ui.editor"))
        changed = _changed(given, objects)
        if changed:
            message = say("exercise.refused.given-changed", name=changed)
            return Verdict(exercise, message=message, findings=report.findings, goals=open_goals, earned="given")
        world = (by or Predicting()).world(given, objects)
        return _judged(exercise, world, report.findings)
    except ManifestError as error:
        return Verdict(exercise, message=_sentence(error), goals=open_goals, earned="unreadable")
    except K8svizError as error:
        message = say("exercise.refused.failed", error=error)
        return Verdict(exercise, message=message, goals=open_goals, earned="failed")


def _unreadable(exercise: Exercise, answer: object) -> str:
    if not isinstance(answer, str):
        return say("exercise.refused.no-text", id=exercise.id)
    if len(answer) > _MOST:
        size = f"{len(answer) / 1024 / 1024:.1f} MiB" if len(answer) > 1024 * 1024 else f"{len(answer) // 1024} KiB"
        return say("exercise.refused.too-long", size=size)
    lines = (line.strip() for line in answer.splitlines())
    if all(not line or line.startswith("#") or line == "---" for line in lines):
        return say("exercise.refused.empty")
    return ""


def _sentence(error: ManifestError) -> str:
    words = str(error)
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _refused(exercise: Exercise, findings: tuple[Finding, ...], goals: tuple[Judged, ...]) -> Verdict:
    codes = [found.problem.code for found in findings if found.problem.error]
    # what there is a hint for; and a field in the wrong place before what follows from it
    first = min(
        codes, key=lambda code: (code not in exercise.refused, code not in ("unknown-field", "type", "whole-type"))
    )
    message, hint = say("exercise.verdict.refused"), exercise.refused.get(first, "")
    return Verdict(exercise, False, message, findings, goals, hint, f"refused/{first}")


def _changed(given: Sequence[Object], answer: Sequence[Object]) -> str:
    """An object of the given ones that the answer has otherwise; '' if there is none."""
    before = {_ref(obj): obj for obj in given}
    return next((str(_ref(obj)) for obj in answer if before.get(_ref(obj), obj) != obj), "")


def _ref(obj: Object) -> Ref:
    return Ref(text(obj, "kind"), text(obj, "metadata", "name"), text(obj, "metadata", "namespace"))


def _judged(exercise: Exercise, world: World, findings: tuple[Finding, ...]) -> Verdict:
    goals = tuple(Judged(goal, ask(world, goal)) for goal in exercise.goals)
    missed = next((each for each in goals if each.outcome and not each.outcome.ok), None)
    if missed is None or missed.outcome is None:
        return Verdict(exercise, True, "", findings, goals)
    code = missed.outcome.code
    hint = missed.goal.hints.get(code, missed.goal.hint)
    return Verdict(exercise, False, "", findings, goals, hint, f"{missed.goal.id}/{code}")


def _mark(each: Judged) -> str:
    word = "open" if each.outcome is None else "yes" if each.outcome.ok else "no"
    return say(f"exercise.verdict.{word}")


def _found(each: Judged) -> str:
    return f" {each.outcome.said}" if each.outcome and each.outcome.said else ""


def _goal_json(each: Judged) -> dict[str, Any]:
    state = "open" if each.outcome is None else "yes" if each.outcome.ok else "no"
    return {"want": each.goal.want, "state": state, "said": each.outcome.said if each.outcome else ""}
