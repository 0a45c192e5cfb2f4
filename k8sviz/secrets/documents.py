"""Where values stand in the YAML and JSON of a text: in Secrets, and behind names that say so.

It is read event by event by a parser, so that no tag, anchor, escape or style hides a `kind`, and no alias, depth or
broken line stops it: after what is no YAML, reading begins again at the next line that may begin a document.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from k8sviz.secrets.names import holds, says_secret

__all__ = ["API_FIELDS", "APPLIED", "NAMING", "PARTS", "SECRET_KINDS", "decoded", "flagged", "in_documents"]

APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
# a manifest with a kind that is written wrongly is refused, not harmless
SECRET_KINDS: Final = ("secret", "secretlist")
PARTS: Final = {"data": "data", "stringdata": "stringData"}  # by its name in lower case
API_FIELDS: Final = frozenset({"key", "keys"})  # which key of an object is meant
NAMING: Final = frozenset({"name", "key", "header", "param", "field"})
_FLAG: Final = re.compile(r"--?([^\W\d][\w.-]*)")
_NAME: Final = re.compile(r"[^\W\d][\w./ -]{0,80}")
_BEGINS: Final = re.compile(
    r"(?m)^[ \t]*(?:---|[\"']?(?:apiVersion|kind|metadata|data|stringData|spec|items|auths)[\"']?[ \t]*:|[{\[]|- )"
)
_DEEPEST: Final = 200
_MOST_STARTS: Final = 30
_MOST: Final = 1_000_000  # scalars that aliases may stand for

Span = tuple[int, int, str]


def in_documents(text: str, *, secret: bool = False) -> list[Span]:
    """Where values stand in the YAML or JSON of a text, and what they say. `secret`: all of it is about a Secret.

    >>> [v for *_, v in in_documents("{kind: !!str Secret, data: {a: NDcxMQ==}, stringData: {word: geheim}}")]
    ['NDcxMQ==', '4711', 'geheim']
    >>> [v for *_, v in in_documents('env: [{name: DB_PASSWORD, value: "1"}]\\nauth: {token: abc}\\nargs: [--pass, x]')]
    ['1', 'abc', 'x']
    """
    found: list[Span] = []
    start = 0
    for _ in range(_MOST_STARTS):
        walk = _Walk(text, start, secret)
        found += walk.found
        if not walk.broken:
            break
        following = _BEGINS.search(text, max(walk.reached, start + 1))
        # a line is left, not its middle
        if following is None or (following.start() == start and following.end() == start):
            break
        start = following.start()
    return sorted(dict.fromkeys(found), key=lambda place: place[0])


class _Frame:
    """An open mapping or list, and what may be secret in it until its kind is known."""

    __slots__ = ("anchor", "first", "key", "kind", "mapping", "name", "named", "path", "secrets", "value", "wants_key")

    def __init__(self, mapping: bool, anchor: str | None, first: int, key: str) -> None:
        self.mapping = self.wants_key = mapping
        self.anchor, self.first = anchor, first  # its scalars begin there
        self.named = key  # what its list or mapping is the value of
        self.key, self.kind, self.name, self.path = "" if mapping else key, "", "", ""
        self.value: Span | None = None
        self.secrets: dict[int, Span] = {}  # of its data, and of what is in it and names no kind


class _Walk:
    """Reads the events of a text from one place on, as far as it is YAML."""

    def __init__(self, text: str, start: int, secret: bool) -> None:
        self.text, self.start, self.secret = text, start, secret
        self.reached = start
        self.found: list[Span] = []
        self.scalars: list[Span] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, list[Span]] = {}
        self.broken = False
        self.left = _MOST
        clean = text[start:].encode("utf-8", "replace").decode("utf-8")
        self.mark = start + (1 if clean.startswith("\ufeff") else 0)  # libyaml does not count it
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(clean)
        try:
            while (event := loader.get_event()) is not None:
                self.take(event)
                self.reached = event.end_mark.index + self.mark
        except (yaml.YAMLError, ValueError):
            self.broken = True
            while self.stack:
                self.close(self.stack.pop(), cut_off=True)
        finally:
            loader.dispose()

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            key = self.stack[-1].key if self.stack else ""
            self.stack.append(_Frame(isinstance(event, yaml.MappingStartEvent), event.anchor, len(self.scalars), key))
            if len(self.stack) > _DEEPEST:
                raise ValueError
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.close(self.stack.pop())
        elif isinstance(event, yaml.AliasEvent) and self.stack:
            known = self.anchors.get(event.anchor or "", [])
            if self.stack[-1].wants_key:
                self.turn(known[0][2] if known else "")
            else:
                self.one(known, known[0][2] if len(known) == 1 else "")
        elif isinstance(event, yaml.ScalarEvent) and self.stack:
            place = self.place(event)
            if event.anchor:
                self.anchors[event.anchor] = [place]
            if self.stack[-1].wants_key:
                self.turn(event.value)
            else:
                self.scalars.append(place)
                self.one([place], event.value)

    def one(self, places: list[Span], value: str) -> None:
        """A value of the innermost mapping or list: a scalar, or what an alias stands for."""
        frame = self.stack[-1]
        key = frame.key.lower()
        if frame.mapping and key == "kind":
            frame.kind = value.lower()
        elif key == "path":
            frame.path = value
        elif key == "value" and len(places) == 1:
            frame.value = places[0]
        if frame.mapping and key in NAMING:
            frame.name = value
        self.put(places)
        told = frame.named if key == "value" else frame.key
        says = told.lower() not in API_FIELDS and _NAME.fullmatch(told) is not None and says_secret(told)
        if says or (frame.path and not frame.mapping):
            self.found += [place for place in places if holds(place[2])]
        if not frame.mapping:  # the next one's neighbour
            frame.path = value if flagged(value) else ""
        if "=" in value and any(f.key == "secretGenerator" for f in self.stack):
            start, end, _ = places[0]
            at = self.text.find("=", start, end) + 1
            self.found.append((at if at else start, end, value.partition("=")[2]))
        self.turn("")

    def turn(self, key: str) -> None:
        """A mapping's key was read, and a value is next; or the other way round."""
        frame = self.stack[-1]
        if frame.mapping:
            frame.key = key if frame.wants_key else frame.key
            frame.wants_key = not frame.wants_key

    def put(self, places: list[Span]) -> None:
        """Remember what stands in anybody's data."""
        for frame in self.stack:
            if frame.mapping and frame.key.lower() in PARTS:
                self.left -= len(places)
                if self.left < 0:
                    raise ValueError
                frame.secrets.update((place[0], place) for place in places)
                if frame.key.lower() == "stringdata":  # nothing but a Secret has it
                    self.found += places

    def place(self, event: Any) -> Span:
        start, end = event.start_mark.index + self.mark, event.end_mark.index + self.mark
        written = self.text[start:end]
        if written[-1:] in ("'", '"') and written[0:1] == written[-1]:
            start, end = start + 1, end - 1
        return start, start + len(self.text[start:end].rstrip("\n")), event.value

    def close(self, frame: _Frame, *, cut_off: bool = False) -> None:
        if frame.anchor:
            self.anchors[frame.anchor] = self.scalars[frame.first :]
        unknown = self.secret and not frame.kind
        if frame.kind in SECRET_KINDS or unknown:
            self.found += [place for one in frame.secrets.values() for place in _both(one)]
        elif cut_off and not frame.kind:  # its kind may have come later
            self.found += [place for one in frame.secrets.values() if decoded(one[2]) for place in _both(one)]
        elif self.stack and not frame.kind:  # an item of a SecretList says no kind of its own
            self.stack[-1].secrets.update(frame.secrets)
        if frame.value and holds(frame.value[2]):
            patched = self.secret and frame.path.lower().startswith(("/data", "/stringdata"))
            if patched or (says_secret(frame.name) and frame.name not in API_FIELDS):
                self.found += _both(frame.value) if patched else [frame.value]
        if self.stack:
            self.turn("")


def _both(place: Span) -> Iterator[Span]:
    """A value as it is written, and what it says as base64."""
    yield place
    if plain := decoded(place[2]):
        yield place[0], place[1], plain


def flagged(word: str) -> bool:
    """Whether a word is a flag whose value, the next word, is secret."""
    flag = _FLAG.fullmatch(word)
    return flag is not None and says_secret(flag[1])


def decoded(value: str) -> str:
    """What base64 says, where it is text; else ''."""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
