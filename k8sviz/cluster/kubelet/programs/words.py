"""Programs that print and judge words: echo, env, test."""

# ruff: noqa: ARG001 - every program takes the same arguments

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from k8sviz.cluster.kubelet.programs.registry import escaped, program
from k8sviz.cluster.kubelet.shell import Shell, Sink

__all__: list[str] = []


@program("echo")
def _echo(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    end, escapes = "\n", False
    while args and args[0] in ("-n", "-e", "-ne", "-en"):
        end = "" if "n" in args[0] else end
        escapes = escapes or "e" in args[0]
        args = args[1:]
    text = " ".join(args)
    out.write((escaped(text) if escapes else text) + end)
    return 0


@program("printf")
def _printf(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    if not args:
        return 1
    values = iter(args[1:])
    form = escaped(args[0])
    out.write(re.sub(r"%[sd%]", lambda found: "%" if found.group() == "%%" else next(values, ""), form))
    return 0


@program("true", ":")
def _true(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return 0


@program("false")
def _false(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return 1


@program("env", "printenv")
def _env(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    known = shell.environment
    if not args:
        out.write("".join(f"{name}={value}\n" for name, value in known.items()))
        return 0
    for name in args:
        if name in known:
            out.write(known[name] + "\n")
    return 0 if all(name in known for name in args) else 1


@program("export")
def _export(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    for each in args:
        name, equals, value = each.partition("=")
        if equals:
            shell.variables[name] = value
        shell.exported.add(name)
    return 0


@program("unset")
def _unset(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    for name in args:
        shell.variables.pop(name, None)
    return 0


@program("set", "wait", "umask", "ulimit", "chmod", "chown", "sync")
def _nothing(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    return 0


@program("trap")
def _trap(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    for name in args[1:]:
        shell.traps[name.removeprefix("SIG")] = args[0]
    return 0


@program("cd")
def _cd(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    path = shell.path(args[0] if args else shell.variables.get("HOME", "/"))
    node = shell.view.find(path)
    if node is None or not node.is_folder:
        err.write(f"{shell.name}: cd: can't cd to {args[0] if args else path}: No such file or directory\n")
        return 2
    shell.folder = path
    return 0


@program("pwd")
def _pwd(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write(shell.folder + "\n")
    return 0


@program("test", "[", "[[")
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
