"""Takes secret values out of a recording, wherever they stand; what is drawn from it (keys, sizes) stays the same.

A value is known from a Secret object, a manifest, a command line or file that made it, or a variable whose name says
what it is; all of them are read before anything is written. Then it is looked for in everything, in every form in
which it is written: outputs, files, annotations, other objects (see `_forms`, also for what stays: very short values
and ordinary words). Tokens, private keys and logins are taken out by what they look like, too.

What is not found: a value that nothing of this tells (a Secret of another namespace, read with a template and printed
bare), what was computed from one (a hash), and pieces of a value other than its lines and its beginning.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from k8sviz.history import History, Object, Result, Step
from k8sviz.sources._forms import Values
from k8sviz.sources._secrets import (
    APPLIED,
    MASK,
    PARTS,
    SAYS_SECRET,
    SECRET_KINDS,
    Found,
    credentials,
    decoded,
    files_handed_over,
    handed_over,
    in_manifests,
    written_to,
)

__all__ = ["MASK", "redacted"]

_TOKEN: Final = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_LOGIN: Final = re.compile(r"(?i)\b(bearer|basic)(\s+)([\w.~+/=-]{8,})")
_IN_URL: Final = re.compile(
    r"\b([a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']{0,200}:)(?!REDACTED)[^\s/@\"'$][^\s/@\"']{0,500}@"
)
_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----).)*?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?:(?:\s|\\+[nr])+[\w+/=]{8,})*)",
    re.DOTALL,
)
_ENCODED: Final = re.compile(
    r"\b(?:LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FUR)|ZXlK)[\w+/=]{36,}"  # base64 of "-----BEGIN ", but no certificate; a token
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|npm_|dckr_pat_)[\w-]{16,}"
)
_NOT_WORDS: Final = frozenset(
    {"data", "binaryData", "stringData", "annotations", "value", "args", "command", "message"}
)
_KEPT: Final = frozenset({"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
_WITHIN: Final = ("items", "metadata", "annotations")  # where a Secret is still one
_FIELD: Final = re.compile(r"[A-Za-z]+")


class Redactor:
    """Learns the secret values of a recording, and takes them out of its texts and objects."""

    def __init__(self) -> None:
        self._values = Values()
        self._files: set[str] = set()  # that Secrets were made of
        self._read: set[str] = set()
        self._cleaned: dict[str, str] = {}

    # -- learning ------------------------------------------------------------------------------------

    def learn(self, obj: Object) -> None:
        """Remember the secret values in an object, and the words that it shows anyway."""
        self._learn_names(obj)
        self._learn(obj, "", secret=False)

    def _learn(self, value: Any, key: str, *, secret: bool, words: bool = True) -> None:
        words = words and key not in _NOT_WORDS
        if isinstance(value, Mapping):
            self._learn_mapping(value, secret or _is_secret(value), words)
        elif isinstance(value, list):
            for inner in value:
                self._learn(inner, key, secret=secret, words=words)
        elif isinstance(value, str):
            if words:
                self._values.ordinary(value[:300])
            self._learn_text(value)
        elif words and type(value) is int and 0 <= value < 10**7:
            self._values.ordinary(str(value))

    def _learn_mapping(self, value: Mapping[str, Any], secret: bool, words: bool) -> None:
        if isinstance(value.get("value"), str) and SAYS_SECRET.search(str(value.get("name"))):
            self._know_given(value["value"])
        for name, inner in value.items():
            if _FIELD.fullmatch(str(name)):
                self._values.ordinary(str(name))
            if not (secret and name in PARTS):
                self._learn(inner, str(name), secret=secret and name == "items", words=words)
                continue
            for one in _strings(inner):
                self._know(one, decoded(one))

    def _learn_names(self, obj: Object) -> None:
        """The kind and the name of a recorded object are words that stay, and those of a List's items."""
        items, meta = obj.get("items"), obj.get("metadata")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                self._learn_names({**item, "items": None})
        if isinstance(meta, Mapping):
            for name in (obj.get("kind"), meta.get("name"), meta.get("namespace"), meta.get("generateName")):
                if isinstance(name, str):
                    self._values.name(name)

    def _learn_text(self, text: str) -> None:
        if len(text) < 200:
            if text in self._read:
                return
            self._read.add(text)
        for found in self._standing(text):
            for value in found.values:
                self._know(value)

    def learn_steps(self, steps: Iterable[Step]) -> None:
        """Remember what steps give away: their command lines, files, outputs, and what is said about them."""
        steps = list(steps)
        for step in steps:
            self._files.update(files_handed_over(step.command))
        for step in steps:
            for text in _texts(step):
                self._learn_text(text)
            for name, text in step.files.items():
                if self._handed(name):
                    self._know(text)
                    for value in re.findall(r"(?m)^[\w.-]+=([^\n]+)$", text):
                        self._know(value.strip("\"'"))

    def _handed(self, name: str) -> bool:
        return any(name == file or name.startswith(file.rstrip("/") + "/") for file in self._files if file)

    def _know_given(self, value: str) -> None:
        """A value by its variable's name: not when it stands elsewhere, or names a place."""
        if not re.match(r"[$`]|(/[a-z.-]+)+$", value):
            self._know(value)

    def _know(self, value: str, plain: str = "", deep: int = 3) -> None:
        for one in filter(None, (value, plain)):
            if one not in self._values:
                self._values.add(one)
                for inner in credentials(one) if deep else ():
                    self._know(inner, deep=deep - 1)

    # -- taking out ----------------------------------------------------------------------------------

    def _standing(self, text: str) -> list[Found]:
        return in_manifests(text) + handed_over(text) + (written_to(text, self._files) if self._files else [])

    def text(self, text: str) -> str:
        """A text without secret values."""
        found = self._cleaned.get(text)
        if found is None:
            found = self._values.without(_without_looks(_cut(text, self._standing(text))))
            if len(text) < 200:
                self._cleaned[text] = found
        return found

    def object(self, obj: Object) -> Object:
        """An object without secret values; a Secret keeps its keys and the sizes of its values."""
        made: Object = self._clean(obj, secret=False)
        made.update({key: obj[key] for key in ("apiVersion", "kind") if isinstance(obj.get(key), str)})
        if isinstance(made.get("metadata"), dict):  # what makes it this object
            meta = obj["metadata"]
            made["metadata"].update({key: meta[key] for key in _KEPT if isinstance(meta.get(key), str)})
        return made

    def _clean(self, value: Any, *, secret: bool) -> Any:
        if isinstance(value, Mapping):
            secret = secret or _is_secret(value)
            hides = isinstance(value.get("value"), str) and SAYS_SECRET.search(str(value.get("name")))
            made: dict[str, Any] = {}
            for name, inner in value.items():
                if secret and name in PARTS:
                    made[name] = self._emptied(inner, encoded=name == "data")
                elif hides and name == "value":
                    made[name] = MASK
                elif name == APPLIED and isinstance(inner, str):
                    made[name] = self._applied(inner, secret=secret)
                else:
                    shown = name if _FIELD.fullmatch(str(name)) else self._new(str(name), made)
                    made[shown] = self._clean(inner, secret=secret and name in _WITHIN)
            return made
        if isinstance(value, list):
            return [self._clean(item, secret=secret) for item in value]
        return self.text(value) if isinstance(value, str) else value

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
        shown = self.text(name)
        while shown != name and shown in taken:
            shown += "'"
        return shown

    def _applied(self, text: str, *, secret: bool) -> str:
        found = _json(text)
        if isinstance(found, Mapping):
            made = self._clean(found, secret=False)
            return text if made == found else json.dumps(made, separators=(",", ":"), ensure_ascii=False) + "\n"
        return MASK if secret else self.text(text)

    def step(self, step: Step) -> Step:
        """A step without secret values (its result as well)."""
        files = {
            self.text(name): MASK + "\n" if self._handed(name) else self.text(text) for name, text in step.files.items()
        }
        said = step.result
        result = said and Result(said.t, said.exit_code, self.text(said.stdout), self.text(said.stderr))
        return step._replace(command=self.text(step.command), files=files, about=self.text(step.about), result=result)


