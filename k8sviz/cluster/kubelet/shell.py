"""Runs the scripts that `syntax` reads, on a View: a small shell whose programs are those of `programs`.

A run is a generator: it yields the seconds that it sleeps, or None when it waits for ever, and returns its exit code.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Generator
from typing import Final, Protocol

from k8sviz.cluster.kubelet.disk import View
from k8sviz.cluster.kubelet.syntax import Command, Group, If, Loop, Part, Pipeline, Script, Word, closing, parse

__all__ = ["ExitShell", "Run", "Shell", "Sink", "World"]

Run = Generator[float | None, None, int]
_Words = Generator[float | None, None, list[str]]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[@*#?$!0-9])(?:(:?[-+=?]|%%?|##?)(.*))?\Z", re.DOTALL)
_BUSY: Final = 2000  # commands without a pause, after which a second has passed
_MOST_TEXT: Final = 1 << 20
_MOST_TURNS: Final = 100_000


class Sink(Protocol):
    """Where output goes."""

    def write(self, text: str) -> object:
        """Take some text."""


class World(Protocol):
    """What lies outside of a process: its container's network, its node's clock."""

    def now(self) -> float:
        """The time in seconds."""

    def spawn(self, run: Run) -> None:
        """Run something beside the process."""

    def listen(self, port: int, root: str) -> None:
        """The process answers HTTP on a port, with the files of a folder."""

    def fetch(self, host: str, port: int, path: str) -> tuple[int, str]:
        """GET by HTTP: status and body. Raises OSError when nobody answers."""


class Buffer:
    """Output that is kept."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> None:
        """Keep text; what goes over the limit is lost."""
        self.size += len(text)
        if self.size <= _MOST_TEXT:
            self.parts.append(text)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)


