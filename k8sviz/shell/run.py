"""Runs what `parse` read: expansion of words, loops and conditions, pipes and redirections, over a World."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from k8sviz.shell.parse import (
    Body,
    For,
    Group,
    If,
    Node,
    Part,
    Pipeline,
    Redirect,
    ShellSyntaxError,
    Simple,
    While,
    Word,
    parse,
)

__all__ = ["Answer", "Shell", "World"]

_MOST_COMMANDS: Final = 5000
_MOST_OUTPUT: Final = 8_000_000
_NULL: Final = "/dev/null"


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int = 0
    out: str = ""
    err: str = ""


class World(Protocol):
    """Where a shell stands: what commands do there, and what files there are. Paths are as they were typed."""

    def run(self, argv: Sequence[str], stdin: str, env: Mapping[str, str], /) -> Answer:
        """Run a command that is not the shell's own; 127 when there is none of that name."""

    def read(self, path: str) -> str:
        """A file's text. Raises OSError."""

    def write(self, path: str, text: str) -> None:
        """Put a text into a file. Raises OSError."""

    def match(self, pattern: str) -> list[str]:
        """The paths that a pattern with * or ? means, sorted."""

    def change_folder(self, path: str) -> None:
        """`cd`. Raises OSError."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class _Leave(Exception):  # noqa: N818 - not an error
    def __init__(self, kind: str, count: int = 1) -> None:
        self.kind = kind
        self.count = count


class _Failed(Exception):  # noqa: N818 - what a redirection or an expansion could not do
    pass


class Shell:
    """A shell in a World; variables stay from one `run` to the next.

    `name` is what it calls itself in its errors.
    """

    def __init__(self, world: World, env: Mapping[str, str] | None = None, name: str = "sh") -> None:
        self.variables: dict[str, str] = dict(env or {})
        self.code = 0
        self._world = world
        self._name = name
        self._left = _MOST_COMMANDS
        self._size = 0

    def run(self, text: str, stdin: str = "") -> Answer:
        """Run a text. What no shell would read is answered as a shell answers it, with exit code 2."""
        self._left, self._size = _MOST_COMMANDS, 0
        try:
            body = parse(text)
        except ShellSyntaxError as error:
            return Answer(2, "", f"{self._name}: {error}\n")
        out: list[str] = []
        err: list[str] = []
        try:
            self._body(body, stdin, out, err)
        except _Leave as left:
            if left.kind == "exit":
                self.code = left.count
        except _Failed as failed:
            err.append(f"{self._name}: {failed}\n")
            self.code = 2
        return Answer(self.code, "".join(out), "".join(err))

    # -- lists -----------------------------------------------------------------------------------

    def _body(self, body: Body, stdin: str, out: list[str], err: list[str]) -> None:
        for chain in body:
            if (chain.joint == "&&" and self.code) or (chain.joint == "||" and not self.code):
                continue
            self._pipeline(chain.pipeline, stdin, out, err)
            if chain.background:
                self.variables["!"] = "4242"
                self.code = 0

    def _pipeline(self, pipeline: Pipeline, stdin: str, out: list[str], err: list[str]) -> None:
        last = len(pipeline.commands) - 1
        for i, command in enumerate(pipeline.commands):
            into: list[str] = out if i == last else []
            if last:
                self._in_own_shell(command, stdin, into, err)
            else:
                self._command(command, stdin, into, err)
            stdin = "".join(into) if i < last else ""
        if pipeline.negated:
            self.code = int(not self.code)

    def _in_own_shell(self, command: Node, stdin: str, out: list[str], err: list[str]) -> None:
        kept = dict(self.variables)
        try:
            self._command(command, stdin, out, err)
        except _Leave as left:
            if left.kind == "exit":
                self.code = left.count
        self.variables = kept

    def _command(self, command: Node, stdin: str, out: list[str], err: list[str]) -> None:
        self._left -= 1
        if self._left < 0:
            raise _Failed(f"more than {_MOST_COMMANDS} commands; stopped")
        targets = self._targets(command.redirects)
        into: list[str] = []
        wrong: list[str] = []
        try:
            self._node(command, targets.get("in", stdin), into, wrong)
        finally:
            self._deliver(targets, into, wrong, out, err)

    def _node(self, command: Node, stdin: str, out: list[str], err: list[str]) -> None:
        match command:
            case Simple():
                self._simple(command, stdin, out, err)
            case Group():
                if command.subshell:
                    kept, self.variables = self.variables, dict(self.variables)
                    try:
                        self._body(command.body, stdin, out, err)
                    finally:
                        self.variables = kept
                else:
                    self._body(command.body, stdin, out, err)
            case For():
                self._for(command, stdin, out, err)
            case While():
                self._while(command, stdin, out, err)
            case If():
                self._if(command, stdin, out, err)

    def _for(self, loop: For, stdin: str, out: list[str], err: list[str]) -> None:
        self.code = 0
        for value in [field for word in loop.words for field in self._fields(word, err)]:
            self.variables[loop.name] = value
            if self._stops(loop.body, stdin, out, err):
                break

    def _while(self, loop: While, stdin: str, out: list[str], err: list[str]) -> None:
        while True:
            self._body(loop.test, stdin, out, err)
            if bool(self.code) is not loop.until:
                self.code = 0
                break
            if self._stops(loop.body, stdin, out, err):
                break

    def _stops(self, body: Body, stdin: str, out: list[str], err: list[str]) -> bool:
        """Run a loop's body once; whether a `break` ends the loop."""
        try:
            self._body(body, stdin, out, err)
        except _Leave as left:
            if left.kind == "exit":
                raise
            if left.count > 1:
                raise _Leave(left.kind, left.count - 1) from None
            return left.kind == "break"
        return False

    def _if(self, command: If, stdin: str, out: list[str], err: list[str]) -> None:
        for test, body in command.branches:
            self._body(test, stdin, out, err)
            if not self.code:
                self._body(body, stdin, out, err)
                return
        self.code = 0
        self._body(command.otherwise, stdin, out, err)

    def _simple(self, command: Simple, stdin: str, out: list[str], err: list[str]) -> None:
        words = [field for word in command.words for field in self._fields(word, err)]
        self.code = 0 if not words else self.code
        given = {assign.name: self._joined(assign.value, err) for assign in command.assigns}
        if not words:
            self.variables.update(given)
            return
        answer = self._own(words) if words[0] in _OWN else None
        if answer is None:
            answer = self._world.run(words, stdin, {**self.variables, **given})
        self.code = answer.code
        out.append(answer.out)
        err.append(answer.err)
        self._size += len(answer.out) + len(answer.err)
        if self._size > _MOST_OUTPUT:
            raise _Failed(f"more than {_MOST_OUTPUT} characters; stopped")

    def _own(self, words: list[str]) -> Answer | None:
        """The commands that are the shell's own."""
        name, rest = words[0], words[1:]
        if name in ("break", "continue", "exit"):
            count = int(rest[0]) if rest and rest[0].isdigit() else self.code if name == "exit" else 1
            raise _Leave(name, count)
        if name == "cd":
            try:
                self._world.change_folder(rest[0] if rest else "/")
            except OSError as error:
                return Answer(2, "", f"{self._name}: cd: can't cd to {rest[0]}: {error.strerror}\n")
        elif name == "sleep":
            return self._sleep(rest)
        elif name in ("export", "unset"):
            for word in rest:
                key, equal, value = word.partition("=")
                if name == "unset":
                    self.variables.pop(key, None)
                elif equal:
                    self.variables[key] = value
        elif name in ("kill", "wait"):
            return Answer() if rest[:1] == ["4242"] or not rest else None
        return Answer(code=int(name == "false"))

    def _sleep(self, rest: list[str]) -> Answer:
        units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
        found = [re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)([smhd]?)", word) for word in rest]
        if not found or None in found:
            return Answer(1, "", f"sleep: invalid time interval '{' '.join(rest)}'\n")
        self._world.sleep(sum(float(one[1]) * units[one[2] or "s"] for one in found if one))
        return Answer()

    # -- redirections ----------------------------------------------------------------------------

    def _targets(self, redirects: tuple[Redirect, ...]) -> dict[str, str]:
        """Where input comes from, and where output and errors go: a path, `&1` or `&2`."""
        found: dict[str, str] = {}
        for redirect in redirects:
            target = self._joined(redirect.target, [])
            if redirect.mode == "<<":
                found["in"] = target
            elif redirect.mode == "<":
                found["in"] = "" if target == _NULL else self._read(target)
            elif redirect.mode == ">&":
                found[str(redirect.channel)] = "&" + target
            else:
                if redirect.mode == ">" and target != _NULL:
                    self._write(target, "")
                found[str(redirect.channel)] = target
        return found

    def _deliver(
        self, targets: dict[str, str], said: list[str], wrong: list[str], out: list[str], err: list[str]
    ) -> None:
        for channel, words in (("1", said), ("2", wrong)):
            target = targets.get(channel, "")
            if target.startswith("&"):
                target = targets.get(target[1:], target) if target[1:] != channel else target
            if target in ("", "&1", "&2"):
                into = {"": out if channel == "1" else err, "&1": out, "&2": err}[target]
                into += words
            elif target != _NULL and words:
                self._write(target, self._read(target) + "".join(words))

    def _read(self, path: str) -> str:
        try:
            return self._world.read(path)
        except OSError as error:
            raise _Failed(f"can't open {path}: {_reason(error)}") from None

    def _write(self, path: str, text: str) -> None:
        try:
            if text:
                self._world.write(path, text)
            else:
                self._world.write(path, "")
        except OSError as error:
            raise _Failed(f"can't create {path}: {_reason(error)}") from None

    # -- words -----------------------------------------------------------------------------------

    def _fields(self, word: Word, err: list[str]) -> list[str]:
        """What a word becomes: split at blanks and matched with files where it is not quoted."""
        fields: list[list[tuple[str, bool]]] = [[]]
        for part in word:
            text = self._part(part, err)
            if part.kind == "text" or part.quoted:
                fields[-1].append((text, part.quoted))
                continue
            pieces = re.split(r"[ \t\n]+", text)
            fields[-1].append((pieces[0], False))
            fields.extend([(piece, False)] for piece in pieces[1:])
        found: list[str] = []
        for field in fields:
            text = "".join(piece for piece, _ in field)
            if not text and not any(quoted for _, quoted in field):
                continue
            wild = any(not quoted and re.search(r"[*?\[]", piece) for piece, quoted in field)
            found += (self._world.match(text) or [text]) if wild and text not in ("[", "[[") else [text]
        return found

    def _joined(self, word: Word, err: list[str]) -> str:
        return "".join(self._part(part, err) for part in word)

    def _part(self, part: Part, err: list[str]) -> str:
        if part.kind == "text":
            return part.text
        if part.kind == "var":
            return self._variable(part.text)
        if part.kind == "arithmetic":
            return str(_number(part.text, self.variables))
        out: list[str] = []
        kept = dict(self.variables)
        try:
            self._body(part.body, "", out, err)
        except _Leave as left:
            self.code = left.count if left.kind == "exit" else self.code
        self.variables = kept
        return "".join(out).rstrip("\n")

    def _variable(self, text: str) -> str:
        if text == "?":
            return str(self.code)
        if text.startswith("#") and len(text) > 1:
            return str(len(self._variable(text[1:])))
        found = re.fullmatch(r"(\w+|[!$@*#])(?:(:?[-=+?]|##?|%%?)(.*))?", text, re.DOTALL)
        if not found:
            raise _Failed("bad substitution")
        name, operator, rest = found[1], found[2] or "", found[3] or ""
        value = self.variables.get(name, "")
        if operator.endswith(("-", "=")):
            return value if value or (":" not in operator and name in self.variables) else rest
        if operator.endswith("+"):
            return rest if value else ""
        if operator[:1] in ("#", "%") and operator:
            return _trimmed(value, operator, rest)
        return value


