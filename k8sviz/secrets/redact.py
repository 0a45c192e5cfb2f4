"""Takes what is secret out of a recording, wherever it stands; what is drawn from it (keys, sizes) stays the same.

All of it is read before anything is written: an output may show a value before its Secret is seen.

What is not found: a value that nothing of this tells (a Secret of another namespace, read with a template and printed
bare), what was computed from one (a hash), and pieces of a value other than its lines and its beginning.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from k8sviz.history import History, Object, Result, Step
from k8sviz.secrets.documents import APPLIED, PARTS
from k8sviz.secrets.found import FREE, Known, is_secret, named_values, option
from k8sviz.secrets.names import holds
from k8sviz.secrets.values import MASK

__all__ = ["Redactor", "Rewriter", "redacted", "rewritten"]

_KEPT: Final = frozenset({"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
_WITHIN: Final = ("items", "metadata", "annotations")  # where a Secret is still one
_FIELD: Final = re.compile(r"[A-Za-z]+")


class Redactor:
    """Takes what is known to be secret out of objects and steps."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._cleaned: dict[tuple[str, bool], str] = {}

    def text(self, text: str, *, command: bool = False, words: bool = True) -> str:
        """A text without secret values."""
        if command or len(text) > 200:
            return self._known.text(text, command=command, words=words)
        found = self._cleaned.get((text, words))
        if found is None:
            found = self._cleaned[text, words] = self._known.text(text, words=words)
        return found

    def object(self, obj: Object) -> Object:
        """An object without secret values; a Secret keeps its keys and the sizes of its values."""
        made: Object = self._clean(obj, secret=False, free=False)
        made.update({key: obj[key] for key in ("apiVersion", "kind") if isinstance(obj.get(key), str)})
        if isinstance(made.get("metadata"), dict):  # what makes it this object
            meta = obj["metadata"]
            made["metadata"].update({key: meta[key] for key in _KEPT if isinstance(meta.get(key), str)})
        return made

    def _clean(self, value: Any, *, secret: bool, free: bool, hidden: frozenset[str] = frozenset()) -> Any:
        hidden = hidden | frozenset(named_values(value))
        if isinstance(value, Mapping):
            secret = secret or is_secret(value)
            made: dict[str, Any] = {}
            for name, inner in value.items():
                if secret and str(name).lower() in PARTS:
                    made[name] = self._emptied(inner, encoded=name == "data")
                elif name == APPLIED and isinstance(inner, str):
                    made[name] = self._applied(inner, secret=secret)
                else:
                    shown = name if _FIELD.fullmatch(str(name)) else self._new(str(name), made)
                    inside = secret and name in _WITHIN
                    made[shown] = self._clean(inner, secret=inside, free=free or name in FREE, hidden=hidden)
            return made
        if isinstance(value, list):
            return [self._item(item, secret=secret, free=free, hidden=hidden) for item in value]
        if type(value) in (int, float) and str(value) in hidden:
            return MASK
        if not isinstance(value, str):
            return value
        return MASK if value in hidden and holds(value) else self.text(value, words=free)

    def _item(self, value: Any, *, secret: bool, free: bool, hidden: frozenset[str]) -> Any:
        given = option(value) if isinstance(value, str) else None
        return given[0] + MASK if given else self._clean(value, secret=secret, free=free, hidden=hidden)

    def _emptied(self, value: Any, *, encoded: bool) -> Any:
        """A Secret's values as so many stars: sizes are drawn, so they stay."""
        if isinstance(value, Mapping):
            made: dict[str, Any] = {}
            for name, inner in value.items():
                made[self._new(str(name), made)] = self._emptied(inner, encoded=encoded)
            return made
        if isinstance(value, list):
            return [self._emptied(inner, encoded=encoded) for inner in value]
        return _stars(value, encoded=encoded)

    def _new(self, name: str, taken: Mapping[str, Any]) -> str:
        """A key without secret values, that is not yet there."""
        shown = self.text(name, words=False)
        while shown != name and shown in taken:
            shown += "'"
        return shown

    def _applied(self, text: str, *, secret: bool) -> str:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, Mapping):
            made = self._clean(found, secret=False, free=False)
            return text if made == found else json.dumps(made, separators=(",", ":"), ensure_ascii=False) + "\n"
        return MASK if secret else self.text(text)

    def step(self, step: Step) -> Step:
        """A step without secret values (its result as well)."""
        handed = self._known.handed
        files = {self.text(name): MASK + "\n" if handed(name) else self.text(text) for name, text in step.files.items()}
        said = step.result
        result = said and Result(said.t, said.exit_code, self.text(said.stdout), self.text(said.stderr))
        command = self.text(step.command, command=True)
        return step._replace(command=command, files=files, about=self.text(step.about), result=result)


def redacted(history: History) -> History:
    """The same History without secret values: `about.secret_values` then says so."""
    known = Known()
    known.learn_steps(history.steps)
    for event in history:
        known.learn(event.object, texts=True)
    known.keep_words(event.object for event in history)
    return rewritten(history, Redactor(known))


class Rewriter(Protocol):
    """Writes what a History holds anew."""

    def text(self, text: str, /) -> str:
        """A title, a note."""

    def object(self, obj: Object, /) -> Object:
        """An object of an event."""

    def step(self, step: Step, /) -> Step:
        """A step with its result."""


def rewritten(history: History, redactor: Rewriter) -> History:
    """A History whose objects, steps and notes a redactor has written anew."""
    about = history.about
    made = History(about._replace(title=redactor.text(about.title), secret_values=MASK.lower()))
    made.complete = history.complete
    made.notes = [redactor.text(note) for note in history.notes]
    for event in history:
        made.append(event.t, event.type, redactor.object(event.object))
    for step in history.steps:
        made.begin_step(redactor.step(step))
    made.end = history.end
    return made


def _stars(value: Any, *, encoded: bool) -> Any:
    if value is None or not encoded:
        return None if value is None else "*" * len(str(value))
    try:
        size = len(base64.b64decode("".join(str(value).split()), validate=True))
    except ValueError:
        size = len(str(value))
    return base64.b64encode(b"*" * size).decode()
