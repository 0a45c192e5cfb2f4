"""Programs that cut and sort text."""

# ruff: noqa: ARG001 - every program takes the same arguments

from __future__ import annotations

import base64
import fnmatch
import re
from typing import Any

from k8sviz.cluster.kubelet.programs.registry import escaped, failed, program, read_input, split_options
from k8sviz.cluster.kubelet.shell import Run, Shell, Sink

__all__: list[str] = []


@program("head", "tail")
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
    text = read_input(shell, names, stdin, err, "head")
    if text is None:
        return 1
    if size >= 0:
        out.write(text[:size] if from_start else text[-size:])
        return 0
    lines = text.splitlines(keepends=True)
    out.write("".join(lines[:count] if from_start else lines[-count:] if count else []))
    return 0


@program("tail")
def _tail(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    code = _part(shell, [word for word in args if word not in ("-f", "-F")], stdin, out, err, from_start=False)
    if "-f" in args or "-F" in args:
        yield None
    return code


@program("grep", "egrep", "fgrep")
def _grep(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, rest = split_options(args)
    if not rest:
        return 2
    text = read_input(shell, rest[1:], stdin, err, "grep")
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


@program("sort")
def _sort(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    text = read_input(shell, names, stdin, err, "sort")
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


@program("uniq")
def _uniq(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    before = None
    for line in stdin.splitlines():
        if line != before:
            out.write(line + "\n")
        before = line
    return 0


@program("wc")
def _wc(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    text = read_input(shell, names, stdin, err, "wc")
    if text is None:
        return 1
    counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
    shown = [counts[letter] for letter in "lwc" if not options or letter in options]
    out.write(" ".join(str(each) for each in shown) + "".join(f" {name}" for name in names) + "\n")
    return 0


@program("tr")
def _tr(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, rest = split_options(args)
    if not rest:
        return 1
    source = escaped(rest[0])
    if "d" in options:
        out.write("".join(letter for letter in stdin if letter not in source))
        return 0
    target = escaped(rest[1]) if len(rest) > 1 else source
    out.write(
        stdin.translate({ord(a): target[min(i, len(target) - 1)] for i, a in enumerate(source)} if target else {})
    )
    return 0


@program("cut")
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


@program("sed")
def _sed(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, rest = split_options(args)
    found = re.fullmatch(r"s(.)(.*?)\1(.*?)\1(g?)", rest[0]) if rest else None
    text = read_input(shell, rest[1:], stdin, err, "sed")
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


@program("seq")
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


@program("basename")
def _basename(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write((args[0].rstrip("/").rpartition("/")[2] if args else "") + "\n")
    return 0


@program("base64")
def _base64(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    text = read_input(shell, names, stdin, err, "base64")
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


@program("tee")
def _tee(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    out.write(stdin)
    for name in names:
        try:
            shell.view.write(shell.path(name), stdin.encode(), shell.world.now(), append="a" in options)
        except OSError as error:
            return failed(err, "tee", name, error)
    return 0


@program("find")
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
