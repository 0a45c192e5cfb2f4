"""YAML written plainly, one key or item a line, as `kubectl get -o yaml` prints it and most people write it.

Read line by line, several times as fast as event by event, and without importing a YAML library. At anything else
(anchors, tags, flow lists, text over several lines, a tab, an error) it gives up, and the whole text goes to the
reader that knows all of YAML: what this one reads, it reads as that one does.

Why our own, where libraries are kept better (2026-11-23, milliseconds of a processor for 50 / 500 / 5,000 objects):

- This one 3 / 34 / 417; `yaml_events`, which is libyaml, 11 / 111 / 1,214, and 17 for `import yaml`. `draw overview` as
  a process: 74 / 159 / 928 with this one, 103 / 254 / 1,747 without. KubeDiagrams takes 333 for 50 objects, that is
  4.5 times as long, or 3.2 times without this one, where 5 are promised. From 200 objects on either is enough.
- PyYAML's `CSafeLoader` 18 / 199 / 2,271, and takes a key twice; ruamel.yaml 42 / 464, and reads YAML 1.2.
- rapidyaml parses in 1 / 14 / 121, but 17 to import it, and 9 / 101 until its tree, read node by node, is Python's.
- yaml-rs 2 / 24 / 269 and ryaml 4 / 45 / 489 read YAML 1.2 and tell values only: `010` is ten or a text, `on` a text,
  `<<` a key; an error after reading has no line.
"""

import math
import re
from typing import Any, Final, Literal, NamedTuple

from k8sviz.sources._documents import DEEPEST, MERGE, MIB, MOST_DOCUMENTS, WORDS, Document, Resolved

__all__ = ["documents"]

_MOST: Final = 32 * MIB
_DEEPEST: Final = DEEPEST - 1
_LONG: Final = 80  # letters; what is longer seldom comes again
_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_./-]{0,200}):(?: +|$)")
_SINGLE: Final = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE: Final = re.compile(r'"([^"\\]*)"')
_MARKED: Final = ("{}", "[]", "|", "|-")
_NOT_PLAIN: Final = frozenset("&*!|>@%`{}[],#?:\"'")
_CHANGED: Final = frozenset(word for word in WORDS if word)  # keys that are no text to Kubernetes


class _OtherwiseError(Exception):
    """Not written plainly."""


def documents(text: str) -> list[Document] | None:
    """The documents of a text, each that is not empty; None when it is not written plainly.

    >>> [d.value for d in documents("kind: Pod\\nspec:\\n  args:\\n  - '1'\\n  - 0x10\\n  nothing:\\n")]
    [{'kind': 'Pod', 'spec': {'args': ['1', 16], 'nothing': None}}]
    >>> documents("kind: &anchor Pod\\n") is None
    True
    """
    if len(text) > _MOST or not text.endswith("\n") or not text.replace("\n", "").replace("\t", "").isprintable():
        return None
    try:
        return _Reader(text).documents()
    except _OtherwiseError:
        return None


class _Line(NamedTuple):
    """What a line says by itself: `how` says what its value is, `inner` is where the text after a dash begins."""

    how: Literal["plain", "marked", "follows", "nothing", "end"]
    indent: int = 0
    inner: int = 0
    key: str = ""  # '' where an item is no mapping
    value: Any = None


class _Lines(dict[str, _Line]):
    """What a line says, remembered: manifests say the same lines over and over."""

    def __init__(self) -> None:
        super().__init__()
        self.words = Resolved()

    def __missing__(self, line: str) -> _Line:
        read = self.read(line)
        if len(line) < _LONG:
            self[line] = read
        return read

    def read(self, line: str) -> _Line:
        rest = line.lstrip(" ")
        if not rest or rest[0] == "#":
            return _Line("nothing")
        indent = len(line) - len(rest)
        if not indent and rest.rstrip(" ") == "---":
            return _Line("end")
        if "\t" in rest:
            raise _OtherwiseError
        item = rest[:2] == "- "
        written = rest[2:].lstrip(" ") if item else rest
        inner = len(line) - len(written) if item else 0
        found = _KEY.match(written)
        if found is None and (not item or not written or written[:2] == "- "):
            raise _OtherwiseError
        key = found[1] if found else ""
        if key in _CHANGED:
            raise _OtherwiseError
        return self.value(written[found.end() :] if found else written, indent, inner, key)

    def value(self, written: str, indent: int, inner: int, key: str) -> _Line:
        """The line with its value, as far as the line alone tells it."""
        written = written.rstrip(" ")
        if not written:
            return _Line("follows", indent, inner, key)
        if written in _MARKED:
            return _Line("marked", indent, inner, key, written)
        if written[0] in _NOT_PLAIN:
            return _Line("plain", indent, inner, key, _unquoted(written))
        if written[:2] == "- " or written == "-" or ": " in written or " #" in written or written[-1] == ":":
            raise _OtherwiseError
        value = self.words[written]
        if value is MERGE or (type(value) is float and not math.isfinite(value)):
            raise _OtherwiseError
        return _Line("plain", indent, inner, key, value)


