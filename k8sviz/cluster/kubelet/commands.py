"""The programs that containers find: those of busybox that scripts and `kubectl exec` use most, in a few lines each.

Each takes its shell, its arguments, its input, and where output and errors go, and returns its exit code; one that
takes time is a generator. What is not there is `not found`, as in an image that does not have it.
"""

# ruff: noqa: ARG001 - every program takes the same arguments

from __future__ import annotations

import base64
import fnmatch
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from k8sviz.cluster.kubelet.disk import Node
from k8sviz.cluster.kubelet.shell import ExitShell, Program, Run, Shell, Sink

__all__ = ["PROGRAMS", "plain_programs"]

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST_SECONDS: Final = 10.0**9
PROGRAMS: dict[str, Program] = {}


def _program(*names: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        for name in names:
            PROGRAMS[name] = function
        return function

    return register


def plain_programs() -> dict[str, Program]:
    """The programs of an image whose content is not known."""
    return dict(PROGRAMS)


def _failed(err: Sink, name: str, path: str, error: OSError) -> int:
    err.write(f"{name}: {path}: {error.strerror}\n")
    return 1


def _options(args: list[str], letters: str = "") -> tuple[set[str], list[str]]:
    """Single-letter options, and the rest."""
    found: set[str] = set()
    rest = list(args)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        found |= set(word[1:]) if not letters or set(word[1:]) <= set(letters) else {word}
    return found, rest


# -- words --------------------------------------------------------------------------------------------


@_program("echo")
def _echo(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    end, escapes = "\n", False
    while args and args[0] in ("-n", "-e", "-ne", "-en"):
        end = "" if "n" in args[0] else end
        escapes = escapes or "e" in args[0]
        args = args[1:]
    text = " ".join(args)
    out.write((_escaped(text) if escapes else text) + end)
    return 0


def _escaped(text: str) -> str:
    return re.sub(r"\\([nt\\])", lambda found: {"n": "\n", "t": "\t", "\\": "\\"}[found.group(1)], text)


@_program("printf")
def _printf(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    if not args:
        return 1
    values = iter(args[1:])
    form = _escaped(args[0])
    out.write(re.sub(r"%[sd%]", lambda found: "%" if found.group() == "%%" else next(values, ""), form))
    return 0


@_program("true", ":")
def _true(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return 0


@_program("false")
def _false(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return 1


@_program("env", "printenv")
def _env(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    known = shell.environment
    if not args:
        out.write("".join(f"{name}={value}\n" for name, value in known.items()))
        return 0
    for name in args:
        if name in known:
            out.write(known[name] + "\n")
    return 0 if all(name in known for name in args) else 1


@_program("export")
def _export(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    for each in args:
        name, equals, value = each.partition("=")
        if equals:
            shell.variables[name] = value
        shell.exported.add(name)
    return 0


@_program("unset")
def _unset(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    for name in args:
        shell.variables.pop(name, None)
    return 0


@_program("set", "wait", "umask", "ulimit", "chmod", "chown", "sync")
def _nothing(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return 0


@_program("trap")
def _trap(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    for name in args[1:]:
        shell.traps[name.removeprefix("SIG")] = args[0]
    return 0


@_program("cd")
def _cd(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    path = shell.path(args[0] if args else shell.variables.get("HOME", "/"))
    node = shell.view.find(path)
    if node is None or not node.is_folder:
        err.write(f"{shell.name}: cd: can't cd to {args[0] if args else path}: No such file or directory\n")
        return 2
    shell.folder = path
    return 0


@_program("pwd")
def _pwd(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write(shell.folder + "\n")
    return 0


@_program("test", "[", "[[")
def _test(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    words = [word for word in args if word not in ("]", "]]")]
    for sign, combine in (("-o", any), ("||", any), ("-a", all), ("&&", all)):
        if sign in words:
            place = words.index(sign)
            both = (words[:place], words[place + 1 :])
            return int(not combine(_test(shell, part, stdin, out, err) == 0 for part in both))
    if words[:1] == ["!"]:
        return int(not _test(shell, words[1:], stdin, out, err))
    return int(not _holds(shell, words))


def _holds(shell: Shell, words: list[str]) -> bool:
    if len(words) == 2 and words[0] in ("-z", "-n"):
        return bool(words[1]) == (words[0] == "-n")
    if len(words) == 2 and words[0] in ("-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h"):
        try:
            node = shell.view.find(shell.path(words[1]), links=words[0] not in ("-L", "-h"))
        except OSError:
            return False
        if node is None:
            return False
        return {"-d": node.is_folder, "-f": node.data is not None, "-s": bool(node.data)}.get(words[0], True)
    if len(words) == 3:
        left, sign, right = words
        if sign in ("=", "==", "!="):
            return (left == right) == (sign != "!=")
        if sign in _COMPARE and all(re.fullmatch(r"\s*-?\d{1,18}\s*", each) for each in (left, right)):
            return _COMPARE[sign](int(left), int(right))
        return False
    return bool(words and words[0])


_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}


# -- time and processes -------------------------------------------------------------------------------


def _seconds(word: str) -> float:
    if word in ("infinity", "inf"):
        return _MOST_SECONDS
    unit = _UNITS.get(word[-1:], 0.0)
    try:
        found = float(word[:-1]) * unit if unit else float(word)
    except ValueError:
        return -1.0
    return min(found, _MOST_SECONDS) if found >= 0 else -1.0


@_program("sleep", "usleep")
def _sleep(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    times = [_seconds(word) for word in args]
    if not times or min(times) < 0:
        err.write(f"sleep: invalid number '{args[0]}'\n" if args else "BusyBox: usage: sleep [N]...\n")
        return 1
    total = sum(times)
    yield None if total >= _MOST_SECONDS else total
    return 0


@_program("sh", "bash", "ash")
def _sh(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    inner = shell.copy()
    known = {**shell.environment, "PWD": shell.folder, "SHLVL": "1"}
    inner.variables = dict(sorted(known.items(), key=lambda pair: _bucket(pair[0])))
    inner.exported = set(known)
    options, rest = _options(args)
    if "c" in options and rest:
        inner.name, inner.args = (rest[1] if len(rest) > 1 else "sh"), tuple(rest[2:])
        return (yield from inner.run(rest[0], out, err, stdin))
    if rest:
        try:
            script = shell.view.read(shell.path(rest[0])).decode("utf-8", "replace")
        except OSError:
            err.write(f"sh: can't open '{rest[0]}': No such file or directory\n")
            return 2
        inner.name, inner.args = rest[0], tuple(rest[1:])
        return (yield from inner.run(script, out, err, stdin))
    return (yield from inner.run(stdin, out, err))


def _bucket(name: str) -> int:
    """Where busybox's shell keeps a variable, which is the order in which it hands them on (hashvar in ash.c)."""
    return ((ord(name[0]) << 4 if name else 0) + sum(map(ord, name))) % 39


@_program("date")
def _date(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(shell.world.now()))
    form = next((word[1:] for word in args if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    for letters, long in (("%T", "%H:%M:%S"), ("%F", "%Y-%m-%d"), ("%s", str(int(shell.world.now())))):
        form = form.replace(letters, long)
    form = form.replace("%e", f"{moment.day:2d}").replace("%N", "000000000").replace("%Z", "UTC")
    out.write(re.sub(r"%[aAbBdHIjmMpSyY]", lambda found: moment.strftime(found.group()), form) + "\n")
    return 0


@_program("hostname")
def _hostname(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    short = shell.variables.get("HOSTNAME", "localhost")
    if "-f" not in args:
        out.write(short + "\n")
        return 0
    try:
        lines = shell.view.read("/etc/hosts").decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = next((line.split()[1:] for line in lines if short in line.split()[1:]), [short])
    out.write(names[0] + "\n")
    return 0


@_program("id", "whoami")
def _id(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("root\n" if not args and "id" not in args else "0\n")
    return 0


@_program("uname")
def _uname(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("Linux\n")
    return 0


@_program("nproc")
def _nproc(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("2\n")
    return 0


@_program("kill")
def _kill(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    if "1" in args:
        raise ExitShell(143)
    return 0


# -- files --------------------------------------------------------------------------------------------


@_program("cat")
def _cat(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    code = 0
    if not args:
        out.write(stdin)
    for name in args:
        try:
            out.write(shell.view.read(shell.path(name)).decode("utf-8", "replace"))
        except OSError as error:
            err.write(f"cat: can't open '{name}': {error.strerror}\n" if error.errno == 2 else "")
            err.write(f"cat: read error: {error.strerror}\n" if error.errno != 2 else "")
            code = 1
    return code


@_program("touch")
def _touch(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    code = 0
    for name in _options(args)[1]:
        try:
            shell.view.write(shell.path(name), b"", shell.world.now(), append=True)
        except OSError as error:
            code = _failed(err, "touch", name, error)
    return code


@_program("rm")
def _rm(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    code = 0
    for name in names:
        try:
            shell.view.remove(shell.path(name), folders=bool(options & {"r", "R"}))
        except OSError as error:
            if error.errno == 2 and "f" in options:
                continue
            words = "is a directory" if error.errno == 21 else f"can't remove '{name}': {error.strerror}"
            err.write(f"rm: '{name}' {words}\n" if error.errno == 21 else f"rm: {words}\n")
            code = 1
    return code


@_program("mkdir")
def _mkdir(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    code = 0
    for name in names:
        path = shell.path(name)
        parts = path.strip("/").split("/")
        wanted = ["/" + "/".join(parts[: i + 1]) for i in range(len(parts))] if "p" in options else [path]
        try:
            for each in wanted:
                shell.view.make_folder(each, shell.world.now(), parents="p" in options)
        except OSError as error:
            err.write(f"mkdir: can't create directory '{name}': {error.strerror}\n")
            code = 1
    return code


@_program("cp", "mv")
def _cp(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    names = _options(args)[1]
    if len(names) < 2:
        return 1
    target = shell.path(names[-1])
    node = shell.view.find(target)
    for name in names[:-1]:
        try:
            data = shell.view.read(shell.path(name))
            place = f"{target}/{name.rpartition('/')[2]}" if node is not None and node.is_folder else target
            shell.view.write(place, data, shell.world.now())
        except OSError as error:
            err.write(f"cp: can't stat '{name}': {error.strerror}\n")
            return 1
    return 0


@_program("ls")
def _ls(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    code, first = 0, True
    todo = [(name, shell.path(name)) for name in sorted(names) or ["."]]
    several = len(todo) > 1 or "R" in options
    while todo:
        name, path = todo.pop(0)
        try:
            node = shell.view.find(path, links=not ("l" in options and not name.endswith("/")))
            if node is not None and node.link and "d" not in options and "l" not in options:
                node = shell.view.find(path)
        except OSError:
            node = None
        if node is None:
            err.write(f"ls: {name}: No such file or directory\n")
            code = 1
            continue
        if not node.is_folder or "d" in options:
            out.write(_line(shell, name, path, node, "l" in options))
            continue
        inside = [each for each in shell.view.names(path) if options & {"a", "A"} or not each.startswith(".")]
        if several:
            out.write(("" if first else "\n") + f"{name}:\n")
        first = False
        shown = [".", "..", *inside] if "a" in options else inside
        if "l" in options:
            out.write(f"total {4 * sum(_is_large(shell, path, each) for each in shown)}\n")
        below = []
        for each in sorted(shown):
            inner = shell.view.absolute(each, path)
            found = shell.view.find(inner, links=False) or Node()
            out.write(_line(shell, each, inner, found, "l" in options))
            if "R" in options and each not in (".", "..") and found.is_folder:
                below.append((f"{name.rstrip('/')}/{each}", inner))
        todo[:0] = below
    return code


def _is_large(shell: Shell, folder: str, name: str) -> bool:
    node = shell.view.find(shell.view.absolute(name, folder), links=False)
    return node is not None and not node.link


def _line(shell: Shell, name: str, path: str, node: Node, long: bool) -> str:
    if not long:
        return f"{name}\n"
    kind = "l" if node.link else "d" if node.is_folder else "-"
    letters = "".join(letter if node.mode >> (8 - i) & 1 else "-" for i, letter in enumerate("rwxrwxrwx"))
    size = len(node.link) if node.link else 4096 if node.is_folder else len(node.data or b"")
    links = 1
    if node.is_folder:
        try:
            inner = shell.view.mounted(path)
            links = (
                1
                if not inner
                else 2
                + sum(
                    (shell.view.find(f"{path.rstrip('/')}/{each}", links=False) or Node(b"")).is_folder
                    for each in shell.view.names(path)
                )
            )
        except OSError:
            links = 2
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(node.t))
    arrow = f" -> {node.link}" if node.link else ""
    stamp = f"{moment:%b} {moment.day:2d} {moment:%H:%M}"
    return f"{kind}{letters} {links:4d} root     root     {size:9d} {stamp} {name}{arrow}\n"


@_program("stat")
def _stat(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    _, names = _options([word for word in args if word not in ("%a", "%s")])
    for name in names:
        node = shell.view.find(shell.path(name))
        if node is None:
            err.write(f"stat: can't stat '{name}': No such file or directory\n")
            return 1
        out.write(f"{node.mode:o}\n" if "%a" in args else f"{len(node.data or b'')}\n")
    return 0


@_program("readlink")
def _readlink(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    _, names = _options(args)
    node = shell.view.find(shell.path(names[0]), links=False) if names else None
    if node is None or not node.link:
        return 1
    out.write(node.link + "\n")
    return 0


@_program("mount")
def _mount(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("overlay on / type overlay (rw,relatime)\n")
    for path, mounted in shell.view.mounts.items():
        flag = "ro" if mounted.read_only else "rw"
        if mounted.size:
            out.write(f"tmpfs on {path} type tmpfs ({flag},relatime,size={mounted.size},noswap)\n")
        else:
            out.write(f"/dev/vda on {path} type ext4 ({flag},relatime)\n")
    return 0


@_program("df")
def _df(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    human = "-h" in args
    unit = "Size  " if human else "1K-blocks"
    out.write(f"Filesystem           {'     Size' if human else unit:>9}      Used Available Use% Mounted on\n")
    for path in [word for word in args if word.startswith("/")] or ["/"]:
        mounted = shell.view.mounts.get(path)
        blocks = int(mounted.size.removesuffix("k")) if mounted is not None and mounted.size else 0
        name = "tmpfs" if blocks else "overlay"
        blocks = blocks or 264212084
        if human:
            shown = f"{blocks / 1024:.1f}M" if blocks < 1 << 20 else f"{blocks / (1 << 20):.1f}G"
            out.write(f"{name:<20} {shown:>9} {'0':>9} {shown:>9}   0% {path}\n")
        else:
            out.write(f"{name:<20} {blocks:>9} {0:>9} {blocks:>9}   0% {path}\n")
    return 0


# -- text ---------------------------------------------------------------------------------------------


def _input(shell: Shell, names: list[str], stdin: str, err: Sink, program: str) -> str | None:
    if not names:
        return stdin
    found = []
    for name in names:
        try:
            found.append(shell.view.read(shell.path(name)).decode("utf-8", "replace"))
        except OSError as error:
            err.write(f"{program}: {name}: {error.strerror}\n")
            return None
    return "".join(found)


@_program("head", "tail")
def _head(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return _part(shell, args, stdin, out, err, from_start=True)


def _part(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink, *, from_start: bool) -> int:
    count, size, names, words = 10, -1, [], list(args)
    while words:
        word = words.pop(0)
        if word in ("-n", "-c") and words and words[0].lstrip("+-").isdigit():
            number = int(words.pop(0).lstrip("+-"))
            count, size = (number, size) if word == "-n" else (count, number)
        elif re.fullmatch(r"-[nc]?\d+", word):
            number = int(word.lstrip("-nc"))
            count, size = (count, number) if "c" in word else (number, size)
        elif not word.startswith("-"):
            names.append(word)
    text = _input(shell, names, stdin, err, "head")
    if text is None:
        return 1
    if size >= 0:
        out.write(text[:size] if from_start else text[-size:])
        return 0
    lines = text.splitlines(keepends=True)
    out.write("".join(lines[:count] if from_start else lines[-count:] if count else []))
    return 0


@_program("tail")
def _tail(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    code = _part(shell, [word for word in args if word not in ("-f", "-F")], stdin, out, err, from_start=False)
    if "-f" in args or "-F" in args:
        yield None
    return code


@_program("grep", "egrep", "fgrep")
def _grep(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, rest = _options(args)
    if not rest:
        return 2
    text = _input(shell, rest[1:], stdin, err, "grep")
    if text is None:
        return 2
    pattern = re.escape(rest[0]) if "F" in options else _pattern(rest[0], extended="E" in options)
    try:
        wanted = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    except re.error:
        return 2
    if len(text) > 1 << 18:  # a pattern may take long
        text = text[: 1 << 18]
    lines = [line for line in text.splitlines() if bool(wanted.search(line)) != ("v" in options)]
    if "c" in options:
        out.write(f"{len(lines)}\n")
    elif "q" not in options:
        out.write("".join(line + "\n" for line in lines))
    return 0 if lines else 1


def _pattern(written: str, *, extended: bool) -> str:
    if extended:
        return written
    return re.sub(r"\\([|+?(){}])|([|+?(){}])", lambda found: found.group(1) or "\\" + found.group(2), written)


@_program("sort")
def _sort(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    text = _input(shell, names, stdin, err, "sort")
    if text is None:
        return 1
    lines = sorted(text.splitlines(), key=_number if "n" in options else None, reverse="r" in options)
    if "u" in options:
        lines = list(dict.fromkeys(lines))
    out.write("".join(line + "\n" for line in lines))
    return 0


def _number(line: str) -> Any:
    found = re.match(r"\s*-?\d{1,18}", line)
    return int(found.group()) if found else 0


@_program("uniq")
def _uniq(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    before = None
    for line in stdin.splitlines():
        if line != before:
            out.write(line + "\n")
        before = line
    return 0


@_program("wc")
def _wc(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    text = _input(shell, names, stdin, err, "wc")
    if text is None:
        return 1
    counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
    shown = [counts[letter] for letter in "lwc" if not options or letter in options]
    out.write(" ".join(str(each) for each in shown) + "".join(f" {name}" for name in names) + "\n")
    return 0


@_program("tr")
def _tr(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, rest = _options(args)
    if not rest:
        return 1
    source = _escaped(rest[0])
    if "d" in options:
        out.write("".join(letter for letter in stdin if letter not in source))
        return 0
    target = _escaped(rest[1]) if len(rest) > 1 else source
    out.write(
        stdin.translate({ord(a): target[min(i, len(target) - 1)] for i, a in enumerate(source)} if target else {})
    )
    return 0


@_program("cut")
def _cut(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    sign, fields, words = "\t", [1], list(args)
    while words:
        word = words.pop(0)
        if word.startswith("-d"):
            sign = word[2:] or (words.pop(0) if words else "\t")
        elif word.startswith("-f"):
            chosen = word[2:] or (words.pop(0) if words else "1")
            fields = [int(each) for each in chosen.split(",") if each.isdigit()]
    for line in stdin.splitlines():
        parts = line.split(sign)
        out.write(sign.join(parts[i - 1] for i in fields if 0 < i <= len(parts)) + "\n")
    return 0


@_program("sed")
def _sed(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, rest = _options(args)
    found = re.fullmatch(r"s(.)(.*?)\1(.*?)\1(g?)", rest[0]) if rest else None
    text = _input(shell, rest[1:], stdin, err, "sed")
    if found is None or text is None or len(text) > 1 << 18:
        err.write("sed: unsupported command\n")
        return 1
    try:
        wanted = re.compile(_pattern(found.group(2), extended=bool(options & {"E", "r"})))
        count = 0 if found.group(4) else 1
        new = found.group(3).replace("&", r"\g<0>")
        out.write("".join(wanted.sub(new, line, count) + "\n" for line in text.splitlines()))
    except re.error:
        return 1
    return 0


@_program("seq")
def _seq(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    numbers = [int(word) for word in args if re.fullmatch(r"-?\d{1,6}", word)]
    if not numbers or len(numbers) != len(args):
        return 1
    first, step, last = {1: (1, 1, numbers[-1]), 2: (numbers[0], 1, numbers[-1])}.get(
        len(numbers), (numbers[0], numbers[1] if len(numbers) > 2 else 1, numbers[-1])
    )
    if step:
        out.write("".join(f"{i}\n" for i in range(first, last + (1 if step > 0 else -1), step)))
    return 0


@_program("basename")
def _basename(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write((args[0].rstrip("/").rpartition("/")[2] if args else "") + "\n")
    return 0


@_program("base64")
def _base64(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    text = _input(shell, names, stdin, err, "base64")
    if text is None:
        return 1
    if "d" in options:
        try:
            out.write(base64.b64decode(text).decode("utf-8", "replace"))
        except ValueError:
            return 1
        return 0
    out.write(base64.b64encode(text.encode()).decode() + "\n")
    return 0


@_program("tee")
def _tee(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = _options(args)
    out.write(stdin)
    for name in names:
        try:
            shell.view.write(shell.path(name), stdin.encode(), shell.world.now(), append="a" in options)
        except OSError as error:
            return _failed(err, "tee", name, error)
    return 0


@_program("find")
def _find(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    start = args[0] if args and not args[0].startswith("-") else "."
    wanted = args[args.index("-name") + 1] if "-name" in args[:-1] else "*"
    todo = [start]
    while todo:
        name = todo.pop()
        node = shell.view.find(shell.path(name), links=False)
        if node is None:
            continue
        if fnmatch.fnmatchcase(name.rpartition("/")[2], wanted):
            out.write(name + "\n")
        if node.is_folder:
            todo += [f"{name.rstrip('/')}/{each}" for each in reversed(shell.view.names(shell.path(name)))]
    return 0


# -- network ------------------------------------------------------------------------------------------


@_program("httpd")
def _httpd(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    port, root, words = 80, shell.folder, list(args)
    while words:
        word = words.pop(0)
        if word == "-p" and words:
            number = words.pop(0).rpartition(":")[2]
            port = int(number) if number.isdigit() else port
        elif word == "-h" and words:
            root = words.pop(0)
    node = shell.view.find(shell.path(root))
    if node is None or not node.is_folder:
        err.write(f"httpd: can't change directory to '{root}': No such file or directory\n")
        return 1
    shell.world.listen(port, shell.path(root))
    if "-f" in args:
        yield None
    return 0


@_program("nc")
def _nc(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    ports = [int(word) for word in args if word.isdigit()]
    if any(word.startswith("-l") for word in args) and ports:
        shell.world.listen(ports[-1], "")
        yield None
    return 1


@_program("wget")
def _wget(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    url = next((word for word in args if not word.startswith("-")), "")
    quiet = any(word.startswith("-") and "q" in word for word in args)
    host, port, path = _url(url)
    try:
        status, body = shell.world.fetch(host, port, path)
    except OSError as error:
        if error.errno == 11001:
            err.write(f"wget: bad address '{host}'\n")
        else:
            err.write(f"wget: can't connect to remote host: {error.strerror}\n")
        return 1
    if status != 200:
        err.write(f"wget: server returned error: HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\n")
        return 1
    if not quiet:
        err.write(f"Connecting to {host}:{port}\n")
    out.write(body)
    return 0


@_program("curl")
def _curl(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    words, urls, header = list(args), [], ""
    while words:
        word = words.pop(0)
        if word in ("--cacert", "-o", "-m", "--max-time", "--connect-timeout", "-X", "-w", "-d") and words:
            words.pop(0)
        elif word in ("-H", "--header") and words:
            header = words.pop(0)
        elif not word.startswith("-"):
            urls.append(word)
    if not urls:
        err.write("curl: (2) no URL specified\n")
        return 2
    if urls[0].startswith("https://") and "--cacert" not in args and "-k" not in args and "--insecure" not in args:
        err.write(_NO_CA)
        return 60
    host, port, path = _url(urls[0])
    try:
        _, body = shell.world.fetch(host, port, f"{path}\0{header}" if header else path)
    except OSError as error:
        if error.errno == 11001:
            err.write(f"curl: (6) Could not resolve host: {host}\n")
            return 6
        err.write(f"curl: (7) Failed to connect to {host} port {port}: Could not connect to server\n")
        return 7
    out.write(body)
    return 0


_REASONS: Final = {404: "Not Found", 403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}
_NO_CA: Final = """curl: (60) SSL certificate problem: self-signed certificate in certificate chain
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
"""


def _url(url: str) -> tuple[str, int, str]:
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "http", url
    host, slash, path = rest.partition("/")
    name, colon, port = host.partition(":")
    number = int(port) if colon and port.isdigit() and len(port) < 6 else 443 if scheme == "https" else 80
    return name, number, slash + path or "/"
