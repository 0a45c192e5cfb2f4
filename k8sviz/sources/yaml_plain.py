"""YAML written plainly, one key or item a line, as `kubectl get -o yaml` prints it and most people write it.

Read line by line, several times as fast as event by event, and without importing a YAML library. At anything else
(anchors, tags, flow lists, text over several lines, a tab, an error) it gives up, and the whole text goes to the
reader that knows all of YAML: what this one reads, it reads as that one does.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from k8sviz.sources._documents import DEEPEST, MERGE, MIB, MOST_DOCUMENTS, WORDS, Document, Resolved

__all__ = ["documents"]

_MOST: Final = 32 * MIB
_DEEPEST: Final = DEEPEST - 1
_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_./-]{0,200}):(?: +|$)")
_SINGLE: Final = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE: Final = re.compile(r'"([^"\\]*)"')
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


class _Reader:
    """A stack of open mappings and lists with their indentation, and the key that waits for its value."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.tabs = "\t" in text
        self.words = Resolved()
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
        number, lines = 0, self.lines
        while number < len(lines):
            line = lines[number]
            number += 1
            rest = line.lstrip(" ")
            if not rest or rest[0] == "#":
                continue
            indent = len(line) - len(rest)
            if not indent and line[:3] in ("---", "..."):
                if line.rstrip(" ") != "---":
                    raise _OtherwiseError
                self.end()
                continue
            if self.tabs and "\t" in line:
                raise _OtherwiseError
            if rest[:2] == "- ":
                number = self.item(rest, indent, number)
            else:
                number = self.entry(rest, indent, number)
        self.end()
        return self.found

    def item(self, rest: str, indent: int, number: int) -> int:
        """`- value` or `- key: value`."""
        items = self.list_at(indent, number)
        inner = rest[2:].lstrip(" ")
        if not inner or inner[:2] == "- ":
            raise _OtherwiseError
        found = _KEY.match(inner)
        if found is None:
            value, number = self.value(inner, indent, number)
            items.append(value)
            return number
        mapping: dict[str, Any] = {}
        items.append(mapping)
        at = indent + len(rest) - len(inner)
        self.push(at, mapping, number)
        return self.pair(mapping, found, inner, at, number)

    def entry(self, rest: str, indent: int, number: int) -> int:
        """`key: value` or `key:`."""
        found = _KEY.match(rest)
        if found is None:
            raise _OtherwiseError
        return self.pair(self.mapping_at(indent, number), found, rest, indent, number)

    def pair(self, mapping: dict[str, Any], found: re.Match[str], rest: str, indent: int, number: int) -> int:
        key = found[1]
        if key in mapping or key in _CHANGED:
            raise _OtherwiseError
        written = rest[found.end() :]
        if not written:
            mapping[key] = None
            self.waiting = (mapping, key, indent)
            return number
        mapping[key], number = self.value(written, indent, number)
        return number

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
        while stack and (stack[-1][0] > indent or (stack[-1][0] == indent and type(stack[-1][1]) is list)):
            stack.pop()
        if not stack or stack[-1][0] != indent:
            raise _OtherwiseError
        top: dict[str, Any] = stack[-1][1]
        return top

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

    # -- values ----------------------------------------------------------------------------------------

    def value(self, written: str, indent: int, number: int) -> tuple[Any, int]:
        """A value that begins on its key's line, and the number of the line after it."""
        written = written.rstrip(" ")
        first = written[0]
        if first in _NOT_PLAIN:
            return self.marked(written, indent, number)
        if written[:2] == "- " or written == "-" or ": " in written or " #" in written or written[-1] == ":":
            raise _OtherwiseError
        value = self.words[written]
        if value is MERGE or (type(value) is float and not math.isfinite(value)):
            raise _OtherwiseError
        return value, number

    def marked(self, written: str, indent: int, number: int) -> tuple[Any, int]:
        """A value whose first letter means something: quotes, {}, [], or text that follows."""
        if written in ("{}", "[]"):
            empty: Any = {} if written == "{}" else []
            if len(self.stack) == 2:
                self.starts[id(empty)] = number
            return empty, number
        if written in ("|", "|-"):
            return self.block(indent, number, keep=written == "|")
        quoted = _DOUBLE.fullmatch(written)
        if quoted is not None:
            return quoted[1], number
        quoted = _SINGLE.fullmatch(written)
        if quoted is not None:
            return quoted[1].replace("''", "'"), number
        raise _OtherwiseError

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