_OWN: Final = frozenset(
    {"cd", "sleep", "export", "unset", "break", "continue", "exit", "true", "false", ":", "set", "wait", "kill"}
)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _trimmed(value: str, operator: str, pattern: str) -> str:
    """`${x#a*}` and `${x%.*}`."""
    import fnmatch

    cuts = range(len(value) + 1) if operator in ("#", "%%") else range(len(value), -1, -1)
    for cut in cuts:
        piece = value[:cut] if operator[0] == "#" else value[cut:]
        if fnmatch.fnmatchcase(piece, pattern):
            return value[cut:] if operator[0] == "#" else value[:cut]
    return value


def _number(text: str, variables: Mapping[str, str]) -> int:
    """`$((i + 1))`: whole numbers, the four operations and the rest."""
    filled = re.sub(r"\$?\{?([A-Za-z_]\w*)\}?", lambda found: variables.get(found[1], "0") or "0", text)
    if not re.fullmatch(r"[\d\s+\-*/%()]{1,200}", filled):
        raise _Failed(f"arithmetic: {text.strip()[:60]}")
    try:
        return _evaluated(ast.parse(filled.strip().replace("/", "//"), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, RecursionError):
        raise _Failed(f"arithmetic: {text.strip()[:60]}") from None


def _evaluated(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand)
    if isinstance(node, ast.BinOp):
        one, two = _evaluated(node.left), _evaluated(node.right)
        match node.op:
            case ast.Add():
                return one + two
            case ast.Sub():
                return one - two
            case ast.Mult():
                return one * two
            case ast.FloorDiv():
                return int(one / two)
            case ast.Mod():
                return one - two * int(one / two)
    raise SyntaxError
