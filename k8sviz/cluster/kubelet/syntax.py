"""Reads the small shell scripts that Pods run: words, pipes, lists, redirections, loops, `if`, `$( )`.

Only a reader: what a command does is in `programs`, when it does it in `process`. What it cannot read is a
SyntaxError, and the container says so.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Command", "Group", "If", "Loop", "Part", "Pipeline", "Script", "Word", "closing", "parse"]

_OPERATORS: Final = ("&&", "||", ">>", "2>&1", "2>>", "2>", "&>", "<<", ";;", ";", "|", "&", ">", "<", "(", ")", "\n")
_REDIRECTS: Final = (">>", "2>&1", "2>>", "2>", "&>", ">", "<")
_ENDS: Final = frozenset({"do", "done", "then", "else", "elif", "fi", "}", ")", "esac"})
_DEEPEST: Final = 32
_LONGEST: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written; quotes and `$` are read when it is used."""

    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: assignments before it, its words, its redirections (operator, target)."""

    assignments: tuple[tuple[str, str], ...]
    words: tuple[Word, ...]
    redirects: tuple[tuple[str, Word], ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands whose output is the next one's input; `not_` turns its success round."""

    parts: tuple[Part, ...]
    not_: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Pipelines with what follows each: `;`, `&&`, `||` or `&`."""

    items: tuple[tuple[Pipeline, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """`( … )`, or `{ …; }`, with its redirections."""

    body: Script
    redirects: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """`while`, `until` (condition) and `for` (name and words)."""

    kind: str
    body: Script
    condition: Script = field(default_factory=Script)
    name: str = ""
    words: tuple[Word, ...] | None = None
    redirects: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their bodies, and what is done when none holds."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script
    redirects: tuple[tuple[str, Word], ...] = ()


Part = Command | Group | Loop | If


@functools.lru_cache(maxsize=256)  # the Pods of one template run one script
def parse(text: str) -> Script:
    """Read a script. Raises SyntaxError.

    >>> script = parse("echo a && echo b > /x")
    >>> [item[1] for item in script.items], script.items[1][0].parts[0].redirects
    (['&&', ';'], (('>', Word(text='/x')),))
    """
    if len(text) > _LONGEST:
        raise SyntaxError("script too long")
    reader = _Reader(_tokens(text))
    script = reader.script()
    if reader.next is not None:
        raise SyntaxError(f'syntax error: unexpected "{reader.next}"')
    return script


def _tokens(text: str) -> list[str]:
    """Words and operators; a word that an operator could be mistaken for is marked by a leading NUL."""
    found: list[str] = []
    i, word, inside = 0, "", False
    while i < len(text):
        if not inside and text[i] == "#" and not word:
            while i < len(text) and text[i] != "\n":
                i += 1
            continue
        operator = next((op for op in _OPERATORS if text.startswith(op, i)), "")
        if operator.startswith("2") and word:
            operator = ""
        if operator or text[i] in " \t":
            if inside:
                found.append("\0" + word)
            word, inside = "", False
            if operator:
                found.append(operator)
            i += len(operator) or 1
            continue
        inside = True
        end = _quoted(text, i)
        word += text[i:end]
        i = end
    if inside:
        found.append("\0" + word)
    return found


def _quoted(text: str, i: int) -> int:
    """Where the piece of a word that begins at `i` ends: a quote, `$( )`, `${ }`, backquotes, or one letter."""
    letter = text[i]
    if letter == "\\":
        return min(i + 2, len(text))
    if letter == "'":
        end = text.find("'", i + 1)
        if end < 0:
            raise SyntaxError("syntax error: unterminated quoted string")
        return end + 1
    if letter in '"`':
        i += 1
        while i < len(text) and text[i] != letter:
            i = _quoted(text, i) if text[i] == "\\" or text.startswith(("$(", "${"), i) else i + 1
        if i >= len(text):
            raise SyntaxError("syntax error: unterminated quoted string")
        return i + 1
    if text.startswith(("$(", "${"), i):
        return closing(text, i + 1)
    return i + 1


def closing(text: str, i: int) -> int:
    """Past the bracket that closes the one at `i`."""
    pair = {"(": ")", "{": "}"}[text[i]]
    opening, depth = text[i], 0
    while i < len(text):
        if text[i] == opening:
            depth += 1
        elif text[i] == pair:
            depth -= 1
            if not depth:
                return i + 1
        if text[i] in "'\"\\`":
            i = _quoted(text, i)
        else:
            i += 1
    raise SyntaxError("syntax error: unexpected end of file")


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.nexts = tokens
        self.i = 0
        self.depth = 0

    @property
    def next(self) -> str | None:
        return self.nexts[self.i] if self.i < len(self.nexts) else None

    @property
    def keyword(self) -> str:
        found = self.next
        return found[1:] if found is not None and found.startswith("\0") else found or ""

    def take(self, wanted: str) -> None:
        if self.keyword != wanted:
            raise SyntaxError(f'syntax error: unexpected "{self.keyword or "end of file"}" (expecting "{wanted}")')
        self.i += 1

    def lines(self) -> None:
        while self.next == "\n" or self.next == ";":
            self.i += 1

    def script(self) -> Script:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise SyntaxError("syntax error: too deep")
        items: list[tuple[Pipeline, str]] = []
        self.lines()
        while self.next is not None and self.keyword not in _ENDS:
            pipeline = self.pipeline()
            sign = self.next if self.next in (";", "&&", "||", "&", "\n") else ";"
            if self.next == sign:
                self.i += 1
            items.append((pipeline, ";" if sign == "\n" else sign))
            self.lines()
        self.depth -= 1
        return Script(tuple(items))

    def pipeline(self) -> Pipeline:
        negated = self.keyword == "!"
        if negated:
            self.i += 1
        parts = [self.part()]
        while self.next == "|":
            self.i += 1
            self.lines()
            parts.append(self.part())
        return Pipeline(tuple(parts), negated)

    def part(self) -> Part:
        match self.keyword:
            case "while" | "until" as kind:
                self.i += 1
                condition = self.script()
                return Loop(kind, self.body(), condition, redirects=self.redirects())
            case "for":
                return self.for_loop()
            case "if":
                return self.if_()
            case "{":
                self.i += 1
                body = self.script()
                self.take("}")
                return Group(body, self.redirects())
        if self.next == "(":
            self.i += 1
            body = self.script()
            self.take(")")
            return Group(body, self.redirects())
        return self.command()

    def body(self) -> Script:
        self.take("do")
        body = self.script()
        self.take("done")
        return body

    def for_loop(self) -> Loop:
        self.i += 1
        name = self.keyword
        self.i += 1
        words: list[Word] | None = None
        if self.keyword == "in":
            self.i += 1
            words = []
            while self.next is not None and self.next.startswith("\0"):
                words.append(Word(self.keyword))
                self.i += 1
        self.lines()
        return Loop(
            "for", self.body(), name=name, words=None if words is None else tuple(words), redirects=self.redirects()
        )

    def if_(self) -> If:
        branches: list[tuple[Script, Script]] = []
        while True:
            self.i += 1
            condition = self.script()
            self.take("then")
            branches.append((condition, self.script()))
            if self.keyword != "elif":
                break
        otherwise = Script()
        if self.keyword == "else":
            self.i += 1
            otherwise = self.script()
        self.take("fi")
        return If(tuple(branches), otherwise, self.redirects())

    def redirects(self) -> tuple[tuple[str, Word], ...]:
        found: list[tuple[str, Word]] = []
        while (operator := self.next) is not None and operator in _REDIRECTS:
            self.i += 1
            target = ""
            if operator != "2>&1":
                if self.next is None or not self.next.startswith("\0"):
                    raise SyntaxError(f'syntax error: unexpected "{self.keyword or "end of file"}"')
                target = self.keyword
                self.i += 1
            found.append((operator, Word(target)))
        return tuple(found)

    def command(self) -> Command:
        assignments: list[tuple[str, str]] = []
        words: list[Word] = []
        redirects: list[tuple[str, Word]] = []
        while self.next is not None:
            more = self.redirects()
            redirects += more
            if not more and not self.next.startswith("\0"):
                break
            if more:
                continue
            name, equals, value = self.keyword.partition("=")
            if equals and not words and name.isidentifier() and name.isascii():
                assignments.append((name, value))
            else:
                words.append(Word(self.keyword))
            self.i += 1
        if not assignments and not words and not redirects:
            raise SyntaxError(f'syntax error: unexpected "{self.keyword or "end of file"}"')
        return Command(tuple(assignments), tuple(words), tuple(redirects))
