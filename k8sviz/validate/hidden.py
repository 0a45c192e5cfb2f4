"""What a finding about a Secret may say: where and why, never what stands there.

A Secret holds values in `data` and `stringData`, in fields that it does not have, and in the annotation that `kubectl
apply` leaves; a key that is no key may be a value in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from k8sviz.rules.fields import text
from k8sviz.validate.model import FieldPath, Problem
from k8sviz.words import say

__all__ = ["veiled"]

_SHOWN: Final = frozenset({("apiVersion",), ("kind",), ("immutable",)})
_SHOWN_META: Final = frozenset({"name", "generateName", "namespace", "labels", "finalizers"})
_KEY: Final = re.compile(r"([-.a-z0-9]{1,253}/)?[-._a-zA-Z0-9]{1,253}")
_TELLING: Final = 3  # letters; what is shorter is found in any sentence
_BEGINNING: Final = 24  # letters by which a value is known where a message has cut it


def veiled(problem: Problem, obj: object) -> Problem:
    """The problem as it may be shown: as it is, unless the object is a Secret.

    >>> secret = {"kind": "Secret", "data": {"pin": "not base64"}}
    >>> str(veiled(Problem(("data", "pin"), "no-text", {"value": '"not base64"'}), secret))
    'data.pin: a value that is not shown is no text. Write a name, such as v1 or Pod.'
    """
    if text(obj, "kind").lower() not in ("secret", "secrets") or not isinstance(obj, Mapping):
        return problem
    inside = not _is_shown(problem.path)
    begins = {re.escape(str(value)[:_BEGINNING]) for value in _values(obj, ()) if str(value)}
    # a short value is found in any sentence, so it is looked for as a word, and only where a value is spoken of
    long = {begin for begin in begins if len(begin) >= _TELLING}
    words = [rf"(?<!\w){begin}(?!\w)" for begin in begins - long] if inside else []
    telling = re.compile("|".join([*words, *long]) or "(?!)")
    hidden = say("check.value.hidden")
    facts = {
        name: hidden if (inside and name == "value") or telling.search(fact) else fact
        for name, fact in problem.facts.items()
    }
    kept = tuple(part if isinstance(part, int) or _KEY.fullmatch(part) else "…" for part in problem.path)
    return replace(problem, facts=facts, shown=kept)


def _is_shown(path: FieldPath) -> bool:
    return path[:1] in _SHOWN or (path[:1] == ("metadata",) and len(path) > 1 and path[1] in _SHOWN_META)


def _values(value: Any, path: FieldPath) -> Iterator[object]:
    """All that a Secret holds and that is no name: plain values, and keys that are none."""
    todo = [(value, path)]
    while todo:
        value, path = todo.pop()
        if _is_shown(path):
            continue
        if isinstance(value, Mapping):
            yield from (key for key in value if not _KEY.fullmatch(str(key)))
            todo += [(part, (*path, str(key))) for key, part in value.items()]
        elif isinstance(value, list):
            todo += [(part, (*path, i)) for i, part in enumerate(value)]
        elif not isinstance(value, bool | None):
            yield value
