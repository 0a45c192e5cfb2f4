"""Takes secret values out of a recording, wherever they stand; what is drawn from it (keys, sizes) stays the same.

A value is known from a Secret object, a manifest, or a command line that made it; from then on it is looked for in
everything: outputs, files, annotations, other objects. Tokens, private keys and passwords are taken out by what they
look like, too. `redacted` reads all before it writes anything, so that a value is also taken out of what came before
the Secret.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from k8sviz.history import History, Object, Result, Step
from k8sviz.sources.follow import Tape

__all__ = ["MASK", "RedactingTape", "Redactor", "redacted"]

MASK: Final = "REDACTED"
_LONG: Final = 8  # letters; a value that long is taken out wherever it stands, a shorter one where it is a word
_SHORTEST: Final = 3  # a value of one or two letters would take whole words with it, and tells nothing
_TOKEN: Final = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+(?!REDACTED)[\w.~+/=-]{8,}")
_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_ENCODED_KEY: Final = re.compile(r"\bLS0tLS1CRUdJTi[\w+/=]{40,}")  # base64 of "-----BEGIN "
_SECRET_NAME: Final = re.compile(
    r"(?i)(pass(word|wd|phrase)?|token|secret|credential|api[-_]?key|private[-_]?key|auth)s?$"
)
_FLAG: Final = re.compile(
    r"(--(?:docker-)?(?:password|token|client-key-data|docker-email)[= ])(?:'[^']*'|\"[^\"]*\"|\S+)"
)
_LITERAL: Final = re.compile(r"(--from-literal[= ])('[^']*'|\"[^\"]*\"|\S+)")
_SECRET_COMMAND: Final = re.compile(r"\bcreate\s+secret\b")
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_IDENTITY: Final = frozenset({"apiVersion", "kind", "uid", "resourceVersion", "namespace", "creationTimestamp", "type"})


class Redactor:
    """Knows the secret values met so far, and takes them out of texts and objects."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    # -- learning ------------------------------------------------------------------------------------

    def learn(self, obj: Any) -> None:
        """Remember the values of every Secret in an object, and of the credentials in what it holds."""
        if isinstance(obj, list):
            for item in obj:
                self.learn(item)
        elif isinstance(obj, Mapping):
            if obj.get("kind") == "Secret":
                self._learn_secret(obj)
            for key, value in obj.items():
                if key == _APPLIED and isinstance(value, str):
                    self.learn(_json(value))
                elif isinstance(value, Mapping | list):
                    self.learn(value)

    def _learn_secret(self, secret: Mapping[str, Any]) -> None:
        for value in _texts(secret.get("stringData")):
            self._know(value)
        for value in _texts(secret.get("data")):
            self._know(value, decoded=_decoded(value))

    def learn_text(self, text: str) -> None:
        """Remember the values of every Secret among the manifests of a text."""
        if "Secret" not in text:
            return
        try:
            documents = list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        except (yaml.YAMLError, ValueError, RecursionError):
            return
        self.learn(documents)

    def learn_step(self, step: Step) -> None:
        """Remember what a step's files and its command line give away."""
        for text in step.files.values():
            self.learn_text(text)
        if _SECRET_COMMAND.search(step.command):
            for found in _LITERAL.finditer(step.command):
                self._know(_unquoted(found[2]).partition("=")[2])
            for name, text in step.files.items():
                if name in step.command:
                    self._know(text.rstrip("\n"))

    def _know(self, value: str, decoded: str | None = None) -> None:
        for one in {value, decoded or ""}:
            lines = [line for line in one.splitlines() if len(line) >= 2 * _LONG] if "\n" in one else []
            for part in (one, one.rstrip("\n"), *lines):
                if len(part) >= _SHORTEST and part != MASK and set(part) != {"*"}:
                    self._values |= {part, base64.b64encode(part.encode()).decode()}
                    self._pattern = None
        for inner in _credentials(_json(decoded or value)):
            if inner not in self._values:
                self._know(inner, decoded=_decoded(inner))

    # -- taking out ----------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A text without secret values."""
        text = _KEY.sub(MASK, text)
        text = _ENCODED_KEY.sub(MASK, _TOKEN.sub(MASK, text))
        text = _BEARER.sub(rf"\1 {MASK}", text)
        return self._known().sub(MASK, text) if self._values else text

    def _known(self) -> re.Pattern[str]:
        if self._pattern is None:
            ordered = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(
                re.escape(v) if len(v) >= _LONG else rf"(?<!\w){re.escape(v)}(?!\w)" for v in ordered
            ))  # fmt: skip
        return self._pattern

    def command(self, command: str) -> str:
        """A command line without the values that it hands over."""
        command = _FLAG.sub(rf"\1{MASK}", command)
        if _SECRET_COMMAND.search(command):
            command = _LITERAL.sub(lambda m: f"{m[1]}{_unquoted(m[2]).partition('=')[0]}={MASK}", command)
        return self.text(command)

    def object(self, obj: Object) -> Object:
        """An object without secret values; a Secret keeps its keys and the sizes of its values."""
        cleaned: Object = self._clean(obj, "")
        return cleaned

    def _clean(self, value: Any, key: str) -> Any:
        if isinstance(value, Mapping):
            if value.get("kind") == "Secret":
                value = {**value, **_emptied(value)}
            if _SECRET_NAME.search(str(value.get("name", ""))) and isinstance(value.get("value"), str):
                value = {**value, "value": MASK}  # an environment variable that says what it is
            return {k: v if k in ("data", "stringData") and value.get("kind") == "Secret" else self._clean(v, k)
                    for k, v in value.items()}  # fmt: skip
        if isinstance(value, list):
            return [self._clean(item, key) for item in value]
        if not isinstance(value, str) or key in _IDENTITY or key == "name":
            return value
        found = _json(value) if key == _APPLIED else None
        if isinstance(found, Mapping):
            return json.dumps(self._clean(found, ""), separators=(",", ":"), ensure_ascii=False) + "\n"
        return self.text(value)

    def file(self, text: str) -> str:
        """A manifest, or another file of a step, without secret values; its comments and its order stay."""
        for value in sorted(_secret_values(text), key=lambda node: -node.start_mark.index):
            start, end = value.start_mark.index, value.end_mark.index
            text = text[:start] + MASK + ("\n" if text[start:end].endswith("\n") else "") + text[end:]
        return self.text(text)

    def step(self, step: Step) -> Step:
        """A step without secret values (its result as well)."""
        self.learn_step(step)
        files = {name: self.file(text) for name, text in step.files.items()}
        if _SECRET_COMMAND.search(step.command):
            files = {name: MASK + "\n" if name in step.command else text for name, text in files.items()}
        result = self.result(step.result) if step.result else None
        return step._replace(command=self.command(step.command), files=files, result=result)

    def result(self, result: Result) -> Result:
        """What a command printed, without secret values."""
        return result._replace(stdout=self.text(result.stdout), stderr=self.text(result.stderr))


