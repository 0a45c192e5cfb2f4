"""The course's exercises as data: task, starting manifest, goals, hints, solution and wrong answers, in one place.

They lie apart from the notebooks, a folder a language (`data/exercises/en`), a file a chapter, so that a cell holds
nothing but `exercise("06-bind-to-that")`. Manifests hold no words for people, so that a translation leaves them alone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from k8sviz.errors import K8svizError, nearest
from k8sviz.sources._toml import ID, LANGUAGE, checked_prose, folder, only, prose, read_tables, rows, text

__all__ = ["Exercise", "Goal", "Level", "Wrong", "exercise_ids", "load_exercise", "read_exercises"]

Level = Literal["easy", "middle", "hard"]
_LEVELS: Final = ("easy", "middle", "hard")


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that must come true. `asks` names the question (k8sviz.exercises.goals), `facts` what it is asked with.

    `want` says to people what must come true. `hint` is said when it does not; `hints` has better ones by the code of
    what was found instead.
    """

    id: str
    asks: str
    want: str
    hint: str
    hints: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A plausible wrong answer, and the hint that it must earn: `GOAL/CODE`, `GOAL`, or `refused/CODE`."""

    about: str
    manifest: str
    earns: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise. `given` are manifests of what is in the cluster; `refused` has hints by a Problem's code."""

    id: str
    title: str
    level: Level
    task: str
    start: str
    solution: str
    lesson: str
    hints: tuple[str, ...]
    goals: tuple[Goal, ...]
    wrong: tuple[Wrong, ...]
    given: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def chapter(self) -> str:
        """The two digits of its chapter."""
        return self.id[:2]


def load_exercise(exercise_id: str, data: Path | None = None, *, language: str = LANGUAGE) -> Exercise:
    """The exercise of this id. Raises K8svizError that names the nearest ids.

    >>> load_exercise("06-bind-to-that").level
    'middle'
    """
    if ID.fullmatch(str(exercise_id)):
        for path in sorted(folder("exercises", data, language).glob(f"{exercise_id[:2]}-*.toml")):
            for exercise in _cached(path):
                if exercise.id == exercise_id:
                    return exercise
    known = exercise_ids(data, language=language)
    raise K8svizError(f"there is no exercise {exercise_id!r}; {nearest(str(exercise_id), known)}")


def exercise_ids(data: Path | None = None, *, language: str = LANGUAGE) -> tuple[str, ...]:
    """The ids of all exercises, in the order of the chapters, from easy to hard.

    >>> exercise_ids()[0].startswith("06-")
    True
    """
    paths = sorted(folder("exercises", data, language).glob("*.toml"))
    return tuple(exercise.id for path in paths for exercise in _cached(path))


@functools.cache
def _cached(path: Path) -> tuple[Exercise, ...]:
    return read_exercises(path)


# -- reading ---------------------------------------------------------------------------------------


def read_exercises(path: Path) -> tuple[Exercise, ...]:
    """All exercises of one file. Raises K8svizError that names the file and the exercise that is no good."""
    _, tables = read_tables(path, "exercise")
    found = tuple(_checked(row, path) for row in tables)
    ids = [exercise.id for exercise in found]
    if len(set(ids)) < len(ids):
        raise K8svizError(f"{path}: two exercises have one id")
    return found


def _checked(row: Any, path: Path) -> Exercise:
    name = str(row.get("id", "")) if isinstance(row, Mapping) else ""
    try:
        exercise = _exercise(row)
        if not ID.fullmatch(exercise.id) or exercise.chapter != path.name[:2]:
            raise ValueError(f"its id is not {path.name[:2]}- and lower-case words")
    except (TypeError, ValueError) as error:
        raise K8svizError(f"{path}: exercise {name or '(without id)'}: {error}") from error
    return exercise


def _exercise(row: Any) -> Exercise:
    only(
        row,
        {"id", "title", "level", "task", "given", "start", "solution", "lesson", "hints", "refused", "goal", "wrong"},
    )
    level = row.get("level")
    if level not in _LEVELS:
        raise ValueError(f"level {level!r} is none of {', '.join(_LEVELS)}")
    start, solution = _manifest(row, "start"), _manifest(row, "solution")
    goals = tuple(_goal(each) for each in rows(row, "goal"))
    if not goals:
        raise ValueError("no [[exercise.goal]]")
    return Exercise(
        id=prose(row, "id"),
        title=prose(row, "title"),
        level=level,
        task=_paragraphs(row, "task"),
        start=start,
        solution=solution,
        lesson=prose(row, "lesson"),
        hints=tuple(checked_prose(each, "hints") for each in rows(row, "hints")),
        goals=goals,
        wrong=tuple(_wrong(each, start, solution) for each in rows(row, "wrong")),
        given=_manifest(row, "given", ""),
        refused={key: checked_prose(value, key) for key, value in _table(row, "refused").items()},
    )


def _goal(row: Any) -> Goal:
    facts = {key: value for key, value in row.items() if key not in ("id", "asks", "want", "hint", "hints")}
    hints = {key: checked_prose(value, key) for key, value in _table(row, "hints").items()}
    return Goal(prose(row, "id"), prose(row, "asks"), prose(row, "want"), prose(row, "hint"), hints, facts)


def _wrong(row: Any, start: str, solution: str) -> Wrong:
    """A wrong answer is written as what differs: `replace` pairs in the solution (or, with `from`, in the start)."""
    only(row, {"about", "from", "replace", "manifest", "earns"})
    manifest = row.get("manifest")
    if manifest is None:
        manifest = {"solution": solution, "start": start}[row.get("from", "solution")]
        for old, new in rows(row, "replace"):
            if old not in manifest:
                raise ValueError(f"nothing to replace: {old!r} is not in the manifest")
            manifest = manifest.replace(old, new)
    return Wrong(prose(row, "about"), manifest, prose(row, "earns"))


def _table(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = row.get(key, {})
    if not isinstance(value, Mapping):
        raise TypeError(f"{key} is not a table")
    return value


def _manifest(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A manifest ends with one line break."""
    found = text(row, key, default)
    return f"{found}\n" if found else ""


def _paragraphs(row: Mapping[str, Any], key: str) -> str:
    return "\n\n".join(checked_prose(part, key) for part in text(row, key).strip().split("\n\n"))