class ExitShell(Exception):  # noqa: N818 - not an error
    """`exit`: the process ends."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _LeaveLoop(Exception):  # noqa: N818 - not an error
    def __init__(self, again: bool) -> None:
        super().__init__(again)
        self.again = again


Program = Callable[["Shell", list[str], str, Sink, Sink], "int | Run"]


class Shell:
    """One shell with its variables, folder and View. `programs` are what can be run, by name."""

    def __init__(
        self,
        world: World,
        view: View,
        programs: dict[str, Program],
        variables: dict[str, str],
        *,
        folder: str = "/",
        name: str = "sh",
        args: tuple[str, ...] = (),
    ) -> None:
        self.world = world
        self.view = view
        self.programs = programs
        self.variables = dict(variables)
        self.exported = set(variables)
        self.folder = folder
        self.name = name
        self.args = args
        self.code = 0
        self.traps: dict[str, str] = {}
        self._busy = 0

    @property
    def environment(self) -> dict[str, str]:
        """The variables that programs see."""
        return {name: value for name, value in self.variables.items() if name in self.exported}

    def path(self, written: str) -> str:
        """An absolute path."""
        return self.view.absolute(written, self.folder)

    # -- running ---------------------------------------------------------------------------------------

    def run(self, text: str, out: Sink, err: Sink, stdin: str = "") -> Run:
        """Run a script; `exit` ends it."""
        try:
            return (yield from self.script(parse(text), stdin, out, err))
        except ExitShell as left:
            return left.code
        except SyntaxError as error:
            err.write(f"sh: {error.msg}\n")
            return 2
        except _LeaveLoop:
            return self.code

    def script(self, script: Script, stdin: str, out: Sink, err: Sink) -> Run:
        """Run the parts of a script as their signs say."""
        before = ";"
        for pipeline, sign in script.items:
            if (before == "&&" and self.code) or (before == "||" and not self.code):
                before = sign
                continue
            if sign == "&":
                copy = self.copy()
                self.world.spawn(copy.beside(pipeline, out, err))
                self.code = 0
            else:
                self.code = yield from self.pipeline(pipeline, stdin, out, err)
            before = sign
        return self.code

    def beside(self, pipeline: Pipeline, out: Sink, err: Sink) -> Run:
        """Run something in the background."""
        try:
            return (yield from self.pipeline(pipeline, "", out, err))
        except ExitShell as left:
            return left.code

    def copy(self) -> Shell:
        """A shell of its own with the same state: `( … )`, `$( … )`, `&`."""
        other = Shell(
            self.world, self.view, self.programs, self.variables, folder=self.folder, name=self.name, args=self.args
        )
        other.exported = set(self.exported)
        other.traps = self.traps  # of the process, whichever shell sets them
        return other

    def pipeline(self, pipeline: Pipeline, stdin: str, out: Sink, err: Sink) -> Run:
        """Run commands one after the other, each with the output of the one before."""
        code = 0
        for i, part in enumerate(pipeline.parts):
            last = i == len(pipeline.parts) - 1
            sink: Sink = out if last else Buffer()
            shell = self if len(pipeline.parts) == 1 else self.copy()
            try:
                code = yield from shell.part(part, stdin, sink, err)
            except ExitShell as left:
                if shell is self:
                    raise
                code = left.code
            if isinstance(sink, Buffer):
                stdin = sink.text
        return int(not code) if pipeline.not_ else code

    def part(self, part: Part, stdin: str, out: Sink, err: Sink) -> Run:
        """Run one part of a pipeline."""
        if isinstance(part, Command):
            return (yield from self.command(part, stdin, out, err))
        targets = yield from self.redirected(part.redirects, out, err)
        if targets is None:
            return 1
        out, err = targets
        if isinstance(part, Group):
            shell = self.copy()
            try:
                code = yield from shell.script(part.body, stdin, out, err)
            except ExitShell as left:
                code = left.code
        elif isinstance(part, If):
            code = yield from self.choice(part, stdin, out, err)
        else:
            code = yield from self.loop(part, stdin, out, err)
        return code

    def choice(self, part: If, stdin: str, out: Sink, err: Sink) -> Run:
        """`if`."""
        for condition, body in part.branches:
            if not (yield from self.script(condition, stdin, out, err)):
                return (yield from self.script(body, stdin, out, err))
        self.code = 0
        return (yield from self.script(part.otherwise, stdin, out, err))

    def loop(self, loop: Loop, stdin: str, out: Sink, err: Sink) -> Run:
        """`for`, `while`, `until`."""
        code = 0
        values = iter((yield from self.fields(loop.words)) if loop.words is not None else self.args)
        for _ in range(_MOST_TURNS):
            if loop.kind == "for":
                value = next(values, None)
                if value is None:
                    break
                self.variables[loop.name] = value
            else:
                held = yield from self.script(loop.condition, stdin, out, err)
                if bool(held) == (loop.kind == "while"):
                    break
            try:
                code = yield from self.script(loop.body, stdin, out, err)
            except _LeaveLoop as left:
                if not left.again:
                    break
        else:
            yield None
        self.code = code
        return code

    def command(self, command: Command, stdin: str, out: Sink, err: Sink) -> Run:
        """Run a simple command: a word of the shell, or a program."""
        self._busy += 1
        if self._busy > _BUSY:
            self._busy = 0
            yield 1.0
        assigned = {}
        for name, value in command.assignments:
            assigned[name] = " ".join((yield from self.expand(value, split=False)))
        words = yield from self.fields(command.words)
        targets = yield from self.redirected(command.redirects, out, err)
        if targets is None:
            return 1
        out, err = targets
        if not words:
            self.variables |= assigned
            return 0
        return (yield from self.execute(words, stdin, out, err, assigned))

    def execute(
        self, words: list[str], stdin: str, out: Sink, err: Sink, assigned: dict[str, str] | None = None
    ) -> Run:
        """Run a command by its words."""
        name, args = words[0], words[1:]
        if name in ("break", "continue"):
            raise _LeaveLoop(name == "continue")
        if name == "exit":
            raise ExitShell(int(args[0]) & 255 if args and args[0].isdigit() else self.code)
        if name == "exec" and args:
            raise ExitShell((yield from self.execute(args, stdin, out, err, assigned)))
        program = self.programs.get(name.rpartition("/")[2] if name.startswith("/") else name)
        if program is None:
            err.write(f"{self.name}: {name}: not found\n")
            return 127
        saved, exported = dict(self.variables), set(self.exported)
        if assigned:
            self.variables |= assigned
            self.exported |= set(assigned)
        try:
            result = program(self, args, stdin, out, err)
            code = result if isinstance(result, int) else (yield from self.rested(result))
        finally:
            if assigned:
                self.variables, self.exported = saved, exported
        return code

    def rested(self, run: Run) -> Run:
        """A program that takes time makes the shell no longer a busy one."""
        self._busy = 0
        return (yield from run)

    # -- redirections ----------------------------------------------------------------------------------

    def redirected(
        self, redirects: tuple[tuple[str, Word], ...], out: Sink, err: Sink
    ) -> Generator[float | None, None, tuple[Sink, Sink] | None]:
        """The sinks that redirections lead to; None when one cannot be opened."""
        plain = err
        for operator, word in redirects:
            if operator == "2>&1":
                err = out
                continue
            target = " ".join((yield from self.expand(word.text, split=False)))
            if operator == "<":
                continue
            if target == "/dev/null":
                sink: Sink = Buffer()
            elif target in ("/dev/stdout", "/proc/1/fd/1"):
                sink = out
            elif target in ("/dev/stderr", "/proc/1/fd/2"):
                sink = plain
            else:
                file = _File(self, target, append=operator.endswith(">>"))
                sink, problem = file, file.open()
                if problem:
                    plain.write(f"{self.name}: can't create {target}: {problem}\n")
                    return None
            if operator.startswith(("2", "&")):
                err = sink
            if not operator.startswith("2"):
                out = sink
        return out, err

    # -- words -----------------------------------------------------------------------------------------

    def fields(self, words: tuple[Word, ...]) -> _Words:
        """Words expanded, split, and file names put for patterns."""
        found: list[str] = []
        for word in words:
            found += yield from self.expand(word.text)
        return found

    def expand(self, text: str, *, split: bool = True) -> _Words:
        """One word expanded into fields. `split` False keeps it one."""
        pieces: list[tuple[str, bool]] = []  # (text, may be split and hold a pattern)
        i = 0
        while i < len(text):
            letter = text[i]
            if letter == "\\":
                pieces.append((text[i + 1 : i + 2], False))
                i += 2
            elif letter == "'":
                end = text.index("'", i + 1)
                pieces.append((text[i + 1 : end], False))
                i = end + 1
            elif letter == '"':
                i = yield from self._double(text, i + 1, pieces)
            elif letter in "$`":
                value, i = yield from self._dollar(text, i)
                pieces.append((value, True))
            else:
                pieces.append((letter, letter in "*?["))
                i += 1
        if not split:
            return ["".join(piece for piece, _ in pieces)]
        return self._split(pieces)

    def _split(self, pieces: list[tuple[str, bool]]) -> list[str]:
        fields: list[tuple[str, bool]] = []
        word, inside, pattern = "", False, False
        for piece, loose in pieces:
            if loose and piece not in ("*", "?", "["):
                parts = re.split(r"[ \t\n]+", piece)
                for j, part in enumerate(parts):
                    if j and inside:
                        fields.append((word, pattern))
                        word, inside, pattern = "", False, False
                    if part:
                        word, inside = word + part, True
                continue
            pattern = pattern or loose
            word, inside = word + piece, True
        if inside:
            fields.append((word, pattern))
        found: list[str] = []
        for value, wild in fields:
            found += (self._glob(value) or [value]) if wild else [value]
        return found

    def _glob(self, pattern: str) -> list[str]:
        folder, _, last = pattern.rpartition("/")
        try:
            names = self.view.names(self.path(folder or ("/" if pattern.startswith("/") else ".")))
        except OSError:
            return []
        kept = [name for name in names if fnmatch.fnmatchcase(name, last) and (last[0] == "." or name[0] != ".")]
        return [f"{folder}/{name}" if "/" in pattern else name for name in kept]

    def _double(self, text: str, i: int, pieces: list[tuple[str, bool]]) -> Generator[float | None, None, int]:
        pieces.append(("", False))
        while text[i] != '"':
            if text[i] == "\\" and text[i + 1] in '$`"\\\n':
                pieces.append((text[i + 1] if text[i + 1] != "\n" else "", False))
                i += 2
            elif text[i] in "$`":
                value, i = yield from self._dollar(text, i)
                pieces.append((value, False))
            else:
                pieces.append((text[i], False))
                i += 1
        return i + 1

    def _dollar(self, text: str, i: int) -> Generator[float | None, None, tuple[str, int]]:
        """What `$…` or a backquoted command at `i` stands for, and where it ends."""
        if text[i] == "`":
            end = text.index("`", i + 1)
            return (yield from self._output(text[i + 1 : end])), end + 1
        if text.startswith("$((", i) and "))" in text[i:]:
            end = text.index("))", i)
            inner = " ".join((yield from self.expand(text[i + 3 : end], split=False)))
            return self._arithmetic(inner), end + 2
        if text.startswith("$(", i):
            end = closing(text, i + 1)
            return (yield from self._output(text[i + 2 : end - 1])), end
        if text.startswith("${", i):
            end = closing(text, i + 1)
            return (yield from self._braced(text[i + 2 : end - 1])), end
        name = _NAME.match(text, i + 1)
        if name is not None:
            return self.variables.get(name.group(), ""), name.end()
        if text[i + 1 : i + 2] and text[i + 1] in "@*#?$!0123456789":
            return self.special(text[i + 1]), i + 2
        return "$", i + 1

    def special(self, name: str) -> str:
        """`$0`, `$1`, `$*`, `$#`, `$?`, `$$`."""
        match name:
            case "@" | "*":
                return " ".join(self.args)
            case "#":
                return str(len(self.args))
            case "?":
                return str(self.code)
            case "$":
                return "1"
            case "0":
                return self.name
            case "!":
                return ""
        place = int(name) - 1
        return self.args[place] if place < len(self.args) else ""

    def _output(self, text: str) -> Generator[float | None, None, str]:
        buffer = Buffer()
        self.code = yield from self.copy().run(text, buffer, Buffer())
        return buffer.text.rstrip("\n")

    def _braced(self, text: str) -> Generator[float | None, None, str]:
        if text.startswith("#") and len(text) > 1:
            return str(len(self.variables.get(text[1:], "")))
        found = _BRACED.match(text)
        if found is None:
            return ""
        name, operator, rest = found.group(1), found.group(2) or "", found.group(3) or ""
        value = self.variables.get(name) if _NAME.fullmatch(name) else self.special(name)
        if not operator:
            return value or ""
        if operator in ("%", "%%", "#", "##"):
            pattern = " ".join((yield from self.expand(rest, split=False)))
            return _stripped(value or "", operator, pattern)
        unset = value is None or (operator.startswith(":") and not value)
        if operator.endswith("+"):
            return "" if unset else " ".join((yield from self.expand(rest, split=False)))
        if not unset:
            return value or ""
        other = " ".join((yield from self.expand(rest, split=False)))
        if operator.endswith("="):
            self.variables[name] = other
        return other

    def _arithmetic(self, text: str) -> str:
        """`$(( ))`: whole numbers and + - * / %."""
        named = _NAME.sub(lambda found: self.variables.get(found.group(), "") or "0", text)
        if len(named) > 100 or not re.fullmatch(r"[0-9+\-*/% ()]+", named) or "**" in named:
            return "0"
        try:
            return str(int(eval(named.replace("/", "//"), {"__builtins__": {}})))  # noqa: S307 - digits and signs only
        except (SyntaxError, ArithmeticError, ValueError, TypeError):
            return "0"


def _stripped(value: str, operator: str, pattern: str) -> str:
    """`${X%p}` and such: the shortest (one sign) or longest end or beginning that fits is cut off."""
    places = range(len(value) + 1)
    if operator.startswith("%"):
        order = places if operator == "%%" else reversed(places)
        cut = next((i for i in order if fnmatch.fnmatchcase(value[i:], pattern)), len(value))
        return value[:cut]
    order = reversed(places) if operator == "##" else places
    cut = next((i for i in order if fnmatch.fnmatchcase(value[:i], pattern)), 0)
    return value[cut:]


class _File:
    """A file that a redirection writes."""

    def __init__(self, shell: Shell, target: str, *, append: bool) -> None:
        self.shell = shell
        self.path = shell.path(target)
        self.append = append

    def open(self) -> str:
        """Create it, or empty it; what the system has against that."""
        try:
            self.shell.view.write(self.path, b"", self.shell.world.now(), append=self.append)
        except OSError as error:
            return error.strerror or "error"
        return ""

    def write(self, text: str) -> None:
        """Add text."""
        try:
            self.shell.view.write(self.path, text.encode("utf-8", "replace"), self.shell.world.now(), append=True)
        except OSError:  # gone, or full, since it was opened
            return