def _unquoted(written: str) -> str:
    quoted = _DOUBLE.fullmatch(written)
    if quoted is not None:
        return quoted[1]
    quoted = _SINGLE.fullmatch(written)
    if quoted is None:
        raise _OtherwiseError
    return quoted[1].replace("''", "'")


class _Reader:
    """A stack of open mappings and lists with their indentation, and the key that waits for its value."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.known = _Lines()
        self.found: list[Document] = []
        self.ended = 0
        self.begin()

    def begin(self) -> None:
        self.stack: list[tuple[int, Any]] = []
        self.starts: dict[int, int] = {}
        self.waiting: tuple[dict[str, Any], str, int] | None = None

    def end(self) -> None:
        self.ended += 1
        if self.ended > MOST_DOCUMENTS:
            raise _OtherwiseError
        if self.stack:
            root = self.stack[0][1]
            self.found.append(Document(root, self.starts[id(root)], self.starts))
        self.begin()

    def documents(self) -> list[Document]:
        number, lines, known = 0, self.lines, self.known
        mapping: dict[str, Any] = {}
        here = -1  # the indentation of `mapping` while it is the innermost
        while number < len(lines):
            how, indent, inner, key, value = known[lines[number]]
            number += 1
            if how == "nothing":
                continue
            if how == "end":
                self.end()
                here = -1
                continue
            if inner:
                items = self.list_at(indent, number)
                if not key:
                    if how == "marked":
                        value, number = self.marked(value, indent, number)
                    items.append(value)
                    here = -1
                    continue
                mapping = {}
                items.append(mapping)
                indent = inner
                self.push(indent, mapping, number)
            else:
                if indent != here or self.waiting is not None:
                    mapping = self.mapping_at(indent, number)
                if key in mapping:
                    raise _OtherwiseError
            here = indent
            if how == "follows":
                self.waiting = (mapping, key, indent)
            elif how == "marked":
                value, number = self.marked(value, indent, number)
            mapping[key] = value
        self.end()
        return self.found

    # -- where a line belongs ------------------------------------------------------------------------

    def push(self, indent: int, container: Any, number: int) -> None:
        depth = len(self.stack)
        if depth > _DEEPEST:
            raise _OtherwiseError
        if depth in (0, 2):
            self.starts[id(container)] = number
        self.stack.append((indent, container))

    def mapping_at(self, indent: int, number: int) -> dict[str, Any]:
        waiting, self.waiting = self.waiting, None
        if waiting is not None and indent > waiting[2]:
            mapping: dict[str, Any] = {}
            waiting[0][waiting[1]] = mapping
            self.push(indent, mapping, number)
            return mapping
        stack = self.stack
        if not stack:
            self.push(indent, {}, number)
        while stack:
            at, top = stack[-1]
            if at == indent and type(top) is dict:
                return top
            if at < indent:
                break
            stack.pop()
        raise _OtherwiseError

    def list_at(self, indent: int, number: int) -> list[Any]:
        waiting, self.waiting = self.waiting, None
        if waiting is not None and indent >= waiting[2]:
            items: list[Any] = []
            waiting[0][waiting[1]] = items
            self.push(indent, items, number)
            return items
        stack = self.stack
        while stack and stack[-1][0] > indent:
            stack.pop()
        if not stack or stack[-1][0] != indent or type(stack[-1][1]) is not list:
            raise _OtherwiseError
        top: list[Any] = stack[-1][1]
        return top

    # -- values over more than a line -------------------------------------------------------------------

    def marked(self, written: str, indent: int, number: int) -> tuple[Any, int]:
        """An empty container, or the text that follows; and the number of the line after it."""
        if written in ("|", "|-"):
            return self.block(indent, number, keep=written == "|")
        empty: Any = {} if written == "{}" else []
        if len(self.stack) == 2:
            self.starts[id(empty)] = number
        return empty, number

    def block(self, indent: int, number: int, keep: bool) -> tuple[str, int]:
        """The lines after `|`: all that are further in than the key."""
        lines, start = self.lines, number
        first = lines[number] if number < len(lines) else ""
        inner = len(first) - len(first.lstrip(" "))
        if inner == len(first) or inner <= indent or first[inner] == "\t":
            raise _OtherwiseError
        while number < len(lines):
            line = lines[number]
            depth = len(line) - len(line.lstrip(" "))
            if depth < inner and depth < len(line):
                if depth > indent:
                    raise _OtherwiseError
                break
            number += 1
        text = "\n".join([line[inner:] for line in lines[start:number]]).rstrip("\n")
        return text + "\n" if keep else text, number
