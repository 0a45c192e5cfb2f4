"""Reads the shell commands of a lab's steps, as far as they run something inside a container and print what it holds.

No shell: a command that it does not understand is an `Unknown`, and nothing is concluded from what that prints.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

__all__ = [
    "Cat",
    "Each",
    "Echo",
    "Environ",
    "Exec",
    "Line",
    "Listing",
    "Part",
    "Template",
    "Unknown",
    "inside",
    "read_command",
]

_BREAKS = frozenset({";", "&&", "||", "&", "\n"})
_CAPTURE = re.compile(r"(?:.*\s)?([A-Za-z_]\w*)=\$\Z")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?\Z")
_SHELLS = ("sh", "bash", "ash", "/bin/sh", "/bin/bash")
_KEYWORDS = ("do", "then", "else")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that prints any lines."""


@dataclass(frozen=True, slots=True)
class Environ:
    """`env`, perhaps filtered: lines NAME=VALUE."""


@dataclass(frozen=True, slots=True)
class Echo:
    """`echo $NAME`: one line, the variable's value."""

    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """`echo words`: that line."""

    text: str


@dataclass(frozen=True, slots=True)
class Cat:
    """`cat PATH`: the file's content."""

    path: str


@dataclass(frozen=True, slots=True)
class Listing:
    """`ls` of one or several folders."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """A loop over the files of a folder: what it runs for each, where `$name` is the file."""

    folder: str
    name: str
    body: tuple[str, ...]


Part = Unknown | Environ | Echo | Line | Cat | Listing | Each


@dataclass(frozen=True, slots=True)
class Exec:
    """`kubectl exec`: what one of its commands prints; `container` is '' for the Pod's first."""

    pod: str
    container: str
    part: Part


@dataclass(frozen=True, slots=True)
class Template:
    """`echo` of a text that names shell variables which hold what a `kubectl exec` printed."""

    text: str
    holds: tuple[tuple[str, Exec], ...]


def read_command(command: str) -> list[Exec | Template | Unknown]:
    """What a shell command prints, in order, as far as it can be told.

    >>> read_command("kubectl wait pod/p && kubectl exec p -c web -- cat /etc/a")
    [Unknown(), Exec(pod='p', container='web', part=Cat(path='/etc/a'))]
    >>> [found] = read_command('x=$(kubectl exec p -- cat /a); echo "now $x"')
    >>> found.text, [name for name, _ in found.holds]
    ('now $x', ['x'])
    """
    held: dict[str, Exec] = {}
    found: list[Exec | Template | Unknown] = []
    for words, captured, piped in _statements(command):
        runs = _executed(words, piped)
        if captured:
            if len(runs) == 1:
                held[captured] = runs[0]
        elif runs:
            found += runs
        elif words[:1] == ["echo"] and held and len(words) == 2:
            found.append(Template(words[1], tuple(held.items())))
        elif words[:1] not in ([], ["for"], ["done"], ["["], ["sleep"], ["break"]) and found[-1:] != [Unknown()]:
            found.append(Unknown())
    return found


def _tokens(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # a quote without its end, or quotes inside $( ) inside quotes
        return []


def _statements(command: str) -> list[tuple[list[str], str, list[list[str]]]]:
    """(words, the variable that its output goes to, what its output is piped through) of each simple command."""
    found: list[tuple[list[str], str, list[list[str]]]] = []
    pipeline: list[list[str]] = [[]]
    captured = ""

    def close() -> None:
        nonlocal pipeline
        if pipeline[0]:
            found.append((pipeline[0], captured, pipeline[1:]))
        pipeline = [[]]

    for word in _tokens(command):
        if word in _BREAKS:
            close()
        elif word == "|":
            pipeline.append([])
        elif word == "(" and pipeline[-1] and (name := _CAPTURE.match(pipeline[-1][-1])):
            pipeline[-1].pop()
            captured = name[1]
        elif set(word) <= set("()") or word.startswith((")", "(")) or set(word) <= set("();&|"):
            close()
            captured = ""
        elif pipeline[-1] or word not in _KEYWORDS:
            pipeline[-1].append(word)
    close()
    return found


def _executed(words: list[str], piped: list[list[str]]) -> list[Exec]:
    """What a `kubectl exec` prints; [] for anything else."""
    if words[:2] != ["kubectl", "exec"] or "--" not in words:
        return []
    at = words.index("--")
    pod = container = ""
    flags = iter(words[2:at])
    for word in flags:
        if word in ("-c", "--container"):
            container = next(flags, "")
        elif word.startswith("--container="):
            container = word.partition("=")[2]
        elif word in ("-n", "--namespace"):
            next(flags, "")
        elif not word.startswith("-"):
            pod = word.removeprefix("pod/").removeprefix("pods/").removeprefix("po/")
    return [Exec(pod, container, part) for part in _filtered(_printed(words[at + 1 :], ""), piped)]


def _filtered(parts: list[Part], piped: list[list[str]]) -> list[Part]:
    """What is left of an output behind `| grep … | sort`: of variables some, of anything else who knows."""
    if not piped:
        return parts
    kept = all(words[:1] in (["grep"], ["sort"]) for words in piped)
    return list(parts) if kept and parts == [Environ()] else [Unknown()]


def inside(script: str) -> list[Part]:
    """What a shell script, run inside a container, prints."""
    found: list[Part] = []
    if "$(" in script or "`" in script:  # a command inside another's words
        return [Unknown()]
    folder = ""
    loop: tuple[str, list[str]] | None = None
    for words, _, piped in _statements(script):
        if words[:1] == ["cd"] and len(words) == 2:
            folder = words[1]
        elif words[:1] == ["for"]:
            if len(words) != 4 or words[2:] != ["in", "*"] or not folder or loop:
                return [Unknown()]
            loop = (words[1], [])
        elif words == ["done"] and loop:
            found.append(Each(folder, loop[0], tuple(loop[1])))
            loop = None
        elif loop:
            loop[1].append(shlex.join(words))
        else:
            found += _filtered(_printed(words, folder), piped)
    return found


def _printed(words: list[str], folder: str) -> list[Part]:
    """What one command, run in a folder inside the container, prints."""
    name, *rest = words or [""]
    if name in _SHELLS and len(rest) == 2 and rest[0] == "-c":
        return inside(rest[1].replace("\\$", "$"))
    plain = [word for word in rest if not word.startswith("-")]
    if name in ("env", "printenv") and not rest:
        return [Environ()]
    if name == "echo":
        return _echoed(rest)
    if name == "cat" and rest == plain and not any("$" in word or "*" in word for word in plain):
        return [Cat(word if word.startswith("/") else f"{folder}/{word}") for word in plain]
    if name == "ls" and not any("$" in word or "*" in word for word in plain):
        return [Listing(tuple(word if word.startswith("/") else f"{folder}/{word}" for word in plain) or (folder,))]
    return [Unknown()]


def _echoed(words: list[str]) -> list[Part]:
    if len(words) == 1 and (name := _VARIABLE.match(words[0])):
        return [Echo(name[1])]
    return [Unknown()] if any("$" in word for word in words) else [Line(" ".join(words))]