class RedactingTape:
    """Hands on to another tape what is left when the secret values known so far are taken out."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._redactor = Redactor()

    def event(self, t: float, type: str, obj: Object) -> None:  # noqa: A002 - the watch's own word
        """A change."""
        self._redactor.learn(obj)
        self._tape.event(t, type, self._redactor.object(obj))

    def step(self, step: Step) -> None:
        """A lab's step begins."""
        self._tape.step(self._redactor.step(step))

    def result(self, step_id: str, result: Result) -> None:
        """A step ended."""
        self._tape.result(step_id, self._redactor.result(result))


def redacted(history: History) -> History:
    """The same History without secret values: `about.secret_values` then says so."""
    redactor = Redactor()
    for event in history:
        redactor.learn(event.object)
    for step in history.steps:
        redactor.learn_step(step)
    made = History(history.about._replace(secret_values=MASK.lower()))
    made.complete = history.complete
    made.notes = list(history.notes)
    for event in history:
        made.append(event.t, event.type, redactor.object(event.object))
    for step in history.steps:
        made.begin_step(redactor.step(step))
    made.end = history.end
    return made


# -- what values look like -----------------------------------------------------------------------------


def _secret_values(text: str) -> list[yaml.Node]:
    """Where the values of the Secrets in a manifest stand."""
    if "Secret" not in text:
        return []
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):
        return []
    return [value for document in documents for value in _values_within(document)]


def _values_within(node: Any) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _values_within(item)
    if not isinstance(node, yaml.MappingNode):
        return
    fields = {str(key.value): value for key, value in node.value}
    if getattr(fields.get("kind"), "value", "") == "Secret":
        for part in ("data", "stringData"):
            values = fields.get(part)
            if isinstance(values, yaml.MappingNode):
                yield from (value for _, value in values.value)
    elif "items" in fields:
        yield from _values_within(fields["items"])


def _emptied(secret: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret's values as so many stars: sizes are drawn, so they stay."""
    found: dict[str, Any] = {}
    if isinstance(secret.get("data"), Mapping):
        found["data"] = {k: _stars(v) for k, v in secret["data"].items()}
    if isinstance(secret.get("stringData"), Mapping):
        found["stringData"] = {k: "*" * len(str(v)) for k, v in secret["stringData"].items()}
    return found


def _stars(value: Any) -> str:
    try:
        size = len(base64.b64decode(str(value), validate=True))
    except (binascii.Error, ValueError):
        size = len(str(value))
    return base64.b64encode(b"*" * size).decode()


def _texts(mapping: Any) -> Iterable[str]:
    return [str(v) for v in mapping.values() if v is not None] if isinstance(mapping, Mapping) else []


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _credentials(found: Any) -> Iterable[str]:
    """The passwords within a docker configuration, or another JSON text that a Secret holds."""
    if isinstance(found, Mapping):
        for key, value in found.items():
            if isinstance(value, str) and _SECRET_NAME.search(str(key)):
                yield value
            else:
                yield from _credentials(value)


def _unquoted(word: str) -> str:
    try:
        return "".join(shlex.split(word))
    except ValueError:
        return word
