"""The course's questions as data: what is asked before a cell runs, and what each answer teaches.

They lie apart from the notebooks, a folder a language (`data/questions/en`), a file a chapter, so that a cell holds
nothing but `quiz("06-smallest")`. Where a recording can settle a question, its `truth` says where to look; a test
looks there, so that no stated answer can drift from what a real cluster did.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from k8sviz.errors import K8svizError, nearest
from k8sviz.sources._toml import ID, LANGUAGE, folder, only, prose, read_tables, rows, text

__all__ = ["LANGUAGE", "Option", "Question", "QuestionKind", "Truth", "load_question", "question_ids", "read_questions"]

QuestionKind = Literal["predict", "recall"]
_FEWEST, _MOST = 2, 5


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to pick, and what picking it teaches. Text in `backticks` is set as code."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a recording settles a question: at a step's settled state, or in what its command printed.

    For `object` (KIND/NAME) the value at `path` is the right option's text, or `equals` where that is a sentence;
    `absent`: there is no such value, or without a path no such object. For a step's output, a part that it has
    (`output_contains`) or does not have (`output_lacks`).
    """

    lab: str
    step: str
    object: str = ""
    path: str = ""
    equals: str = ""
    absent: bool = False
    output_contains: str = ""
    output_lacks: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with 2 to 5 options, of which one is right. `code` is shown as it is, below the prompt."""

    id: str
    prompt: str
    options: tuple[Option, ...]
    code: str = ""
    kind: QuestionKind = "predict"
    truth: tuple[Truth, ...] = ()

    @property
    def right(self) -> int:
        """The place of the right option."""
        return next(i for i, option in enumerate(self.options) if option.right)


def load_question(question_id: str, data: Path | None = None, *, language: str = LANGUAGE) -> Question:
    """The question of this id. Raises K8svizError that names the nearest ids.

    >>> load_question("06-smallest").options[1].text
    '`pv-2gi`'
    """
    chapter = question_id[:2] if ID.fullmatch(question_id) else "??"
    for path in sorted(folder("questions", data, language).glob(f"{chapter}-*.toml")):
        for question in _cached(path):
            if question.id == question_id:
                return question
    raise K8svizError(
        f"there is no question {question_id!r}; {nearest(question_id, question_ids(data, language=language))}"
    )


def question_ids(data: Path | None = None, *, language: str = LANGUAGE) -> tuple[str, ...]:
    """The ids of all questions, in the order of the chapters and of the files.

    >>> question_ids()[0].startswith("00-")
    True
    """
    paths = sorted(folder("questions", data, language).glob("*.toml"))
    return tuple(question.id for path in paths for question in _cached(path))


@functools.cache
def _cached(path: Path) -> tuple[Question, ...]:
    return read_questions(path)


# -- reading ---------------------------------------------------------------------------------------


def read_questions(path: Path) -> tuple[Question, ...]:
    """All questions of one file. Raises K8svizError that names the file and the question that is no good."""
    content, tables = read_tables(path, "question")
    kind = content.get("kind", "predict")
    questions = tuple(_checked_question(row, kind, path) for row in tables)
    if twice := _twice(question.id for question in questions):
        raise K8svizError(f"{path}: there are two questions {twice!r}")
    return questions


def _checked_question(row: Any, kind: Any, path: Path) -> Question:
    name = str(row.get("id", "")) if isinstance(row, Mapping) else ""
    try:
        return _question(row, kind, path.name[:2])
    except (TypeError, ValueError) as error:
        raise K8svizError(f"{path}: question {name or '(without id)'}: {error}") from error


def _question(row: Any, kind: Any, chapter: str) -> Question:
    only(row, {"id", "prompt", "code", "option", "truth"})
    if kind not in ("predict", "recall"):
        raise ValueError(f"kind {kind!r} is neither predict nor recall")
    question = Question(
        id=text(row, "id"),
        prompt=prose(row, "prompt"),
        options=tuple(_option(item) for item in _rows(row, "option")),
        code=text(row, "code", ""),
        kind=kind,
        truth=tuple(_truth(item) for item in _rows(row, "truth")),
    )
    _sound(question, chapter)
    return question


def _sound(question: Question, chapter: str) -> None:
    if not ID.fullmatch(question.id) or not question.id.startswith(f"{chapter}-"):
        raise ValueError(f"its id is not {chapter}- and lower-case words")
    if not _FEWEST <= len(question.options) <= _MOST:
        raise ValueError(f"{len(question.options)} options; {_FEWEST} to {_MOST} can be shown")
    if sum(option.right for option in question.options) != 1:
        raise ValueError("not exactly one option has right = true")
    if twice := _twice(option.text for option in question.options):
        raise ValueError(f"the option {twice!r} is there twice")


def _option(row: Any) -> Option:
    only(row, {"text", "why", "right"})
    return Option(prose(row, "text"), prose(row, "why"), _flag(row, "right"))


def _truth(row: Any) -> Truth:
    only(row, {field.name for field in fields(Truth)})
    words = ("object", "path", "equals", "output_contains", "output_lacks")
    truth = Truth(
        text(row, "lab"), text(row, "step"), absent=_flag(row, "absent"), **{w: text(row, w, "") for w in words}
    )
    ways = [bool(truth.object), bool(truth.output_contains), bool(truth.output_lacks)]
    if sum(ways) != 1:
        raise ValueError("a truth looks at one of object, output_contains, output_lacks")
    if truth.object and not (truth.path or truth.absent):
        raise ValueError(f"the truth about {truth.object} says neither path nor absent")
    return truth


def _rows(row: Mapping[str, Any], key: str) -> list[Any]:
    return rows(row, key, f"write {key} as [[question.{key}]]")


def _flag(row: Mapping[str, Any], key: str) -> bool:
    value = row.get(key, False)
    if not isinstance(value, bool):
        raise TypeError(f"{key} is not true or false")
    return value


def _twice(names: Iterable[str]) -> str:
    """The first name that comes again, or ''."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""