def redacted(history: History) -> History:
    """The same History without secret values: `about.secret_values` then says so."""
    redactor = Redactor()
    redactor.learn_steps(history.steps)
    for event in history:
        redactor.learn(event.object)
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


# -- what values look like -----------------------------------------------------------------------------


def _without_looks(text: str) -> str:
    """A text without private keys, tokens and logins."""
    if "PRIVATE KEY" in text:
        text = _KEY.sub(MASK, text)
    text = _ENCODED.sub(MASK, _TOKEN.sub(MASK, text))
    return _IN_URL.sub(rf"\1{MASK}@", _LOGIN.sub(_login, text))


def _login(found: re.Match[str]) -> str:
    """`bearer` and `basic` are words, too; what follows them is a login when it looks like one."""
    basic, value = found[1].lower() == "basic", found[3]
    looks = ":" in decoded(value) if basic else bool(re.search(r"\d", value)) or len(value) > 30
    return f"{found[1]}{found[2]}{MASK}" if looks else found[0]


def _cut(text: str, places: list[Found]) -> str:
    pieces, done = [], 0
    for place in sorted(places, key=lambda p: (p.start, -p.end)):
        if place.start >= done:
            pieces += [text[done : place.start], place.instead]
            done = place.end
        elif place.end > done:
            done = place.end
    return "".join([*pieces, text[done:]])


def _texts(step: Step) -> Iterator[str]:
    yield from (step.command, step.about, *step.files.values())
    if step.result is not None:
        yield from (step.result.stdout, step.result.stderr)


def _is_secret(obj: Mapping[str, Any]) -> bool:
    return str(obj.get("kind", "")).lower() in SECRET_KINDS


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner)
    elif value is not None:
        yield str(value)


def _stars(value: Any, *, encoded: bool) -> Any:
    if value is None or not encoded:
        return None if value is None else "*" * len(str(value))
    try:
        size = len(base64.b64decode("".join(str(value).split()), validate=True))
    except ValueError:
        size = len(str(value))
    return base64.b64encode(b"*" * size).decode()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
