"""Reads a shell's text: lists, pipelines, loops, conditions, quotes, `$NAME`, `$( )`, redirections, here-documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "Assign",
    "Body",
    "Chain",
    "For",
    "Group",
    "If",
    "Node",
    "Part",
    "Pipeline",
    "Redirect",
    "ShellSyntaxError",
    "Simple",
    "While",
    "Word",
    "parse",
]

_OPERATORS: Final = ("&&", "||", ";;", ">>", "&>", "<<-", "<<", ";", "|", "&", "(", ")", "<", ">", "\n")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_ASSIGN: Final = re.compile(r"([A-Za-z_]\w*)=")
_DEEPEST: Final = 40


class ShellSyntaxError(ValueError):
    """A text that no shell would read, or one that this one does not."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word. `kind` is text, var, command or arithmetic."""

    kind: str
    text: str
    quoted: bool = False
    body: Body = ()


Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """`2>file`: what goes where. `mode` is <, >, >>, or << with the text in `target`."""

    channel: int
    mode: str
    target: Word


@dataclass(frozen=True, slots=True)
class Assign:
    """NAME=value."""

    name: str
    value: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its words."""

    assigns: tuple[Assign, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """( list ) or { list; }."""

    body: Body
    subshell: bool
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """for NAME in words; do list; done."""

    name: str
    words: tuple[Word, ...]
    body: Body
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class While:
    """while list; do list; done."""

    test: Body
    body: Body
    until: bool
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """if list; then list; elif … else … fi."""

    branches: tuple[tuple[Body, Body], ...]
    otherwise: Body
    redirects: tuple[Redirect, ...] = ()


Node = Simple | Group | For | While | If


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by |."""

    commands: tuple[Node, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """A pipeline, and what stood before it: ; && or ||. `background` when & follows."""

    joint: str
    pipeline: Pipeline
    background: bool = False


Body = tuple[Chain, ...]


@dataclass(slots=True)
class _Token:
    """A word, or an operator with its text in `operator`; a digit before > stands in `channel`."""

    operator: str = ""
    word: Word = ()
    channel: int = -1


def parse(text: str) -> Body:
    """A text's commands. Raises ShellSyntaxError.

    >>> [len(chain.pipeline.commands) for chain in parse("a | b && c; d")]
    [2, 1, 1]
    """
    return _Parser(_Lexer(text, 0).tokens()).whole()


@dataclass(slots=True)
class _Lexer:
    text: str
    depth: int
    at: int = 0
    pending: list[tuple[_Token, str, bool, bool]] = field(default_factory=list)

    def tokens(self) -> list[_Token]:
        found: list[_Token] = []
        while True:
            self._blanks()
            if self.at >= len(self.text):
                break
            token = self._operator() or _Token(word=self._word())
            found.append(token)
            if token.operator in ("<<", "<<-"):
                self._here_document(found, strip=token.operator == "<<-")
            elif token.operator == "\n":
                self._here_bodies()
        self._here_bodies()
        return found

    def _blanks(self) -> None:
        while self.at < len(self.text):
            if self.text[self.at] in " \t\r":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                break

    def _operator(self) -> _Token | None:
        found = re.compile(r"(\d)?(>>|<<-|<<|>|<)").match(self.text, self.at)
        if found:
            self.at = found.end()
            return _Token(operator=found[2], channel=int(found[1]) if found[1] else -1)
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                return _Token(operator=operator)
        return None

    def _here_document(self, found: list[_Token], *, strip: bool) -> None:
        self._blanks()
        start = self.at
        word = self._word()
        raw = self.text[start : self.at]
        token = _Token(word=word)
        found.append(token)
        self.pending.append((token, "".join(part.text for part in word), raw[:1] in "'\"\\", strip))

    def _here_bodies(self) -> None:
        for token, end, literal, strip in self.pending:
            lines: list[str] = []
            while self.at < len(self.text):
                line, _, _ = self.text[self.at :].partition("\n")
                self.at += len(line) + 1
                line = line.lstrip("\t") if strip else line
                if line == end:
                    break
                lines.append(line)
            body = "".join(line + "\n" for line in lines)
            token.word = (Part("text", body, True),) if literal else tuple(_Lexer(body, self.depth)._quoted(""))
        self.pending.clear()

    def _word(self) -> Word:
        parts: list[Part] = []
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter in " \t\r\n;|&<>()":
                break
            if letter == "'":
                end = self.text.find("'", self.at + 1)
                if end < 0:
                    raise ShellSyntaxError("unterminated quoted string")
                parts.append(Part("text", self.text[self.at + 1 : end], True))
                self.at = end + 1
            elif letter == '"':
                self.at += 1
                parts += self._quoted('"') or [Part("text", "", True)]
            elif letter == "\\":
                if not self.text.startswith("\\\n", self.at):
                    parts.append(Part("text", self.text[self.at + 1 : self.at + 2], True))
                self.at += 2
            elif letter in "$`":
                parts.append(self._dollar(quoted=False))
            else:
                end = self.at
                while end < len(self.text) and self.text[end] not in " \t\r\n;|&<>()'\"\\$`":
                    end += 1
                parts.append(Part("text", self.text[self.at : end]))
                self.at = end
        return tuple(parts)

    def _quoted(self, end: str) -> list[Part]:
        """Up to a closing double quote; to the end of the text for ''."""
        parts: list[Part] = []
        text = ""
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == end:
                self.at += 1
                return [*parts, Part("text", text, True)] if text else parts
            if letter == "\\" and self.text[self.at + 1 : self.at + 2] in tuple('$`"\\\n'):
                text += self.text[self.at + 1 : self.at + 2].replace("\n", "")
                self.at += 2
            elif letter in "$`":
                if text:
                    parts.append(Part("text", text, True))
                    text = ""
                parts.append(self._dollar(quoted=True))
            else:
                text += letter
                self.at += 1
        if end:
            raise ShellSyntaxError("unterminated quoted string")
        return [*parts, Part("text", text, True)] if text else parts

    def _dollar(self, *, quoted: bool) -> Part:
        text = self.text
        if text[self.at] == "`":
            end = text.find("`", self.at + 1)
            if end < 0:
                raise ShellSyntaxError("unterminated `")
            inner, self.at = text[self.at + 1 : end], end + 1
            return Part("command", "", quoted, self._inner(inner))
        if text.startswith("$((", self.at):
            end = text.find("))", self.at)
            if end > 0:
                inner, self.at = text[self.at + 3 : end], end + 2
                return Part("arithmetic", inner, quoted)
        if text.startswith("$(", self.at):
            end = _closing(text, self.at + 2)
            inner, self.at = text[self.at + 2 : end], end + 1
            return Part("command", "", quoted, self._inner(inner))
        if text.startswith("${", self.at):
            end = text.find("}", self.at)
            if end < 0:
                raise ShellSyntaxError("bad substitution")
            inner, self.at = text[self.at + 2 : end], end + 1
            return Part("var", inner, quoted)
        found = _NAME.match(text, self.at + 1)
        if found:
            self.at = found.end()
            return Part("var", found[0], quoted)
        special = text[self.at + 1 : self.at + 2]
        if special and special in "?!$#@*0123456789":
            self.at += 2
            return Part("var", special, quoted)
        self.at += 1
        return Part("text", "$", quoted)

    def _inner(self, text: str) -> Body:
        if self.depth > _DEEPEST:
            raise ShellSyntaxError("commands inside each other too deeply")
        return _Parser(_Lexer(text, self.depth + 1).tokens()).whole()


def _closing(text: str, at: int) -> int:
    """Where the parenthesis closes that was opened before `at`; quotes are respected."""
    depth, quote = 1, ""
    while at < len(text):
        letter = text[at]
        if letter == "\\" and quote != "'":
            at += 1
        elif quote:
            if letter == quote:
                quote = ""
            elif quote == '"' and text.startswith("$(", at):
                at = _closing(text, at + 2)
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise ShellSyntaxError("unterminated $(")


class _Parser:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Body:
        body = self._list(())
        if self._at < len(self._tokens):
            raise ShellSyntaxError(f"syntax error: unexpected {self._shown()}")
        return body

    def _operator(self) -> str:
        return self._tokens[self._at].operator if self._at < len(self._tokens) else ""

    def _keyword(self) -> str:
        """The next word when it is bare text, as a keyword is."""
        if self._at >= len(self._tokens):
            return ""
        word = self._tokens[self._at].word
        return word[0].text if len(word) == 1 and word[0].kind == "text" and not word[0].quoted else ""

    def _shown(self) -> str:
        return repr(self._operator() or self._keyword() or "word").replace("'\\n'", "newline")

    def _expect(self, keyword: str) -> None:
        if (self._keyword() or self._operator()) != keyword:
            raise ShellSyntaxError(f'syntax error: expecting "{keyword}"')
        self._at += 1

    def _newlines(self) -> None:
        while self._operator() == "\n":
            self._at += 1

    def _list(self, ends: tuple[str, ...]) -> Body:
        found: list[Chain] = []
        joint = ";"
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ShellSyntaxError("commands inside each other too deeply")
        while True:
            self._newlines()
            if self._at >= len(self._tokens) or self._operator() == ")" or self._keyword() in ends:
                break
            pipeline = self._pipeline()
            operator = self._operator()
            background = operator == "&"
            found.append(Chain(joint, pipeline, background))
            if operator not in (";", "&", "\n", "&&", "||"):
                break
            self._at += 1
            joint = operator if operator in ("&&", "||") else ";"
        self._depth -= 1
        return tuple(found)

    def _pipeline(self) -> Pipeline:
        negated = self._keyword() == "!"
        if negated:
            self._at += 1
        commands = [self._command()]
        while self._operator() == "|":
            self._at += 1
            self._newlines()
            commands.append(self._command())
        return Pipeline(tuple(commands), negated)

    def _command(self) -> Node:
        if self._operator() == "(":
            self._at += 1
            body = self._list(())
            self._expect(")")
            return Group(body, True, self._redirects())
        match self._keyword():
            case "{":
                self._at += 1
                body = self._list(("}",))
                self._expect("}")
                return Group(body, False, self._redirects())
            case "for":
                return self._for()
            case "while" | "until":
                return self._while()
            case "if":
                return self._if()
        return self._simple()

    def _for(self) -> For:
        self._at += 1
        name = self._keyword()
        self._at += 1
        words: list[Word] = []
        if self._keyword() == "in":
            self._at += 1
            while self._at < len(self._tokens) and not self._operator():
                words.append(self._tokens[self._at].word)
                self._at += 1
        if self._operator() == ";":
            self._at += 1
        self._newlines()
        self._expect("do")
        body = self._list(("done",))
        self._expect("done")
        return For(name, tuple(words), body, self._redirects())

    def _while(self) -> While:
        until = self._keyword() == "until"
        self._at += 1
        test = self._list(("do",))
        self._expect("do")
        body = self._list(("done",))
        self._expect("done")
        return While(test, body, until, self._redirects())

    def _if(self) -> If:
        branches: list[tuple[Body, Body]] = []
        otherwise: Body = ()
        while self._keyword() in ("if", "elif"):
            self._at += 1
            test = self._list(("then",))
            self._expect("then")
            branches.append((test, self._list(("elif", "else", "fi"))))
        if self._keyword() == "else":
            self._at += 1
            otherwise = self._list(("fi",))
        self._expect("fi")
        return If(tuple(branches), otherwise, self._redirects())

    def _redirects(self) -> tuple[Redirect, ...]:
        found: list[Redirect] = []
        while (redirect := self._redirect()) is not None:
            found += redirect
        return tuple(found)

    def _redirect(self) -> list[Redirect] | None:
        if self._operator() not in (">", ">>", "<", "<<", "<<-", "&>"):
            return None
        token = self._tokens[self._at]
        self._at += 1
        if self._operator() == "&":  # 2>&1
            self._at += 1
        elif token.operator == "&>":
            target = self._target()
            return [Redirect(1, ">", target), Redirect(2, ">", target)]
        else:
            mode = token.operator.rstrip("-")
            return [Redirect(token.channel if token.channel >= 0 else int(">" in mode), mode, self._target())]
        return [Redirect(token.channel if token.channel >= 0 else 1, ">&", self._target())]

    def _target(self) -> Word:
        if self._at >= len(self._tokens) or self._operator():
            raise ShellSyntaxError(f"syntax error: unexpected {self._shown() if self._operator() else 'end of file'}")
        self._at += 1
        return self._tokens[self._at - 1].word

    def _simple(self) -> Simple:
        assigns: list[Assign] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while self._at < len(self._tokens):
            redirect = self._redirect()
            if redirect is not None:
                redirects += redirect
                continue
            if self._operator():
                break
            word = self._tokens[self._at].word
            self._at += 1
            found = _ASSIGN.match(word[0].text) if word and word[0].kind == "text" and not word[0].quoted else None
            if found and not words:
                rest = word[0].text[found.end() :]
                value = ((Part("text", rest),) if rest else ()) + word[1:]
                assigns.append(Assign(found[1], value))
            else:
                words.append(word)
        if not assigns and not words and not redirects:
            raise ShellSyntaxError(f"syntax error: unexpected {self._shown() if self._operator() else 'end of file'}")
        return Simple(tuple(assigns), tuple(words), tuple(redirects))
