"""The small programs that labs put behind a pipe: echo, grep, head, sort, wc and the like, as busybox has them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Final

from k8sviz.shell.run import Answer

__all__ = ["TOOLS", "Reader", "Tool"]

Reader = Callable[[str], str]
Tool = Callable[[Sequence[str], str, Reader], Answer]
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "0": "\0"}


def _lines(text: str) -> list[str]:
    found = text.split("\n")
    return found[:-1] if found[-1] == "" else found


def _together(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _inputs(name: str, paths: Sequence[str], stdin: str, read: Reader) -> tuple[str, str, int]:
    """The text of all files (or of the standard input), what could not be read, and the exit code."""
    out, err = [], []
    for path in paths or ["-"]:
        try:
            out.append(stdin if path == "-" else read(path))
        except OSError as error:
            err.append(f"{name}: can't open '{path}': {error.strerror or error}\n")
    return "".join(out), "".join(err), int(bool(err))


def _options(words: Sequence[str], valued: str = "") -> tuple[dict[str, str], list[str]]:
    """Short options and the rest; letters in `valued` take a value."""
    found: dict[str, str] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += queue
            break
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        if word[1:].isdigit() and "n" in valued:  # head -3
            found["n"] = word[1:]
            continue
        for i, letter in enumerate(word[1:], 1):
            if letter in valued:
                found[letter] = word[i + 1 :] or (queue.pop(0) if queue else "")
                break
            found[letter] = ""
    return found, rest


def _cat(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    _, paths = _options(words)
    out, err, code = _inputs("cat", paths, stdin, read)
    return Answer(code, out, err)


def _echo(words: Sequence[str], _: str, __: Reader) -> Answer:
    rest, newline, escapes = list(words), "\n", False
    while rest and re.fullmatch(r"-[neE]+", rest[0]):
        flags = rest.pop(0)
        newline = "" if "n" in flags else newline
        escapes = escapes or "e" in flags
    text = " ".join(rest)
    return Answer(out=(_unescaped(text) if escapes else text) + newline)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text)


def _printf(words: Sequence[str], _: str, __: Reader) -> Answer:
    if not words:
        return Answer(1, "", "printf: usage: printf FORMAT [ARG]...\n")
    pattern, rest, out = _unescaped(words[0]), list(words[1:]), ""

    def filled(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = rest.pop(0) if rest else ""
        if found[2] in "di":
            return f"%{found[1]}d" % int(value or 0)
        return f"%{found[1]}s" % value

    while True:
        before = len(rest)
        out += re.sub(r"%(?:%|(-?\d*)([sdi]))", filled, pattern)
        if not rest or len(rest) == before:
            return Answer(out=out)


def _grep(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, rest = _options(words, "emABC")
    pattern = options.get("e", "") if "e" in options else rest.pop(0) if rest else ""
    try:
        test = re.compile(_pattern(pattern, options), re.IGNORECASE if "i" in options else 0)
    except re.error:
        return Answer(2, "", f"grep: bad regex '{pattern}'\n")
    text, err, code = _inputs("grep", rest, stdin, read)
    found = [line for line in _lines(text) if bool(test.search(line)) is ("v" not in options)]
    if options.get("m", "").isdigit():
        found = found[: int(options["m"])]
    if "o" in options:
        out = _together([match[0] for line in found for match in test.finditer(line)])
    else:
        out = f"{len(found)}\n" if "c" in options else "" if "q" in options else _together(found)
    return Answer(2 if code else int(not found), out, err)


def _pattern(pattern: str, options: dict[str, str]) -> str:
    if "F" in options:
        found = re.escape(pattern)
    elif "E" in options:
        found = pattern
    else:  # a basic expression: + ? | ( ) { } mean themselves unless escaped
        found = re.sub(r"\\?[+?|(){}]", lambda one: one[0][1:] if one[0][0] == "\\" else "\\" + one[0], pattern)
    for name, letters in (("alpha", "A-Za-z"), ("digit", "0-9"), ("space", r"\s"), ("alnum", "A-Za-z0-9")):
        found = found.replace(f"[:{name}:]", letters)
    return rf"(?:^(?:{found})$)" if "x" in options else rf"\b(?:{found})\b" if "w" in options else found


def _ends(words: Sequence[str], stdin: str, read: Reader, name: str) -> Answer:
    options, paths = _options(words, "nc")
    text, err, code = _inputs(name, paths, stdin, read)
    letters = options.get("c")
    wanted = letters if letters is not None else options.get("n", "10")
    found = re.fullmatch(r"([-+]?)(\d+)", wanted)
    if not found:
        return Answer(1, "", f"{name}: invalid number '{wanted}'\n")
    sign, count = found[1], int(found[2])
    pieces: Sequence[str] = text if letters is not None else re.findall(r"[^\n]*\n|[^\n]+", text)
    if name == "head":
        kept = pieces[: len(pieces) - count] if sign == "-" else pieces[:count]
    else:
        kept = (
            pieces[max(0, count - 1) :] if sign == "+" else pieces[len(pieces) - count if count < len(pieces) else 0 :]
        )
    return Answer(code, "".join(kept), err)


def _head(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    return _ends(words, stdin, read, "head")


def _tail(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    return _ends(words, stdin, read, "tail")


def _sort(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, paths = _options(words, "kt")
    text, err, code = _inputs("sort", paths, stdin, read)
    at = int(re.match(r"\d+", options.get("k", "0"))[0]) if re.match(r"\d+", options.get("k", "")) else 0  # type: ignore[index]

    def key(line: str) -> tuple[float, str]:
        fields = line.split(options["t"]) if options.get("t") else line.split()
        value = line if not at else " ".join(fields[at - 1 :])
        number = re.match(r"\s*-?\d+(\.\d+)?", value) if "n" in options else None
        return (float(number[0]) if number else 0.0, value)

    lines = sorted(_lines(text), key=key, reverse="r" in options)
    return Answer(code, _together(list(dict.fromkeys(lines)) if "u" in options else lines), err)


def _uniq(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, paths = _options(words)
    text, err, code = _inputs("uniq", paths, stdin, read)
    groups: list[tuple[str, int]] = []
    for line in _lines(text):
        if groups and groups[-1][0] == line:
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    return Answer(code, _together([f"{count:7d} {line}" if "c" in options else line for line, count in groups]), err)


def _wc(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, paths = _options(words)
    text, err, code = _inputs("wc", paths, stdin, read)
    counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode())}
    chosen = [letter for letter in "lwc" if letter in options] or list("lwc")
    if len(chosen) == 1:
        shown = str(counts[chosen[0]])
    else:
        shown = "".join(f"{counts[letter]:8d} " for letter in chosen).rstrip()
    return Answer(code, f"{shown} {paths[0]}\n" if paths else f"{shown}\n", err)


def _cut(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, paths = _options(words, "dfc")
    text, err, code = _inputs("cut", paths, stdin, read)
    mark = options.get("d", "\t")
    wanted = options.get("f") or options.get("c", "")
    spans = [re.fullmatch(r"(\d*)(-?)(\d*)", part) for part in wanted.split(",")]
    if not wanted or None in spans:
        return Answer(1, "", "cut: expected a list of bytes, characters, or fields\n")

    def picked(line: str) -> str:
        pieces = line.split(mark) if "f" in options else list(line)
        if "f" in options and mark not in line:
            return "" if "s" in options else line
        kept = [
            i
            for i in range(1, len(pieces) + 1)
            if any(
                int(one[1] or 1) <= i <= (int(one[3] or len(pieces)) if one[2] else int(one[1])) for one in spans if one
            )
        ]
        return (mark if "f" in options else "").join(pieces[i - 1] for i in kept)

    return Answer(code, _together([picked(line) for line in _lines(text)]), err)


def _tr(words: Sequence[str], stdin: str, _: Reader) -> Answer:
    options, rest = _options(words)
    if not rest:
        return Answer(1, "", "tr: usage: tr [-ds] STRING1 [STRING2]\n")
    one = _letters(rest[0])
    if "d" in options:
        return Answer(out="".join(letter for letter in stdin if letter not in one))
    two = _letters(rest[1]) if len(rest) > 1 else one
    table = {ord(letter): two[min(i, len(two) - 1)] for i, letter in enumerate(one)} if two else {}
    text = stdin.translate(table)
    if "s" in options:
        text = re.sub("([" + re.escape(two) + "])\\1+", r"\1", text)
    return Answer(out=text)


def _letters(text: str) -> str:
    for name, letters in (("[:upper:]", "A-Z"), ("[:lower:]", "a-z"), ("[:digit:]", "0-9"), ("[:space:]", " \t\n\r")):
        text = text.replace(name, letters)
    text = _unescaped(text)
    return re.sub(r"(.)-(.)", lambda found: "".join(chr(c) for c in range(ord(found[1]), ord(found[2]) + 1)), text)


def _sed(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, rest = _options(words, "e")
    script = options.get("e") or (rest.pop(0) if rest else "")
    text, err, code = _inputs("sed", rest, stdin, read)
    lines = _lines(text)
    span = re.fullmatch(r"(\d+|\$)(?:,(\d+|\$))?([pd])", script)
    found = re.fullmatch(r"s(.)((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1([gip]*)", script)
    if span:
        first, last = (len(lines) if one == "$" else int(one) for one in (span[1], span[2] or span[1]))
        lines = _spanned(lines, range(first - 1, last), span[3], quiet="n" in options)
    elif found:
        flags = re.IGNORECASE if "i" in found[4] else 0
        pattern = re.compile(_pattern(found[2], options | ({"E": ""} if "r" in options else {})), flags)
        new = re.sub(r"(?<!\\)&", r"\\g<0>", found[3])
        lines = [pattern.sub(new, line, count=0 if "g" in found[4] else 1) for line in lines]
    else:
        return Answer(1, "", f"sed: only s/…/…/, Np and Nd are understood here, not {script[:60]!r}\n")
    return Answer(code, _together(lines), err)


def _spanned(lines: list[str], span: range, what: str, *, quiet: bool) -> list[str]:
    """`2,3p` and `1d`: the lines of a span printed (once more, unless quiet), or left out."""
    if what == "d":
        return [line for i, line in enumerate(lines) if i not in span]
    return [line for i, line in enumerate(lines) for _ in range((i in span) + (not quiet))]


def _awk(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, rest = _options(words, "F")
    script = rest.pop(0).strip() if rest else ""
    text, err, code = _inputs("awk", rest, stdin, read)
    found = re.fullmatch(r"(?:NR\s*([><=!]=?)\s*(\d+)|/(.*)/)?\s*(?:\{\s*print\s*([^{}]*?)\s*;?\s*\})?", script)
    if not found or not script:
        return Answer(1, "", f"awk: only {{print $1, $2}}, NR>1 and /…/ are understood here, not {script[:60]!r}\n")
    out: list[str] = []
    for number, line in enumerate(_lines(text), 1):
        if found[3] is not None and not re.search(found[3], line):
            continue
        if found[1] and not _compared(number, found[1], int(found[2])):
            continue
        fields = line.split(options["F"]) if options.get("F") else line.split()
        out.append(_awk_printed(found[4] or "", line, fields, number))
    return Answer(code, _together(out), err)


def _compared(one: int, operator: str, two: int) -> bool:
    return {">": one > two, "<": one < two, ">=": one >= two, "<=": one <= two, "==": one == two, "!=": one != two}[
        operator if operator != "=" else "=="
    ]


def _awk_printed(wanted: str, line: str, fields: list[str], number: int) -> str:
    if not wanted:
        return line

    def value(found: re.Match[str]) -> str:
        if found[1] is not None:
            return _unescaped(found[1])
        if found[2] == "NF":
            return fields[-1] if fields else ""
        if found[2] is not None:
            at = int(found[2])
            return line if at == 0 else fields[at - 1] if at <= len(fields) else ""
        return str(number if found[3] == "NR" else len(fields))

    parts = [part.strip() for part in re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", wanted)]
    term = re.compile(r"\"((?:\\.|[^\"])*)\"|\$(NF|\d+)|(NR|NF)|\s+")
    return " ".join(term.sub(lambda found: "" if found[0].isspace() else value(found), part) for part in parts)


def _base64(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    options, paths = _options(words, "w")
    text, err, code = _inputs("base64", paths, stdin, read)
    if "d" in options or "decode" in "".join(words):
        try:
            return Answer(code, base64.b64decode("".join(text.split()), validate=True).decode(errors="replace"), err)
        except (binascii.Error, ValueError):
            return Answer(1, "", "base64: truncated input\n")
    packed = base64.b64encode(text.encode()).decode()
    width = int(options.get("w") or 76)
    pieces = [packed[i : i + width] for i in range(0, len(packed), width)] if width else [packed]
    return Answer(code, _together(pieces) if width else packed, err)


def _seq(words: Sequence[str], _: str, __: Reader) -> Answer:
    numbers = [word for word in words if re.fullmatch(r"-?\d{1,9}", word)]
    if len(numbers) != len(words) or not 1 <= len(numbers) <= 3:
        return Answer(1, "", "seq: usage: seq [FIRST [STEP]] LAST\n")
    first, step, last = {1: ("1", "1", *numbers), 2: (numbers[0], "1", numbers[-1]), 3: tuple(numbers)}[len(numbers)]
    if int(step) == 0:
        return Answer(1, "", "seq: the step is 0\n")
    found = range(int(first), int(last) + (1 if int(step) > 0 else -1), int(step))
    return Answer(out=_together([str(one) for one in found[:10000]]))


def _test(words: Sequence[str], _: str, read: Reader) -> Answer:
    rest = list(words)
    if rest[:1] == ["!"]:
        return Answer(int(not _test(rest[1:], "", read).code))
    for joint in ("-o", "-a"):
        if joint in rest[1:]:
            at = rest.index(joint, 1)
            one, two = _test(rest[:at], "", read).code == 0, _test(rest[at + 1 :], "", read).code == 0
            return Answer(int(not (one or two) if joint == "-o" else not (one and two)))
    return Answer(int(not _holds(rest, read)))


def _holds(words: list[str], read: Reader) -> bool:
    if len(words) <= 1:
        return bool(words and words[0])
    if len(words) == 2:
        flag, value = words
        if flag in ("-z", "-n"):
            return bool(value) is (flag == "-n")
        try:
            return bool(read(value)) or flag != "-s"
        except IsADirectoryError:
            return flag in ("-d", "-e")
        except OSError:
            return False
    one, operator, two = words[:3]
    if operator in ("=", "==", "!="):
        return (one == two) is (operator != "!=")
    tests = {"-eq": "==", "-ne": "!=", "-lt": "<", "-le": "<=", "-gt": ">", "-ge": ">="}
    if operator in tests and re.fullmatch(r"-?\d+", one) and re.fullmatch(r"-?\d+", two):
        return _compared(int(one), tests[operator], int(two))
    return False


def _bracket(words: Sequence[str], stdin: str, read: Reader) -> Answer:
    if words[-1:] != ["]"]:
        return Answer(2, "", "[: missing ]\n")
    return _test(words[:-1], stdin, read)


TOOLS: Final[dict[str, Tool]] = {
    "[": _bracket,
    "awk": _awk,
    "base64": _base64,
    "cat": _cat,
    "cut": _cut,
    "echo": _echo,
    "grep": _grep,
    "head": _head,
    "printf": _printf,
    "sed": _sed,
    "seq": _seq,
    "sort": _sort,
    "tail": _tail,
    "test": _test,
    "tr": _tr,
    "uniq": _uniq,
    "wc": _wc,
}
